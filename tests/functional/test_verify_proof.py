"""`phasepool verify proof`: a found block's record, as anybody downloads it, is held against itself and against a node."""

import copy
import json
import os
import subprocess

import pytest

from framework import bitcoin, openapi
from framework.util import BIN, wait_until

FINDER = bitcoin.segwit_address(bytes([7] * 20))
OTHER_HASH = "1" * 64


def verify(file, *options, password: str = "") -> subprocess.CompletedProcess:
    return subprocess.run([BIN / "phasepool", "verify", "proof", file, *options], capture_output=True, text=True, timeout=120, check=False,
                          env={**os.environ, "PHASEPOOL_RPC_PASSWORD": password})


def find_block(cluster, client) -> str:
    share = client.find_share(block=True, job=client.wait_for_job(cluster.node.tip()))
    assert client.submit(share)
    name = bitcoin.display(share.hash)
    wait_until(lambda: cluster.node.tip() == name, 60, "our block as the tip")
    wait_until(lambda: cluster.blocks().get(name) == "accepted", 60, "our block in the database")
    return name


@pytest.fixture
def proven(cluster):
    """A block with transactions beside its coinbase, and the file of its record."""
    cluster.start(segwit=True, blocks=110)
    # bcoin takes transactions into its template when the tip changes; a block made from a template of before they were sent does that.
    earlier = cluster.node.template()
    cluster.node.send_witness_transactions(5)
    cluster.node.mine(template=earlier)
    client = cluster.client(user=f"{FINDER}.rig1")
    wait_until(lambda: client.wait_for_job(cluster.node.tip()).branch, 60, "work with transactions")
    block = find_block(cluster, client)
    answer = openapi.ask(cluster.pool.http_port, f"/api/v1/blocks/{block}/proof")
    assert "attachment" in answer.headers["content-disposition"]
    file = cluster.folder / "block.json"
    file.write_bytes(answer.body)
    return file


def test_a_downloaded_record_holds_and_a_changed_one_does_not(cluster, proven):
    record = json.loads(proven.read_text())
    height = cluster.node.height()
    _, (coinbase, *_) = cluster.node.block(record["hash"])
    done = verify(proven)
    assert done.returncode == 0, done.stdout + done.stderr
    first, *outputs = done.stdout.splitlines()
    assert first.startswith(f"ok    proof      {proven}: {record['hash']} of height {height} on regtest, difficulty ")
    assert first.endswith(f"{sum(out.value for out in coinbase.outputs)} sats, found by {FINDER}, worker rig1")
    paid = [f"{out.value} sats to {bitcoin.PAYOUT_ADDRESS}" for out in coinbase.outputs if out.script == bitcoin.PAYOUT_SCRIPT]
    assert len(outputs) == len(coinbase.outputs) and outputs[0] == f"ok    output     {proven}: {paid[0]}"

    check_changes(cluster, record)
    check_node(cluster, proven, record)


def check_changes(cluster, record):
    def flip(text: str, at: int) -> str:
        return text[:at] + ("0" if text[at] != "0" else "1") + text[at + 1:]

    changes = {  # and what the line names
        "hash": (OTHER_HASH, f"hash is {OTHER_HASH}, but the header hashes to {record['hash']}"),
        "height": (record["height"] + 1, f"height is {record['height'] + 1}, but the coinbase says {record['height']}"),
        "target": ("0" * 63 + "1", f"target is {'0' * 63}1, but the header's nbits 207fffff stand for {record['target']}"),
        "reward_sats": (record["reward_sats"] - 1, f"reward_sats is {record['reward_sats'] - 1}, but the coinbase pays {record['reward_sats']}"),
        "network": ("mainnet", "the easiest of mainnet"),
        "header": (flip(record["header"], 150), "hash is "),
        "coinbase": (flip(record["coinbase"], len(record["coinbase"]) // 2), "coinbase and merkle_branch lead to the root "),
        "merkle_branch": ([flip(record["merkle_branch"][0], 3), *record["merkle_branch"][1:]], "coinbase and merkle_branch lead to the root "),
        "address": ("nobody", "address is nobody, expected one of regtest"),
        "version": (2, "version is 2, not "),
        "type": ("coherence", 'type is "coherence", not "block_proof"'),
    }
    assert set(changes) | {"time_us", "worker"} == set(record), "what a record says is checked, or can't be"
    file = cluster.folder / "changed.json"
    for name, (value, expected) in changes.items():
        changed = copy.deepcopy(record)
        changed[name] = value
        file.write_text(json.dumps(changed))
        done = verify(file)
        assert done.returncode == 1 and "\nok " not in "\n" + done.stdout, f"{name}: {done.stdout}"
        assert expected in done.stdout, f"{name}: {done.stdout}"
        del changed[name]
        file.write_text(json.dumps(changed))
        assert f"FAIL  proof      {file}: {name} is missing" in verify(file).stdout
    for text in ("", "{}", "[]", "\0", '{"type":' * 1000):
        file.write_text(text)
        assert verify(file).returncode == 1
    assert verify(cluster.folder / "none.json").returncode == 1
    good = cluster.folder / "block.json"
    assert verify(good, good).returncode == 0 and verify(good, file).returncode == 1, "several files"


def check_node(cluster, file, record):
    node = cluster.node
    login = ["--node", node.url, "--user", node.user]
    done = verify(file, *login, password=node.password)
    where = f"{file}: {node.url.removeprefix('http://')}"
    assert done.returncode == 0 and f"ok    node       {where} has it in its chain, with 1 confirmations" in done.stdout, done.stdout
    assert verify(file, *login, password="wrong").returncode == 1
    assert verify(file, "--node", "http://127.0.0.1:1", "--user", "u").returncode == 1
    refused = verify(file, "--node", "127.0.0.1")
    assert refused.returncode == 2 and refused.stderr.startswith("phasepool: --node: ")
    node.invalidate(record["hash"])
    lost = verify(file, *login, password=node.password)
    assert lost.returncode == 1 and f"FAIL  node       {where} is at height {record['height'] - 1}, expected at least {record['height']}" in lost.stdout
    node.mine()
    lost = verify(file, *login, password=node.password)
    assert lost.returncode == 1 and f"has block {node.tip()} at height {record['height']}, expected {record['hash']}" in lost.stdout
