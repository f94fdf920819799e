"""What the Python clients of the suite share: named tests with a time limit, reported as JSON lines on stdout."""
import concurrent.futures
import json
import os
import re
import sys
import threading
import time
import traceback
import uuid

BOOTSTRAP = os.environ.get('COMPAT_BOOTSTRAP', '127.0.0.1:9092')
_NOT_SERVED = set(filter(None, os.environ.get('COMPAT_NOT_SERVED', '').split(',')))
_ONLY = os.environ.get('COMPAT_ONLY')
_tests = []
_lock = threading.Lock()


def test(name, needs=None, limit_s=30):
    """Decorator: registers a test. `needs` names a feature that the broker under test may not serve."""
    def register(run):
        _tests.append((name, run, needs, limit_s))
        return run
    return register


def unique(prefix):
    return f'{prefix}-{uuid.uuid4().hex[:10]}'


def equal(actual, expected):
    assert actual == expected, f'got {actual!r}, expected {expected!r}'


def eventually(probe, what='condition', timeout_s=15):
    end = time.monotonic() + timeout_s
    while True:
        value = probe()
        if value:
            return value
        assert time.monotonic() < end, f'timed out waiting for {what}'
        time.sleep(0.05)


def _report(name, status, detail, ms):
    line = {'test': name, 'status': status, 'ms': ms}
    if detail:
        line['detail'] = detail[:1500]
    with _lock:
        print(json.dumps(line, separators=(',', ':')), flush=True)


def _run_one(name, run, needs, limit_s):
    if _ONLY and not re.search(_ONLY, name):
        return
    if needs in _NOT_SERVED:
        _report(name, 'not served', needs, 0)
        return
    start = time.monotonic()
    outcome = {}

    def body():
        try:
            run()
            outcome['ok'] = True
        except BaseException:  # whatever ends the test is its result
            outcome['error'] = traceback.format_exc()
    thread = threading.Thread(target=body, daemon=True, name=name)
    thread.start()
    thread.join(limit_s)
    ms = round((time.monotonic() - start) * 1000)
    if outcome.get('ok'):
        _report(name, 'pass', None, ms)
    else:
        error = outcome.get('error', f'no end after {limit_s} s')
        last = error.strip().splitlines()[-1]
        _report(name, 'fail', f'{last}\n{error}', ms)


def run_all(parallel=1):
    """Runs every registered test, `parallel` at a time, and ends the process."""
    with concurrent.futures.ThreadPoolExecutor(parallel) as pool:
        for future in [pool.submit(_run_one, *each) for each in _tests]:
            future.result()
    sys.stdout.flush()
    os._exit(0)
