"""The `cluster` fixture: real processes in a temporary folder, which is kept when the test fails."""

import pathlib
import re
import sys

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).parent))

from framework.cluster import Cluster  # noqa: E402
from framework.node import bitcoind_path  # noqa: E402


def pytest_report_header():
    return f"node: {bitcoind_path() or 'bcoin'}"


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item, call):
    outcome = yield
    setattr(item, f"report_{call.when}", outcome.get_result())


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
