"""A node that misbehaves: old work goes on, the log says once what is wrong and once that it is over, and all is well
again by itself."""

import re
import time

import pytest

from framework import bitcoin, lying_node
from framework.cluster import Cluster
from framework.lying_node import LyingNode
from framework.node import RpcError
from framework.util import wait_until


class Setting:
    """A pool with one node, which lies when it is told to, and a miner. It serves all the lies, one after another."""

    def __init__(self, cluster: Cluster):
        self.cluster = cluster
        cluster.start_postgres()
        self.node = cluster.start_node()
        self.liar = cluster.also_close(LyingNode(self.node))
        self.pool = cluster.make_pool()
        self.pool.config["nodes"] = [self.liar.config()]
        self.pool.config["templates"] = {"empty_first": False}  # so that a new job is one from a template
        self.pool.migrate()
        self.pool.start()
        self.client = cluster.client()
        self.log_begins = 0

    def begin(self) -> "Setting":
        """Waits until all is well; what the log says from here on counts."""
        self.liar.honest()
        wait_until(self.is_well, 40, "all to be well")
        self.log_begins = len(self.pool.log.read_text())
        return self

    def is_well(self) -> bool:
        node = self.pool.api()["node"]
        return node["connected"] and not node["error"] and bitcoin.display(self.client.job.prevhash) == self.node.tip()

    def failures(self, kind: str) -> int:
        return self.pool.api()["nodes"][0]["failures"][kind]

    def logged(self, *events) -> int:
        """How many lines tell of one of these."""
        words = "|".join(events)
        return len(re.findall(rf"^\S+ +\w+ +(?:{words}) ", self.pool.log.read_text()[self.log_begins:], re.MULTILINE))

    def mines_on(self):
        """Miners' work counts: a share is accepted, whatever the node does."""
        assert self.client.submit(self.client.find_share(block=False))


@pytest.fixture(scope="module")
def shared():
    cluster = Cluster("bad-node")
    yield Setting(cluster)
    cluster.close(keep=False)


@pytest.fixture
def setting(shared, request):
    yield shared.begin()
    if request.node.report_call.failed:
        print("\n".join(shared.pool.log.read_text()[shared.log_begins:].splitlines()[-40:]))


# Each lie, and the kind of failure that the API counts it as.
WHOLE_NODE = [(lying_node.dies, "unreachable"), (lying_node.dies_in_the_middle, "unreachable"), (lying_node.truncated, "bad_answer"),
              (lying_node.garbage, "bad_answer"), (lying_node.not_http, "bad_answer"), (lying_node.status(401), "unauthorized"),
              (lying_node.status(403), "unauthorized"), (lying_node.status(500), "bad_answer"), (lying_node.status(503), "timeout"),
              (lying_node.refuses(-28, "Loading block index..."), "node_error"), (lying_node.hangs, "timeout")]


@pytest.mark.parametrize(("lie", "kind"), WHOLE_NODE, ids=lambda value: getattr(value, "__name__", ""))
def test_a_node_that_fails(setting, lie, kind):
    failures = setting.failures(kind)
    setting.liar.lie(lie)
    wait_until(lambda: not setting.pool.api()["node"]["connected"], 40, "the API to say that the node is of no use")
    lied = setting.liar.lied
    wait_until(lambda: setting.liar.lied >= lied + 3 or lie is lying_node.hangs, 60, "the pool to have tried again")
    setting.mines_on()
    assert setting.logged("node_down") == 1, "the log says what is wrong, once"
    assert setting.pool.api()["node"]["error"]
    counted = 2 if kind == "timeout" else 1  # so long that it would be said twice
    wait_until(lambda: setting.failures(kind) >= failures + counted, 25, f"the API to count {kind}")
    assert setting.logged("node_slow") <= 1 and not setting.logged("node_answers_again")

    setting.liar.honest()
    tip = setting.node.mine()
    assert setting.client.wait_for_first_job(tip, timeout=40).clean
    wait_until(lambda: setting.logged("node_up"), 20, "the log to say that it is over")
    wait_until(setting.is_well, 20, "all to be well")
    setting.mines_on()
    assert setting.logged("node_up") == 1 and setting.logged("node_down") == 1
    assert setting.logged("node_slow") == setting.logged("node_answers_again") <= 1


TEMPLATES = [lying_node.dies_in_the_middle, lying_node.truncated, lying_node.garbage, lying_node.status(500),
             lying_node.refuses(-9, "Bitcoin Core is not connected!"),
             *[lying_node.without(field) for field in
               ("previousblockhash", "bits", "height", "curtime", "coinbasevalue", "transactions", "version")],
             lying_node.with_("transactions", [{"data": "00"}]), lying_node.with_("bits", "ff123456"),
             lying_node.with_("height", lambda result: result["height"] - 1),
             lying_node.with_("height", lambda result: result["height"] + 7)]


@pytest.mark.parametrize("lie", TEMPLATES, ids=lambda lie: lie.__name__)
def test_a_template_that_is_no_use(setting, lie):
    before, failures = setting.client.job.prevhash, setting.failures("no_template")
    setting.liar.lie(lie, "getblocktemplate")
    setting.node.mine()
    wait_until(lambda: setting.logged("template_failed", "template_refused"), 40, "a word in the log")
    asked = setting.liar.asked["getblocktemplate"]
    wait_until(lambda: setting.liar.asked["getblocktemplate"] >= asked + 2, 40, "the pool to have tried again")
    assert setting.client.job.prevhash == before, "nobody is given work from it"
    setting.mines_on()
    assert setting.logged("template_failed", "template_refused") == 1, "once"
    wait_until(lambda: setting.pool.api()["node"]["error"], 5, "the API to say what is wrong")
    wait_until(lambda: setting.failures("no_template") > failures, 5, "the API to count it")

    setting.liar.honest()
    setting.client.wait_for_job(setting.node.tip(), timeout=40)
    wait_until(setting.is_well, 20, "all to be well")
    setting.mines_on()
    assert setting.logged("template_failed", "template_refused") == 1
    wait_until(lambda: setting.logged("template_usable_again"), 10, "the log to say that it is over")
    assert setting.logged("template_usable_again") == 1


def test_work_without_a_template(cluster):
    """Where the node tells of a block and gives no template, miners have work on the header alone, and its blocks count."""
    cluster.start_postgres()
    cluster.start_node()
    liar = cluster.also_close(LyingNode(cluster.node))
    pool = cluster.make_pool()
    pool.config["nodes"] = [liar.config()]
    pool.migrate()
    pool.start()
    client = cluster.client()
    liar.lie(lying_node.garbage, "getblocktemplate")
    assert client.wait_for_job(cluster.node.mine(), timeout=20).clean
    for _ in range(2):
        share = client.find_share(block=True)
        assert client.submit(share)
        wait_until(lambda: cluster.node.tip() == bitcoin.display(share.hash), 20, "a block as the node's tip")
        client.wait_for_job(cluster.node.tip(), timeout=20)


def test_a_slow_node_is_a_node(setting):
    setting.liar.lie(lying_node.slow(0.5))
    setting.client.wait_for_job(setting.node.mine(), timeout=30)
    share = setting.client.find_share(block=True)
    assert setting.client.submit(share)
    wait_until(lambda: setting.node.tip() == bitcoin.display(share.hash), 30, "the block as the node's tip")
    assert not setting.logged("node_down")


def knows(node, block_hash: bytes) -> bool:
    try:
        return bool(node.rpc("getblockheader", bitcoin.display(block_hash)))
    except RpcError:
        return False


@pytest.mark.parametrize("lie", [lying_node.hangs, lying_node.dies, lying_node.garbage, lying_node.status(503)],
                         ids=lambda lie: lie.__name__)
def test_a_block_that_the_node_does_not_take_at_once(setting, lie):
    """The block is sent again until the node knows it, and its finder is answered before."""
    setting.liar.lie(lie, "submitblock")
    share = setting.client.find_share(block=True)
    asked = setting.liar.asked.get("submitblock", 0)
    assert setting.client.submit(share), "the vault has it: the answer does not wait for the node"
    wait_until(lambda: setting.liar.asked.get("submitblock", 0) > asked, 20, "the block to be sent")
    setting.mines_on()
    assert not knows(setting.node, share.hash)
    setting.liar.honest()
    wait_until(lambda: knows(setting.node, share.hash), 90, "the block at the node", poll=0.1)
    wait_until(lambda: setting.cluster.blocks().get(bitcoin.display(share.hash)) == "accepted", 30, "the block in PostgreSQL")


def reconnects(client) -> list:
    return [message for message in client.messages if message.get("method") == "client.reconnect"]


def test_miners_are_sent_away_only_after_long_without_a_node(cluster):
    cluster.start_postgres()
    cluster.start_node()
    liar = cluster.also_close(LyingNode(cluster.node))
    pool = cluster.make_pool()
    pool.config["nodes"] = [liar.config()]
    pool.config["templates"] = {"reconnect_seconds": 4}
    pool.migrate()
    pool.start()
    client = cluster.client()

    # A while without a node, and shorter than that: nobody is sent away.
    liar.lie(lying_node.dies)
    wait_until(lambda: not pool.api()["node"]["connected"], 20, "the API to say that the node is gone")
    assert client.submit(client.find_share(block=False))
    liar.honest()
    wait_until(lambda: pool.api()["node"]["connected"], 20, "the node to be back")
    assert not reconnects(client) and not client.closed

    liar.lie(lying_node.dies)
    began = time.monotonic()
    wait_until(lambda: reconnects(client), 30, "the pool to ask miners to reconnect")
    assert time.monotonic() - began >= 3.9, "not before its time"
    liar.honest()
    tip = cluster.node.mine()

    def let_in():
        try:
            return cluster.client()
        except (AssertionError, OSError):  # closed: there is no work yet
            return None

    fresh = wait_until(let_in, 30, "the pool to let miners in again")
    fresh.wait_for_job(tip, timeout=30)
    assert fresh.submit(fresh.find_share(block=False))
