"""phaseminer without a pool: templates from a real node become blocks that it takes, and that pay the miner.

On regtest every second hash is a block, so that the miner makes blocks as fast as the node takes them.
"""

import subprocess

import pytest

from framework import bitcoin
from framework.miner import Miner
from framework.node import Node
from framework.node_proxy import NodeProxy
from framework.util import Process, wait_until

TAG = b"/solo test/"
ROLLED = 0x1FFFE000  # BIP320
MAINNET_ADDRESS = "bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4"  # BIP173's example


class SoloMiner(Miner):
    """Runs in its folder, where it keeps blocks that it could not hand over."""

    def __init__(self, folder, node: Node, url: str = "", password: str = "", address: str = bitcoin.PAYOUT_ADDRESS,
                 extra: list | None = None):
        super().__init__(folder, 0)
        where = (url or node.url).removeprefix("http://")
        self.args = [self.program, "--solo", f"http://{node.user}:{password or node.password}@{where}", "--address", address,
                     "--coinbase-tag", TAG.decode(), "-t", 1, "--json", "--retry-pause", 1, *(extra or [])]

    def start(self):
        self.process = Process("phaseminer", self.args, self.folder / "phaseminer.log", stdout=subprocess.PIPE,
                               cwd=self.folder)
        return self.read()

    @property
    def last(self) -> dict:
        return self.lines[-1] if self.lines else {}

    def said(self, text: str) -> bool:
        return text in (self.folder / "phaseminer.log").read_text(errors="replace")

    def kept(self) -> list:
        return list(self.folder.glob("phaseminer-block-*.hex"))


@pytest.fixture
def solo(cluster):
    def start(node: Node, **options) -> SoloMiner:
        return cluster.also_close(SoloMiner(cluster.folder / "solo", node, **options)).start()
    return start


def test_a_block_mined_solo_pays_the_address(cluster, solo):
    node = cluster.start_node(segwit=True, blocks=105)
    sent = set(node.send_witness_transactions(3))
    first = node.height() + 1
    miner = solo(node)
    wait_until(lambda: miner.last.get("blocks_accepted", 0) >= 5, 120, "five blocks that the node took")
    assert miner.stop() == 0, "phaseminer's exit status after SIGTERM"
    assert miner.last["final"] and miner.last["rejected"] == 0, miner.last

    height = node.height()
    assert height >= first - 1 + miner.last["blocks_accepted"]
    versions, found = set(), set()
    for at in range(first, height + 1):
        block_hash = node.rpc("getblockhash", at)
        header, transactions = node.block(block_hash)
        coinbase = transactions[0]
        versions.add(int.from_bytes(header[:4], "little") & ~ROLLED)
        found |= {bitcoin.display(tx.txid()) for tx in transactions[1:]}
        assert TAG in coinbase.inputs[0].script
        assert coinbase.outputs[0].script == bitcoin.PAYOUT_SCRIPT
        subsidy = 50 * bitcoin.COIN >> at // 150  # regtest halves every 150 blocks
        fees = 1000 * (len(transactions) - 1)  # of each of our transactions
        assert sum(out.value for out in coinbase.outputs) == coinbase.outputs[0].value == subsidy + fees
    assert len(versions) == 1, "bits outside BIP320's mask were changed"
    assert sent <= found, "the mempool's transactions are in the blocks"


def headers_of(solo, node: Node, extra: list) -> list:
    """(version, nonce) of twenty blocks and more."""
    before = node.height()
    miner = solo(node, extra=extra)
    wait_until(lambda: node.height() >= before + 20, 120, "twenty blocks")
    assert miner.stop() == 0
    headers = [node.block(node.rpc("getblockhash", at))[0] for at in range(before + 1, node.height() + 1)]
    return [(int.from_bytes(header[:4], "little"), int.from_bytes(header[76:], "little")) for header in headers]


def test_versions_are_rolled(cluster, solo):
    found = headers_of(solo, cluster.start_node(), [])
    # Of eight versions that are tried with a nonce, it is not always the same that gives the first block.
    assert len({version & ROLLED for version, _ in found}) > 1


def test_nonces_follow_their_order_and_versions_stay_where_that_is_wanted(cluster, solo):
    found = headers_of(solo, cluster.start_node(), ["--nonce-order", "golden", "--no-version-rolling"])
    assert {version & ROLLED for version, _ in found} == {0}
    # nonce = k * step, and on regtest a block is found with a small k: one in two with 0.
    inverse = pow(2654435769, -1, 2**32)
    assert max(nonce * inverse % 2**32 for _, nonce in found) < 2**20
    assert max(nonce for _, nonce in found) >= 2**20, "which are not the lowest nonces"


def test_a_node_that_comes_goes_and_comes_back(cluster, solo):
    node = cluster.start_node()
    node.stop()
    miner = solo(node)
    wait_until(lambda: miner.said("is bitcoind running there with server=1?"), 60, "a word on the node that is not there")
    assert miner.process.running()
    node.start()
    wait_until(lambda: miner.last.get("blocks_accepted", 0) >= 1, 120, "a block")

    node.kill()
    wait_until(lambda: miner.last["state"] == "disconnected", 60, "the miner to notice")
    node.start()
    before = miner.last["blocks_accepted"]
    wait_until(lambda: miner.last["blocks_accepted"] > before + 1, 120, "more blocks")
    assert miner.last["state"] != "disconnected"


def test_a_block_waits_for_a_node_that_can_not_take_it(cluster, solo):
    node = cluster.start_node()
    proxy = cluster.also_close(NodeProxy(node))
    proxy.set_mode("cut")
    before = node.height()
    miner = solo(node, url=proxy.url)
    kept = wait_until(miner.kept, 60, "the block in a file")
    assert len(kept) == 1 and node.height() == before
    block = wait_until(lambda: bytes.fromhex(kept[0].read_text()), 10, "the whole block")
    wait_until(lambda: proxy.submitted >= 4, 60, "another attempt")
    assert miner.last.get("blocks_found", 1) == 1, "nothing else is wanted on that tip"

    proxy.set_mode("pass")
    wait_until(lambda: node.height() > before, 60, "the block in the chain")
    assert node.rpc("getblockhash", before + 1) == bitcoin.display(bitcoin.sha256d(block[:80]))
    wait_until(lambda: not kept[0].exists(), 60, "the file to go")
    assert miner.said("waits to be handed over"), "which is said once"


def test_a_killed_miner_loses_no_block(cluster, solo):
    node = cluster.start_node()
    proxy = cluster.also_close(NodeProxy(node))
    proxy.set_mode("cut")
    before = node.height()
    miner = solo(node, url=proxy.url)
    kept, = wait_until(miner.kept, 60, "the block in a file")
    miner.process.kill()
    found = bitcoin.display(bitcoin.sha256d(bytes.fromhex(kept.read_text())[:80]))
    assert found in kept.name and node.height() == before

    miner = solo(node)
    wait_until(lambda: node.height() > before, 60, "the block in the chain")
    assert node.rpc("getblockhash", before + 1) == found
    wait_until(lambda: not kept.exists(), 60, "the file to go")
    assert miner.said("which an earlier run found")


def test_a_dry_run_submits_nothing(cluster, solo):
    node = cluster.start_node()
    before = node.height()
    miner = solo(node, extra=["--dry-run"])
    wait_until(lambda: miner.last.get("accepted", 0) >= 1, 60, "a block that the node would take")
    assert miner.said("the node would take it (dry run)")
    jobs = miner.last["jobs"]
    node.mine()  # by somebody else
    wait_until(lambda: miner.last["jobs"] > jobs and miner.last["accepted"] >= 2, 120, "work on the new tip")
    assert node.height() == before + 1
    assert miner.stop() == 0
    assert miner.last["rejected"] == 0 and miner.last["blocks_accepted"] == 0, miner.last


@pytest.mark.parametrize(("options", "expected"), [
    ({"password": "wrong"}, "compare the user and password"),
    ({"address": MAINNET_ADDRESS}, "is not valid on the node's chain, regtest"),
])
def test_mistakes_end_it_with_a_reason(cluster, solo, options, expected):
    miner = solo(cluster.start_node(), extra=["--retries", 0], **options)
    assert miner.process.wait(60) == 1
    assert miner.said(expected)
