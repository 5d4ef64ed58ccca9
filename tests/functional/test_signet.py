"""Signets, with a real bitcoind: one whose challenge needs no solution is mined on like any other chain, by a
miner that does real work; the default one is refused at once, with the reason.
"""

import pytest
from framework import bitcoin
from framework.node import Node, bitcoind_path
from framework.util import wait_until

pytestmark = pytest.mark.skipif(not bitcoind_path(), reason="bcoin knows no signets")

PAYOUT = bitcoin.segwit_address(bitcoin.PAYOUT_SCRIPT[2:], prefix="tb")


def signet(cluster, *options):
    cluster.start_postgres()
    cluster.node = Node(cluster.folder / "node", chain="signet").start(extra=list(options))
    pool = cluster.make_pool()
    pool.config["network"] = "signet"
    pool.config["payout_address"] = PAYOUT
    pool.migrate()
    return pool


def test_a_signet_without_signatures_is_mined_on(cluster):
    pool = signet(cluster, "-signetchallenge=51")
    # Of its blocks' difficulty, some 2^22 hashes, a thousandth: shares come at once, a block in seconds.
    pool.config["stratum"]["difficulty"] |= {"start": 1e-6, "min": 1e-6}
    pool.start()
    wait_until(lambda: "proposal_accepted" in pool.log.read_text(), 30, "the node's word on the first block")
    cluster.miner(address=PAYOUT, threads=2)
    wait_until(lambda: cluster.node.height() >= 2, 120, "two blocks on the signet")
    _, (coinbase, *others) = cluster.node.block(cluster.node.rpc("getblockhash", 1))
    assert not others
    assert coinbase.outputs[0].script == bitcoin.PAYOUT_SCRIPT
    wait_until(lambda: cluster.query("SELECT count(*) FROM blocks WHERE status = 'accepted'")[0][0] >= 2, 30, "two blocks stored")


def test_a_signed_signet_is_refused(cluster):
    pool = signet(cluster)
    done = pool.command("run")
    assert done.returncode != 0
    assert "BIP325" in done.stdout + done.stderr, done.stdout + done.stderr
