"""A share that was answered `true` is in the database, once, whatever died in between.

Load: raw clients submit as fast as they are answered and remember every hash whose answer was `true`. Then
something is stopped or killed, comes back, and the rows of `shares` are compared with what was remembered: nothing
missing, nothing twice, and nothing that was never sent.
"""

import signal

import pytest

from framework import bitcoin
from framework.stratum_client import Load
from framework.util import wait_until


def check_stored(cluster, loads):
    """Waits until all accepted shares are stored; then that no row is double and none unknown."""
    accepted = set().union(*(load.accepted for load in loads))
    assert accepted, "no share was accepted at all"
    wait_until(lambda: accepted <= set(cluster.stored_hashes()), 60, f"all {len(accepted)} accepted shares in PostgreSQL", poll=0.2)
    stored = cluster.stored_hashes()
    assert len(stored) == len(set(stored)), "a share is stored twice"
    # An answer may have been lost on its way; its share may be stored.
    unanswered = set().union(*(load.unanswered for load in loads))
    assert set(stored) - accepted <= unanswered, "a share is stored that was refused, or never sent"


def accepted_so_far(loads) -> int:
    return sum(len(load.accepted) for load in loads)


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGQUIT], ids=["stopped", "crashed"])
def test_postgres_away_under_load(cluster, how):
    pool = cluster.start()
    loads = [Load(cluster.client(user=f"{bitcoin.PAYOUT_ADDRESS}.{i}")) for i in range(3)]
    wait_until(lambda: accepted_so_far(loads) >= 100, 30, "shares before PostgreSQL stops")

    cluster.postgres.stop(how)
    before = accepted_so_far(loads)
    wait_until(lambda: accepted_so_far(loads) >= before + 300, 30, "shares while PostgreSQL is away")
    wait_until(lambda: pool.api()["database"]["connected"] is False, 20, "the API to say that the database is away")
    assert pool.get("/healthz")[0] == 200, "the pool serves on"

    cluster.postgres.start()
    wait_until(lambda: pool.api()["database"]["connected"] is True, 60, "the database connected again")
    before = accepted_so_far(loads)
    wait_until(lambda: accepted_so_far(loads) >= before + 50, 30, "shares after PostgreSQL came back")
    for load in loads:
        load.stop()
    check_stored(cluster, loads)


def test_blocks_found_while_postgres_is_away(cluster):
    """Nothing on a block's path waits for the database, and its row comes later."""
    cluster.start()
    client = cluster.client()
    cluster.postgres.stop()
    found = []
    for _ in range(3):
        share = client.find_share(block=True, job=client.wait_for_job(cluster.node.tip()))
        assert client.submit(share)
        wait_until(lambda: cluster.node.tip() == bitcoin.display(share.hash), 10, "the block as the tip")
        found.append(bitcoin.display(share.hash))
    cluster.postgres.start()
    wait_until(lambda: cluster.blocks() == dict.fromkeys(found, "accepted"), 60, "the three blocks in PostgreSQL", poll=0.2)


def test_pool_killed_under_load(cluster):
    pool = cluster.start()
    loads = []
    for _ in range(4):
        current = [Load(cluster.client(user=f"{bitcoin.PAYOUT_ADDRESS}.{i}")) for i in range(3)]
        loads += current
        wait_until(lambda: accepted_so_far(current) >= 150, 30, "shares before the kill")
        pool.kill()
        for load in current:
            load.stop()
        pool.start()
    check_stored(cluster, loads)


def test_pool_killed_while_postgres_is_away(cluster):
    """Both at once, and the pool starts again before the database does: its data_dir has served this database."""
    pool = cluster.start()
    loads = [Load(cluster.client())]
    wait_until(lambda: accepted_so_far(loads) >= 50, 30, "shares before")
    cluster.postgres.stop(signal.SIGQUIT)
    wait_until(lambda: accepted_so_far(loads) >= 150, 30, "shares while PostgreSQL is away")
    pool.kill()
    loads[0].stop()
    pool.start()
    loads.append(Load(cluster.client()))
    wait_until(lambda: len(loads[1].accepted) >= 50, 30, "shares after the restart")
    cluster.postgres.start()
    loads[1].stop()
    check_stored(cluster, loads)


def test_orderly_stop_writes_all(cluster):
    """SIGTERM under load: exit status 0, every connection closed, and everything in the database by then."""
    pool = cluster.start()
    loads = [Load(cluster.client(user=f"{bitcoin.PAYOUT_ADDRESS}.{i}")) for i in range(3)]
    wait_until(lambda: accepted_so_far(loads) >= 150, 30, "shares before the stop")
    assert pool.stop(timeout=20) == 0
    for load in loads:
        load.stop()
        assert load.client.closed
    accepted = set().union(*(load.accepted for load in loads))
    stored = cluster.stored_hashes()
    assert accepted <= set(stored) and len(stored) == len(set(stored))


def test_stop_as_soon_as_it_answers(cluster):
    """A supervisor may change its mind at once: from its first answer on, the pool stops in order."""
    cluster.start_postgres()
    cluster.start_node()
    pool = cluster.make_pool()
    pool.migrate()
    for _ in range(25):
        pool.start(wait=False)
        wait_until(pool.answers, 30, "an answer on the web port", poll=0.001)
        assert pool.stop() == 0


def test_phaseminer_survives_a_restart_of_the_pool(cluster):
    pool = cluster.start(difficulty=0.0005)
    miner = cluster.miner()
    wait_until(lambda: pool.api()["shares"]["accepted"] >= 1, 60, "a share")
    pool.kill()
    pool.start()
    wait_until(lambda: pool.api()["shares"]["accepted"] >= 1, 60, "a share after the restart, from the same phaseminer")
    assert miner.process.running()
    assert miner.stop() == 0
