"""The `cluster` fixture: real processes in a temporary folder, which is kept when the test fails.

And --late FILE: where few tests failed, and all of them because something took too long, their names go to FILE,
so that whoever runs them (`run`) can ask again with nothing else running. Any other failure leaves no FILE.
"""

import pathlib
import re
import subprocess
import sys

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).parent))

from framework.cluster import Cluster  # noqa: E402
from framework.node import bitcoind_path  # noqa: E402
from framework.util import StillWaiting  # noqa: E402

TOO_LONG = (StillWaiting, TimeoutError, subprocess.TimeoutExpired)
LATE_MAX = 3  # more is no accident

_failures = {}  # of this run, by test: whether it only took too long


def pytest_addoption(parser):
    parser.addoption("--late", type=pathlib.Path, help="where to list tests that took too long, if no other failed")


def pytest_report_header():
    return f"node: {bitcoind_path() or 'bcoin'}"


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item, call):
    outcome = yield
    report = outcome.get_result()
    if call.excinfo is not None and isinstance(call.excinfo.value, TOO_LONG):
        report.user_properties.append(("took too long", call.when))  # travels from xdist's workers, as excinfo does not
    setattr(item, f"report_{call.when}", report)


def pytest_runtest_logreport(report):
    if report.failed:
        late = ("took too long", report.when) in report.user_properties
        _failures[report.nodeid] = late and _failures.get(report.nodeid, True)


def pytest_sessionfinish(session):
    late = session.config.getoption("late")
    if late is None or hasattr(session.config, "workerinput"):
        return
    late.unlink(missing_ok=True)
    if 0 < len(_failures) <= LATE_MAX and all(_failures.values()):
        late.write_text("".join(f"{session.config.rootpath / name}\n" for name in _failures))


@pytest.fixture
def cluster(request):
    cluster = Cluster(re.sub(r"[^a-z0-9]+", "-", request.node.name.lower()))
    yield cluster
    report = getattr(request.node, "report_call", None)
    failed = report is None or report.failed
    cluster.close(keep=failed)
    if failed:
        print(f"\nkept for you: {cluster.folder}")
        if cluster.pool and cluster.pool.log.exists():
            print("\n".join(cluster.pool.log.read_text(errors="replace").splitlines()[-40:]))
