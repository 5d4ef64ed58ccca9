"""The pool as a login that owns nothing and is a member of role `phasepool` alone: shares, blocks, the ledger, retention.

Every other test runs the pool as the owner of the database, to whom nothing is forbidden.
"""

import pytest
from test_block_tracker import find_block, wait_for

from framework.postgres import Postgres
from framework.util import wait_until

LOGIN = "operator"


@pytest.fixture
def pool(cluster):
    """Migrated by the owner, not yet started. Ten days ago something was stored, and something happened."""
    cluster.postgres = Postgres(cluster.folder / "postgres", durable=False, owner="pool_owner").start()
    cluster.start_node(blocks=3)
    pool = cluster.make_pool()
    pool.migrate()
    cluster.postgres.psql(f"CREATE ROLE {LOGIN} LOGIN IN ROLE phasepool", user="postgres")
    cluster.postgres.psql("""
      SELECT ensure_share_partitions(d, d), ensure_share_sum_partitions(d, d) FROM (SELECT (now() AT TIME ZONE 'UTC')::date - 10 AS d) t;
      SELECT ensure_workers('{bcrt1qold}', '{rig}', now() - interval '10 days');
      INSERT INTO journal_positions (journal, shares_total) VALUES ('00000000-0000-4000-8000-000000000001', 1);
      INSERT INTO shares SELECT now() - interval '10 days', 1, 1, id, 1, 0, 1, 1, 1000, '\\x00' FROM workers;
      INSERT INTO share_sums SELECT s.span, date_trunc(s.span, now() - interval '10 days', 'UTC'), id, 1, 1, 1000, 1
        FROM workers, unnest(ARRAY['minute', 'hour', 'day']) AS s (span);
      -- Old is what is old beside the newest share.
      INSERT INTO share_sums SELECT 'day', date_trunc('day', now() - interval '1 day', 'UTC'), id, 1, 1, 1000, 1 FROM workers;
      INSERT INTO events (time, severity, component, message, context) VALUES (now() - interval '10 days', 'info', 'test', 'old', '{}')""")
    pool.config["database"] = cluster.postgres.url().replace("user=pool_owner", f"user={LOGIN}")
    pool.config["retention"] = {"shares_days": 3, "minutes_days": 3, "events_days": 5}
    return pool


def test_it_can_do_all_that_it_has_to(cluster, pool):
    pool.start()
    client = cluster.client()
    assert client.submit(client.find_share(block=False))
    wait_until(lambda: cluster.query("SELECT count(*) FROM shares WHERE time > now() - interval '1 day'") == [(1,)], 20, "the share to be stored")
    wait_until(lambda: cluster.query("SELECT count(*) FROM shares WHERE time < now() - interval '9 days'") == [(0,)], 30, "retention")
    assert cluster.query("SELECT span, sum(work) FROM share_sums WHERE start < now() - interval '8 days' GROUP BY 1 ORDER BY 1") == [
        ("day", 1000), ("hour", 1000)]
    assert cluster.query("SELECT count(*) FROM events WHERE message = 'old'") == [(0,)]
    assert cluster.query("SELECT to_regclass('shares_' || to_char((now() AT TIME ZONE 'UTC')::date - 10, 'YYYYMMDD'))") == [(None,)]

    block = find_block(cluster, client)
    cluster.node.mine(100)
    wait_for(cluster, block, "confirmed", 101)
    wait_until(lambda: cluster.query("SELECT state, encode(block_hash, 'hex') FROM payout_runs") == [("applied", block)], 60, "the pool's run")
    assert cluster.query("SELECT sum(amount_sats) FROM ledger") == [(0,)]
    assert cluster.query("SELECT message FROM events WHERE component = 'store' OR severity IN ('critical', 'high')") == []
    assert "permission denied" not in pool.log.read_text()
    assert pool.stop() == 0


def test_it_can_do_no_more(cluster, pool):
    """What would let it rewrite the accounts is refused."""
    for statement in ("UPDATE shares SET work = work * 2", "DELETE FROM shares", "TRUNCATE shares", "UPDATE ledger SET amount_sats = 0",
                      "DELETE FROM payout_runs", "UPDATE payout_schemes SET fee_ppm = 1000000", "DELETE FROM events", "DROP TABLE shares_default",
                      "INSERT INTO ledger_transactions (kind, note) VALUES ('adjustment', 'mine')", "SELECT create_block_run('\\x00')",
                      "UPDATE heights SET subsidy_sats = 1", "UPDATE workers SET miner_id = 1", "CREATE TABLE mine (id integer)"):
        done = cluster.postgres.run_psql(["-v", "VERBOSITY=verbose", "-c", statement], user=LOGIN)
        assert done.returncode and ("ERROR:  42501" in done.stderr or "ERROR:  PH" in done.stderr), f"{statement}: {done.stderr}"
