"""kafka-python against a broker: pure Python, the newest versions of nearly every administrative API."""
import admin_tests  # noqa: F401
import client_tests  # noqa: F401
import group_tests  # noqa: F401
from harness import run_all

run_all(parallel=2)
