"""/metrics: what promtool makes of it, and whether its figures are those of PostgreSQL and of what was done.

The dashboard and the alert rules in monitoring/ are held against the page too: every metric that they name is
there.
"""

import json
import re

import pytest

from framework import metrics
from framework.stratum_client import rejection
from framework.util import ROOT, wait_until

needs_promtool = pytest.mark.skipif(metrics.promtool() is None, reason="no promtool: scripts/setup.sh fetches it on Debian")

HISTOGRAM_PARTS = ("_bucket", "_sum", "_count")


def test_figures_are_those_of_the_database(cluster):
    """Shares good and bad, a block, tips: each shows where it should, as often as it happened."""
    pool = cluster.start()
    before = metrics.read(pool)
    assert before["phasepool_shares_accepted_total"] == 0
    client = cluster.client()
    for _ in range(4):
        assert client.submit(client.find_share(block=False))
    duplicate = client.find_share(block=False)
    assert client.submit(duplicate)
    assert rejection(client.submit, duplicate).code == 22
    assert client.submit(client.find_share(block=True))
    tip = cluster.node.mine()
    client.wait_for_first_job(tip, timeout=20)
    accepted = 6
    wait_until(lambda: cluster.query("SELECT count(*) FROM shares") == [(accepted,)], 60, "all shares in PostgreSQL")

    def settled():
        now = metrics.read(pool)
        counts = (now["phasepool_shares_accepted_total"], now["phasepool_shares_stored_total"], now["phasepool_share_to_reply_seconds_count"])
        tips = now["phasepool_tip_to_notify_last_seconds_count"]
        return now if counts == (accepted,) * 3 and tips >= 2 else None

    now = wait_until(settled, 60, "the metrics of six shares and two tips")
    assert now['phasepool_shares_rejected_total{reason="duplicate"}'] == 1 == metrics.total(now, "phasepool_shares_rejected_total")
    assert now["phasepool_blocks_found_total"] == 1 == now["phasepool_blocks_accepted_total"]
    assert now['phasepool_submitblock_seconds_count{node="1"}'] == 1
    assert now['phasepool_template_seconds_count{node="1"}'] >= 1
    assert now["phasepool_height"] == cluster.node.height()
    assert now["phasepool_connections"] == now["phasepool_workers"] == now["phasepool_miners"] == 1
    work = float(cluster.query("SELECT sum(work) FROM shares")[0][0])
    assert now["phasepool_work_accepted_hashes_total"] == pytest.approx(work, rel=1e-12)
    for name in ("journal_fsync", "shipping_lag", "tip_to_notify_first"):
        assert now[f"phasepool_{name}_seconds_count"] >= 1, name
    assert now["phasepool_tip_to_notify_first_seconds_sum"] <= now["phasepool_tip_to_notify_last_seconds_sum"]
    for thread in ("shard", "http", "node", "journal", "store"):
        assert now[f'phasepool_loop_lag_seconds_count{{thread="{thread}"}}'] >= 1, thread
        assert now[f'phasepool_mailbox_messages_count{{thread="{thread}"}}'] >= 1, thread
    assert 0 < now["process_open_fds"] < now["process_max_fds"]
    # Counters and histograms only rise.
    for name, value in before.items():
        if name.split("{")[0].endswith(("_total", *HISTOGRAM_PARTS)):
            assert now[name] >= value, name


@needs_promtool
def test_promtool_has_no_complaint(cluster):
    pool = cluster.start()
    wait_until(lambda: "phasepool_coherence_height" in metrics.read(pool), 60, "coherence work")
    assert metrics.check("check", "metrics", stdin=pool.get("/metrics")[1].decode()) == ""
    assert "no help text" in metrics.check("check", "metrics", stdin="no_help 1\n"), "promtool can complain"


def test_series_do_not_grow_with_miners(cluster):
    pool = cluster.start()
    cluster.client(user="bcrt1qw508d6qejxtdg4y5r3zarvary0c5xw7kygt080.first")
    wait_until(lambda: metrics.read(pool)["phasepool_workers"] == 1, 60, "one worker in the metrics")
    names = set(metrics.read(pool))
    for i in range(8):
        cluster.client(user=f"bcrt1qw508d6qejxtdg4y5r3zarvary0c5xw7kygt080.rig{i}")
    wait_until(lambda: metrics.read(pool)["phasepool_workers"] == 9, 60, "nine workers in the metrics")
    grown = set(metrics.read(pool)) - names
    assert not [name for name in grown if "rig" in name or "bcrt1" in name], grown


# -- monitoring/


@needs_promtool
def test_alert_rules_are_well_formed():
    assert metrics.check("check", "rules", str(ROOT / "monitoring" / "alerts.yml")) == ""


@needs_promtool
def test_alert_rules_fire_when_they_should():
    """Their unit tests, in monitoring/alerts_test.yml."""
    assert metrics.check("test", "rules", str(ROOT / "monitoring" / "alerts_test.yml")) == ""


def named_metrics(text: str) -> set:
    names = set(re.findall(r"\b(?:phasepool|process)_[a-z0-9_]+", text))
    return {re.sub("(" + "|".join(HISTOGRAM_PARTS) + ")$", "", name) for name in names}


def test_dashboard_and_alerts_name_only_metrics_that_are_there(cluster):
    pool = cluster.start()
    wait_until(lambda: "phasepool_coherence_height" in metrics.read(pool), 60, "coherence work")
    page = pool.get("/metrics")[1].decode()
    families = set(re.findall(r"^# TYPE (\S+)", page, re.MULTILINE))
    dashboard = json.loads((ROOT / "monitoring" / "dashboard.json").read_text())
    queries = " ".join(target["expr"] for panel in dashboard["panels"] for target in panel.get("targets", []))
    alerts = (ROOT / "monitoring" / "alerts.yml").read_text()
    assert named_metrics(queries + alerts) - families == set()
    documented = named_metrics((ROOT / "docs" / "metrics.md").read_text())
    assert families - documented == set(), "docs/metrics.md has every metric"
