"""After a block: its way through the chain, as the database and the API tell it.

Reorganisations are made of longer branches, which every node follows; with Core also by invalidateblock and
reconsiderblock, after which its tip is a block that it had before, and lower or higher than the last.
"""

import json

import pytest

from framework import bitcoin
from framework.node import COINBASE_MATURITY, RpcError, bitcoind_path
from framework.util import wait_until


def extend(node, template: dict, parent: str, height: int, count: int) -> str:
    """Submits `count` empty blocks in a row, the first on `parent` at `height`; the last one's display hash.
    `template` is one without transactions, and gives what they have in common."""
    assert not template["transactions"]
    for number in range(count):
        block, block_hash = bitcoin.block_from_template(
            {**template, "previousblockhash": parent, "height": height + number, "curtime": template["curtime"] + 1 + number},
            bitcoin.ANYONE_CAN_SPEND, bitcoin.segwit_in(template), tag=b"branch")
        try:
            node.rpc("submitblock", block.hex())  # a side branch's verdict says little
        except RpcError as error:
            raise AssertionError(f"a block of the branch: {error}") from error
        parent = bitcoin.display(block_hash)
    wait_until(lambda: node.tip() == parent, 10, "the longer branch to be the best")
    return parent


def row(cluster, block: str) -> tuple | None:
    """(status, confirmations, matures_in) in the database; None while it is not there."""
    rows = cluster.query("SELECT status, confirmations, matures_in FROM block_confirmations WHERE hash = decode(%s, 'hex')", block)
    return rows[0] if rows else None


def shown(pool, block: str) -> dict:
    """The block in the API; nothing while the pool has not read it from the database."""
    status, body = pool.get("/api/v1/blocks")
    found = [entry for entry in json.loads(body)["blocks"] if entry["hash"] == block] if status == 200 else []
    return found[0] if found else {}


def wait_for(cluster, block: str, status: str, confirmations: int | None):
    """The database says so, and then the API."""
    matures_in = None if confirmations is None else max(0, COINBASE_MATURITY - confirmations)
    expected = (status, confirmations, matures_in)
    wait_until(lambda: row(cluster, block) == expected, 30, f"{expected} in PostgreSQL")

    def api() -> bool:
        entry = shown(cluster.pool, block)
        return (entry.get("status"), entry.get("confirmations"), entry.get("matures_in")) == expected

    wait_until(api, 20, f"{expected} in the API")


def find_block(cluster, client) -> str:
    share = client.find_share(block=True, job=client.wait_for_job(cluster.node.tip()))
    assert client.submit(share)
    block = bitcoin.display(share.hash)
    wait_until(lambda: cluster.node.tip() == block, 10, "our block as the node's tip")
    return block


@pytest.mark.parametrize("restarted", [False, True], ids=["running", "restarted"])
def test_orphaned_and_back(cluster, restarted):
    pool = cluster.start(blocks=3)
    node = cluster.node
    client = cluster.client()
    before = node.template()
    block = find_block(cluster, client)
    wait_for(cluster, block, "accepted", 1)
    assert shown(pool, block)["state"] == "in_chain"
    said = [(answer["node"], answer["answer"]) for answer in shown(pool, block)["submissions"]]
    assert said == [("node 1", "accepted")]
    ours = node.mine()
    wait_for(cluster, block, "accepted", 2)

    if restarted:
        assert pool.stop() == 0
    branch = extend(node, before, before["previousblockhash"], before["height"], 3)
    if restarted:
        pool.start()
    wait_for(cluster, block, "orphaned", None)
    assert shown(pool, block)["state"] == "orphaned"
    wait_until(lambda: pool.api()["tip"] == branch, 10, "the branch as the pool's tip")

    if restarted:
        pool.kill()
    extend(node, before, ours, before["height"] + 2, 3)
    if restarted:
        pool.start()
    wait_for(cluster, block, "accepted", 5)
    node.mine()
    wait_for(cluster, block, "accepted", 6)
    assert cluster.query("SELECT count(*) FROM blocks") == [(1,)]
    assert cluster.query("SELECT count(*) FROM events WHERE component = 'store'") == [(0,)]


@pytest.mark.skipif(not bitcoind_path(), reason="bcoin's reconsiderblock does not go back to the branch")
def test_invalidateblock_and_reconsiderblock(cluster):
    cluster.start(blocks=3)
    node = cluster.node
    client = cluster.client()
    block = find_block(cluster, client)
    node.mine()
    wait_for(cluster, block, "accepted", 2)
    node.rpc("invalidateblock", block)  # the tip is the block before ours
    wait_for(cluster, block, "orphaned", None)
    node.rpc("reconsiderblock", block)
    wait_for(cluster, block, "accepted", 2)
    node.rpc("invalidateblock", block)
    wait_for(cluster, block, "orphaned", None)
    node.mine(3)
    node.rpc("reconsiderblock", block)  # three blocks against two
    rival = find_block(cluster, client)
    wait_for(cluster, rival, "accepted", 1)
    assert row(cluster, block) == ("orphaned", None, None)


def test_hundred_confirmations(cluster):
    """Counted by the newest tip; the word "confirmed" comes at exactly 100, across a restart in which the
    block went on getting deeper."""
    pool = cluster.start()
    node = cluster.node
    block = find_block(cluster, cluster.client())
    wait_for(cluster, block, "accepted", 1)
    node.mine(59)
    wait_for(cluster, block, "accepted", 60)
    assert pool.stop() == 0
    node.mine(39)
    pool.start()
    wait_for(cluster, block, "accepted", 99)
    node.mine()
    wait_for(cluster, block, "confirmed", 100)
    node.mine(2)
    wait_for(cluster, block, "confirmed", 102)
    states = cluster.query("SELECT state FROM block_states")
    assert states == [("confirmed",)]
    assert pool.api()["blocks"]["confirmed"] == 1


def test_tips_are_kept(cluster):
    pool = cluster.start()
    hashes = [cluster.node.tip()]
    for _ in range(3):
        hashes.append(cluster.node.mine())
        wait_until(lambda: pool.api()["tip"] == hashes[-1], 10, "the tip in the API")
    expected = [(hashes[i], hashes[i - 1]) for i in range(1, 4)]
    known = "SELECT encode(hash, 'hex'), encode(prev_hash, 'hex') FROM chain_tips ORDER BY height"
    wait_until(lambda: cluster.query(known)[-3:] == expected, 20, "the tips in PostgreSQL")
