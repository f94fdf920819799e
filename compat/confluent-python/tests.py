"""confluent-kafka for Python against a broker: the newest librdkafka (PyPI), and Debian's older one."""
from clients import ADMIN  # noqa: F401  (fails early where the client does not load)
import admin_tests  # noqa: F401
import client_tests  # noqa: F401
import group_tests  # noqa: F401
from harness import run_all

run_all(parallel=3)
