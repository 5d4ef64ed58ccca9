"""Found blocks: they become the node's tip, pay who they should, carry transactions, and are never lost to a reject.

The raw client chooses hashes that meet the network's target, so that each of them is a block for the node to
judge. Everything about the block is then asked of the node.
"""

import subprocess

import pytest

from framework import bitcoin
from framework.node import RpcError
from framework.stratum_client import rejection
from framework.util import wait_until


def test_found_block_becomes_the_tip(cluster):
    pool = cluster.start()
    client = cluster.client()
    height = cluster.node.height()
    share = client.find_share(block=True)

    assert client.submit(share)
    wait_until(lambda: cluster.node.tip() == bitcoin.display(share.hash), 10, "our block as the node's tip")
    assert cluster.node.height() == height + 1

    _, transactions = cluster.node.block(bitcoin.display(share.hash))
    coinbase = transactions[0]
    paid = {out.script: out.value for out in coinbase.outputs if out.value}
    assert list(paid) == [bitcoin.PAYOUT_SCRIPT], "the coinbase pays the configured address and nobody else"
    assert sum(paid.values()) == 50 * bitcoin.COIN
    assert coinbase.inputs[0].script.startswith(bitcoin.height_push(height + 1)), "BIP34"
    assert b"/phasepool/" in coinbase.inputs[0].script

    wait_until(lambda: cluster.blocks() == {bitcoin.display(share.hash): "accepted"}, 20, "the accepted block in PostgreSQL")
    wait_until(lambda: pool.api()["node"]["blocks_accepted"] == 1, 10, "the accepted block in the API")
    assert pool.api()["nodes"][0]["block_answers"]["accepted"] == 1


def test_twenty_blocks_in_a_row(cluster):
    cluster.start()
    client = cluster.client()
    height = cluster.node.height()
    for number in range(1, 21):
        share = client.find_share(block=True, job=client.wait_for_job(cluster.node.tip()))
        assert client.submit(share), f"block {number}"
        wait_until(lambda: cluster.node.tip() == bitcoin.display(share.hash), 10, f"block {number} as the tip")
    assert cluster.node.height() == height + 20
    wait_until(lambda: list(cluster.blocks().values()) == ["accepted"] * 20, 20, "twenty accepted blocks in PostgreSQL")


def test_block_with_witness_transactions(cluster):
    cluster.start(segwit=True, blocks=110)
    node = cluster.node
    client = cluster.client()

    # bcoin takes transactions into its template when the tip changes; a block made from a template of
    # before they were sent changes the tip without taking them.
    earlier = node.template()
    sent = node.send_witness_transactions(5)
    tip = node.mine(template=earlier)
    wait_until(lambda: client.wait_for_job(tip).branch, 40, "a job with transactions")
    share = client.find_share(block=True)

    assert client.submit(share)
    wait_until(lambda: node.tip() == bitcoin.display(share.hash), 10, "our block as the node's tip")
    _, transactions = node.block(node.tip())
    assert sorted(bitcoin.display(tx.txid()) for tx in transactions[1:]) == sorted(sent)
    assert all(tx.inputs[0].witness == [bitcoin.OP_TRUE] for tx in transactions[1:]), "witnesses went along"
    assert transactions[0].inputs[0].witness == [bitcoin.WITNESS_RESERVED_VALUE], "BIP141"
    fees = 5 * 1000
    subsidy = 50 * bitcoin.COIN >> node.height() // 150
    assert transactions[0].outputs[0].value == subsidy + fees


def test_block_is_submitted_even_if_the_share_is_refused(cluster):
    """A hash that is a block goes to the node before any verdict: too low a difficulty for the miner is a
    matter between miner and pool, and so is a worker's name."""
    cluster.start(difficulty=1e-5)
    client = cluster.client()
    share = client.find_share(block=True, meets_share_target=False)
    assert rejection(client.submit, share).code == 23
    wait_until(lambda: cluster.node.tip() == bitcoin.display(share.hash), 10, "the refused share's block as the tip")

    client.wait_for_job(cluster.node.tip())
    share = client.find_share(block=True)
    client.user = bitcoin.PAYOUT_ADDRESS + ".never-authorized"
    assert rejection(client.submit, share).code == 24
    wait_until(lambda: cluster.node.tip() == bitcoin.display(share.hash), 10, "the unauthorized worker's block as the tip")


def test_stale_block_still_reaches_the_node(cluster):
    """It competes with the block that was first, and a node that knows preciousblock then goes by ours."""
    cluster.start()
    client = cluster.client()
    share = client.find_share(block=True)
    tip = cluster.node.mine()
    client.wait_for_job(tip)
    assert rejection(client.submit, share).code == 21

    def known() -> bool:
        try:
            return bool(cluster.node.rpc("getblockheader", bitcoin.display(share.hash)))
        except RpcError:
            return False

    wait_until(known, 10, "the node to know the stale block")
    if cluster.node.kind == "bitcoind":
        wait_until(lambda: cluster.node.tip() == bitcoin.display(share.hash), 10, "the node to prefer our block")
        wait_until(lambda: cluster.blocks() == {bitcoin.display(share.hash): "accepted"}, 20, "our block, accepted")
        client.wait_for_job(bitcoin.display(share.hash))
    else:
        wait_until(lambda: cluster.blocks() == {bitcoin.display(share.hash): "orphaned"}, 20, "our block, on its branch")
        assert cluster.node.tip() == tip


def test_two_own_blocks_at_one_height_do_not_fight(cluster):
    cluster.start()
    client = cluster.client()
    job = client.job
    first = client.find_share(block=True, job=job)
    second = client.find_share(block=True, job=job)
    assert client.submit(first)
    wait_until(lambda: cluster.node.tip() == bitcoin.display(first.hash), 10, "the first block as the tip")
    client.wait_for_job(bitcoin.display(first.hash))
    assert rejection(client.submit, second).code == 21
    expected = {bitcoin.display(first.hash): "accepted", bitcoin.display(second.hash): "orphaned"}
    wait_until(lambda: cluster.blocks() == expected, 20, "both blocks in PostgreSQL")
    assert cluster.node.tip() == bitcoin.display(first.hash)


def test_verify_says_whether_the_vault_is_whole(cluster):
    pool = cluster.start(segwit=True)
    vault = cluster.folder / "pool" / "data" / "vault"
    assert "0 unsettled, 0 done, 0 rejected" in pool.command("verify", "vault").stdout
    client = cluster.client()
    share = client.find_share(block=True)
    assert client.submit(share)
    name = bitcoin.display(share.hash)
    file = vault / "done" / f"{name}.block"
    wait_until(file.exists, 20, "the settled block in the vault")

    done = pool.command("verify", "vault")
    assert done.returncode == 0, done.stdout
    assert f"ok    done       {file}  height {cluster.node.height()}, 1 transactions" in done.stdout
    assert "0 unsettled, 1 done, 0 rejected" in done.stdout
    out = cluster.folder / "out.hex"
    args = [pool.program, "verify", "block", file, "--hex", out]
    assert subprocess.run(args, capture_output=True, timeout=30, check=False).returncode == 0
    assert out.read_text() == cluster.node.rpc("getblock", name, 0) + "\n", "the node's own bytes"

    text = file.read_text()
    for spoilt in (text[:-1], "", text.replace("\n", "00\n", 1), "garbage\n"):
        file.write_text(spoilt)
        refused = pool.command("verify", "vault")
        assert refused.returncode == 1
        assert f"FAIL  done       {file}: " in refused.stdout


@pytest.mark.parametrize("segwit", [False, True])
def test_coinbase_before_and_after_segwit(cluster, segwit):
    """bcoin refuses a coinbase with a witness before segwit is active, Core has it active from the start: the
    pool must go by the template's rules."""
    cluster.start(segwit=segwit)
    client = cluster.client()
    share = client.find_share(block=True)
    assert client.submit(share)
    wait_until(lambda: cluster.node.tip() == bitcoin.display(share.hash), 10, "our block as the node's tip")
