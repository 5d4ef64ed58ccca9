"""Several real nodes, connected to each other as nodes are: blocks go to all of them, work comes from the best one, and
reorganisations and full blocks go through.

Regtest's difficulty never changes, so a retarget boundary is not among this: the rules for it are unit tests
(tests/unit/common/mining/empty_template_test.cpp).
"""

import time

import pytest

from framework import bitcoin
from framework.node import Node
from framework.util import BIN, wait_until


def name_of(node) -> str:
    return f"127.0.0.1:{node.rpc_port}"


def in_use(pool) -> int:
    """The index of the node that gives the work."""
    return next((index for index, node in enumerate(pool.api()["nodes"]) if node["in_use"]), -1)


def logged(pool, event: str, *words: str) -> int:
    return sum(f" {event} " in line + " " and all(word in line for word in words) for line in pool.log.read_text().splitlines())


@pytest.fixture
def two(cluster):
    """A pool on two connected nodes, configured, not started; its nodes are trusted again soon after a failure."""
    cluster.start_postgres()
    first = cluster.start_node()
    second = cluster.add_node()
    pool = cluster.make_pool()
    pool.program = BIN / "phasepool_faulty"
    pool.config["nodes"] = [first.config(), second.config()]
    pool.migrate()
    return first, second


def start(cluster):
    """The pool, with the fault under which a node is trusted again after a second; a miner."""
    cluster.pool.start(env={"PHASEPOOL_TEST_FAULT": "nodes_trusted_soon"})
    return cluster.pool, cluster.client()


def test_a_block_goes_to_every_node(cluster):
    """Two nodes that know nothing of each other: what the second knows, it has from the pool."""
    cluster.start_postgres()
    first = cluster.start_node(blocks=3)
    second = cluster.also_close(Node(cluster.folder / "apart").start())
    for height in range(1, first.height() + 1):
        assert second.rpc("submitblock", first.rpc("getblock", first.rpc("getblockhash", height), 0)) is None
    pool = cluster.make_pool()
    pool.config["nodes"] = [first.config(), second.config()]
    pool.migrate()
    pool.start()
    client = cluster.client()
    for _ in range(3):
        share = client.find_share(block=True, job=client.wait_for_job(first.tip()))
        assert client.submit(share)
        for node in (first, second):
            wait_until(lambda: node.tip() == bitcoin.display(share.hash), 10, f"the block at {name_of(node)}")


def test_the_node_in_use_is_killed(cluster, two):
    first, second = two
    pool, client = start(cluster)
    assert in_use(pool) == 0

    first.kill()
    killed = time.monotonic()
    tip = second.mine()
    assert client.wait_for_first_job(tip, timeout=15).clean
    print(f"work from the other node {1000 * (time.monotonic() - killed):.0f} ms after the first one was killed")
    wait_until(lambda: in_use(pool) == 1, 5, "the API to name the node in use")
    share = client.find_share(block=True)
    assert client.submit(share)
    wait_until(lambda: second.tip() == bitcoin.display(share.hash), 10, "a block at the node that is left")

    # The preferred one comes back: first it must catch up and be well for a while, and then it is used again, once.
    first.peer = second  # bcoin has lost its chain
    first.start()
    wait_until(lambda: in_use(pool) == 0, 60, "the preferred node to be used again")
    assert client.wait_for_first_job(first.mine(), timeout=15).clean
    assert logged(pool, "node_in_use", name_of(second)) == 1
    assert logged(pool, "node_in_use", name_of(first)) == 1
    assert logged(pool, "node_down") == 1
    assert client.submit(client.find_share(block=False)), "the miner was there all the time"


def test_the_spare_node_is_killed(cluster, two):
    """Nobody notices but the log."""
    first, second = two
    pool, client = start(cluster)
    second.kill()
    wait_until(lambda: logged(pool, "node_down"), 20, "a word in the log")
    share = client.find_share(block=True)
    assert client.submit(share)
    assert client.wait_for_first_job(bitcoin.display(share.hash), timeout=15).clean
    assert first.tip() == bitcoin.display(share.hash)
    assert in_use(pool) == 0 and not logged(pool, "node_in_use")


def test_both_nodes_are_killed_and_one_comes_back(cluster, two):
    first, second = two
    pool, client = start(cluster)
    first.kill()
    second.kill()
    wait_until(lambda: not pool.api()["node"]["connected"], 20, "the API to say that there is no node")
    assert client.submit(client.find_share(block=False)), "old work goes on"
    second.peer = None
    second.start()
    assert client.wait_for_first_job(second.mine(3), timeout=40).clean
    assert client.submit(client.find_share(block=True))


@pytest.mark.parametrize("depth", [1, 4])
def test_a_reorganisation_is_clean_work(cluster, depth):
    """Blocks that were the best chain are none any more: miners go back at once, and then on along the other branch."""
    pool = cluster.start(blocks=6)
    node, client = cluster.node, cluster.client()
    hashes = [node.rpc("getblockhash", height) for height in range(node.height() + 1)]
    client.wait_for_job(hashes[-1])

    node.invalidate(hashes[-depth])
    assert node.tip() == hashes[-depth - 1]
    if node.bitcoind:  # bcoin has no template on it before the next block
        assert client.wait_for_job(hashes[-depth - 1], timeout=15).clean
        share = client.find_share(block=True)
        assert client.submit(share)
        wait_until(lambda: node.tip() == bitcoin.display(share.hash), 10, "a block on the shorter chain")
    tip = node.mine(depth)
    assert client.wait_for_first_job(tip, timeout=15).clean
    wait_until(lambda: pool.api()["tip"] == tip, 10, "the tip in the API")


def test_a_reorganisation_by_the_peer(cluster, two):
    """The node in use is told of a longer branch by the other one, as it is in the field."""
    first, second = two
    if not first.bitcoind:
        pytest.skip("bcoin does not go over to a branch of whose first blocks it was told by nobody")
    pool, client = start(cluster)
    first.mine(3)
    wait_until(lambda: second.tip() == first.tip(), 20, "the nodes to agree")
    client.wait_for_job(first.tip(), timeout=15)
    fork = second.rpc("getblockhash", second.height() - 1)
    second.invalidate(fork)
    tip = second.mine(4)
    wait_until(lambda: first.tip() == tip, 30, "the node in use to go over to the longer branch")
    assert client.wait_for_first_job(tip, timeout=15).clean
    assert logged(pool, "node_in_use") == 0


def test_a_block_with_hundreds_of_transactions(cluster):
    count = 400
    cluster.start(segwit=True, blocks=110)
    node = cluster.node
    sent = node.fill_mempool(count)
    tip = node.mine(template={**node.template(), "transactions": []})  # a tip whose template has them all, with bcoin too
    client = cluster.client()
    wait_until(lambda: len(client.wait_for_job(tip).branch) >= 9, 40, "a job with all transactions")
    share = client.find_share(block=True)
    assert client.submit(share)
    wait_until(lambda: node.tip() == bitcoin.display(share.hash), 20, "our block as the node's tip")
    _, transactions = node.block(node.tip())
    carried = {bitcoin.display(tx.txid()) for tx in transactions[1:]}
    assert carried == set(sent), f"{len(carried)} of {count}"
    assert all(tx.inputs[0].witness for tx in transactions), "witnesses went along"
    fees = transactions[0].outputs[0].value - (50 * bitcoin.COIN >> node.height() // 150)
    assert fees >= count * 1000, "what does not divide among outputs goes to the fee"
