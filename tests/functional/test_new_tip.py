"""A new tip reaches every miner: a clean job on it, soon, by ZMQ where the node has it, else by long-poll.

The tip is made behind the pool's back, by submitting a block to the node directly.
"""

import time

from framework import bitcoin
from framework.util import wait_until


def test_new_tip_reaches_all_miners(cluster):
    pool = cluster.start()
    clients = [cluster.client(user=f"{bitcoin.PAYOUT_ADDRESS}.{i}") for i in range(5)]
    assert len({client.extranonce1 for client in clients}) == 5, "each has its own extranonce1"
    for _ in range(3):
        tip = cluster.node.mine()
        seen = time.monotonic()
        for client in clients:
            job = client.wait_for_first_job(tip, timeout=10)
            assert job.clean
        assert time.monotonic() - seen < 5
    wait_until(lambda: pool.api()["tip"] == tip, 10, "the tip in the API")
    wait_until(lambda: pool.api()["notify_latency_us"] is not None, 10, "the time a new tip took to reach the last miner")


def test_found_block_gives_everybody_a_new_job(cluster):
    cluster.start()
    finder, other = cluster.client(), cluster.client()
    share = finder.find_share(block=True)
    assert finder.submit(share)
    assert other.wait_for_first_job(bitcoin.display(share.hash)).clean
    assert finder.wait_for_first_job(bitcoin.display(share.hash)).clean


def test_node_restarted(cluster):
    """The node goes away and comes back; miners stay connected and get work on what it then has. bcoin
    comes back with an empty chain, so its height falls: the pool follows."""
    pool = cluster.start(blocks=3)
    client = cluster.client()
    cluster.node.stop()
    wait_until(lambda: not pool.api()["node"]["connected"], 30, "the API to say that the node is away")
    wait_until(lambda: pool.api()["node"]["error"], 10, "the API to say why")
    cluster.node.start()
    tip = cluster.node.mine()
    client.wait_for_job(tip, timeout=40)
    share = client.find_share(block=True)
    assert client.submit(share)
    wait_until(lambda: cluster.node.tip() == bitcoin.display(share.hash), 10, "a block after the restart")
