"""The first share, end to end: phaseminer finds it, the pool accepts it, PostgreSQL keeps it, the page shows it.

phaseminer mines at a difficulty it meets within moments; the test then follows its share to the row in
`shares`, to /api/v1/pool and to the page, and stops both programs the way a person does.
"""

from framework import bitcoin
from framework.util import wait_until


def test_first_share(cluster):
    pool = cluster.start(difficulty=0.0005)
    miner = cluster.miner(worker="rig1")

    wait_until(lambda: pool.api()["shares"]["accepted"] >= 3, 60, "three accepted shares in the API")
    miner_status = miner.stop()
    assert miner_status == 0, "phaseminer's exit status after SIGTERM"
    last = miner.lines[-1]
    assert last["final"] and last["accepted"] >= 3 and last["rejected"] <= last["accepted"], last

    rows = wait_until(lambda: cluster.query(
        "SELECT m.address, w.name, count(*), min(s.difficulty) FROM shares s JOIN workers w ON w.id = s.worker_id"
        " JOIN miners m ON m.id = w.miner_id GROUP BY 1, 2 HAVING count(*) >= %s", last["accepted"]), 20, "all its shares in PostgreSQL")
    assert [(row[0], row[1], row[2], row[3]) for row in rows] == [(bitcoin.PAYOUT_ADDRESS, "rig1", last["accepted"], 0.0005)]

    now = pool.api()
    assert now["network"] == "regtest"
    wait_until(lambda: pool.api()["hashrate"]["1m"] > 0, 10, "a hash rate, which takes two seconds of shares")
    assert now["shares"]["stored"] >= 3
    status, page = pool.get("/")
    assert status == 200 and b"<html" in page.lower()
    assert pool.stop() == 0, "phasepool's exit status after SIGTERM"


def test_work_is_the_exact_integer(cluster):
    """A share's weight is 2^256 / (target + 1), rounded down: exact in the database, whatever its difficulty."""
    difficulty = 1e-6
    cluster.start(difficulty=difficulty)
    client = cluster.client()
    share = client.find_share(block=True)
    assert client.submit(share)
    rows = wait_until(lambda: cluster.query("SELECT work, encode(hash, 'hex') FROM shares"), 20, "the share in PostgreSQL")
    target = bitcoin.target_of_difficulty(difficulty)
    assert rows == [(2**256 // (target + 1), bitcoin.display(share.hash))]
