"""`phasepool check` with a real node and database: a line for each thing that the pool needs, and for each that
is missing what to do about it."""

import re

import pytest

from framework.node import Node


@pytest.fixture
def pool(cluster):
    """Configured, migrated, not started."""
    cluster.start_postgres()
    cluster.start_node()
    pool = cluster.make_pool()
    pool.migrate()
    return pool


def lines(done) -> dict:
    """Part to (verdict, text); of several lines for a part, the worst one."""
    found = {}
    for line in done.stdout.splitlines():
        verdict, part, text = re.match(r"(ok|FAIL) +(\w+) +(.*)", line).groups()
        if found.get(part, ("ok",))[0] == "ok":
            found[part] = (verdict, text)
    return found


def needs_core(cluster):
    if not cluster.node.bitcoind:
        pytest.skip("bcoin has no ZMQ, no wallet on this port and no rpcwhitelist")


def test_all_is_well(cluster, pool):
    done = pool.command("check")
    assert done.returncode == 0, done.stdout
    found = lines(done)
    assert {"config", "node", "template", "proposal", "clock", "zmq", "submit", "database"} <= set(found), done.stdout
    assert "would take our block" in found["proposal"][1]
    if cluster.node.bitcoind:
        assert "publishes hashblock, rawblock" in found["zmq"][1], done.stdout
    height = cluster.node.height()
    assert f"height {height} " in found["node"][1] and cluster.node.height() == height


def test_rules_of_the_proof_chain(cluster, pool):
    done = pool.command("check")
    assert lines(done)["coherence"][1].endswith("; this pool begins the proof chain"), done.stdout
    cluster.query("SELECT begin_coherence_chain(420, 123, %s, 1000000)", 0x1e080000)
    done = pool.command("check")
    assert done.returncode == 0 and "the proof chain's rules are the configured ones" in lines(done)["coherence"][1], done.stdout
    pool.config["coherence"] = {"retarget_blocks": 7}
    done = pool.command("check")
    verdict, text = lines(done)["coherence"]
    assert done.returncode == 1 and verdict == "FAIL" and text.startswith("coherence.retarget_blocks is 7, but the proof chain"), done.stdout
    pool.config["coherence"] = {"enabled": False}
    done = pool.command("check")
    assert done.returncode == 0 and lines(done)["coherence"] == ("ok", "is not offered"), done.stdout


def test_every_node_is_looked_at(cluster, pool):
    pool.config["nodes"].append({**cluster.node.config(), "password": "wrong"})
    done = pool.command("check")
    verdicts = [line.split()[0] for line in done.stdout.splitlines() if line.split()[1] == "node"]
    assert done.returncode == 1 and verdicts == ["ok", "FAIL"], done.stdout


def test_a_method_that_the_node_refuses(cluster, pool):
    needs_core(cluster)
    allowed = ["getblockcount", "getblocktemplate", "getblockchaininfo", "getnetworkinfo", "getbestblockhash", "getblockheader",
               "preciousblock", "getzmqnotifications"]
    cluster.node.stop()
    cluster.node.start([f"-rpcwhitelist={cluster.node.user}:{','.join(allowed)}"])
    done = pool.command("check")
    verdict, text = lines(done)["submit"]
    assert done.returncode == 1 and verdict == "FAIL", done.stdout
    assert f"rpcwhitelist={cluster.node.user}:...,submitblock)" in text, text


def test_a_publisher_without_blocks(cluster, pool):
    needs_core(cluster)
    other = Node(cluster.folder / "other", publishes=["rawtx"]).start()
    try:
        pool.config["nodes"] = [other.config()]
        other.mine()
        done = pool.command("check")
        verdict, text = lines(done)["zmq"]
        assert done.returncode == 1 and verdict == "FAIL" and f"-zmqpubhashblock={other.zmq}" in text, done.stdout
    finally:
        other.stop()


def test_a_publisher_without_whole_blocks_is_good_enough(cluster, pool):
    needs_core(cluster)
    other = Node(cluster.folder / "other", publishes=["hashblock"]).start()
    try:
        pool.config["nodes"] = [other.config()]
        other.mine()
        done = pool.command("check")
        verdict, text = lines(done)["zmq"]
        assert done.returncode == 0 and verdict == "ok" and f"-zmqpubrawblock={other.zmq}" in text, done.stdout
    finally:
        other.stop()


def test_the_wallet_that_payouts_need(cluster, pool):
    needs_core(cluster)
    pool.config["payout"] = {"wallet": "my payouts"}

    def wallet_line() -> tuple:
        done = pool.command("check")
        verdict, text = lines(done)["wallet"]
        assert (done.returncode == 0) == (verdict == "ok"), done.stdout
        return verdict, text

    verdict, text = wallet_line()
    assert verdict == "FAIL" and "-disablewallet" in text, text
    node = Node(cluster.folder / "with-wallet", wallet=True).start()
    try:
        pool.config["nodes"] = [node.config()]
        node.mine()
        verdict, text = wallet_line()
        assert verdict == "FAIL" and "loadwallet" in text, text
        node.rpc("createwallet", "my payouts")
        assert wallet_line()[0] == "ok"
        node.rpc("unloadwallet", "my payouts")
        node.rpc("createwallet", "locked", False, False, "passphrase")
        pool.config["payout"] = {"wallet": "locked"}
        verdict, text = wallet_line()
        assert verdict == "FAIL" and "walletpassphrase" in text, text
    finally:
        node.stop()
