"""From the announcement of a block to the work on it: empty first, and the full work when its template is there.

The node's answers to getblocktemplate are held back, so that what comes before them can be seen; a PUB socket of the
tests' own announces, beside the publisher that bitcoind has itself.
"""

import time

import pytest

from framework import bitcoin, lying_node
from framework.lying_node import LyingNode
from framework.publisher import Publisher
from framework.util import wait_until

ANNOUNCEMENTS = ["rawblock", "hashblock", "sequence"]
REFRESH_SECONDS = 6


class Setting:
    """A pool whose node's templates can be held back, and one miner."""

    def __init__(self, cluster, zmq: str = "", templates: dict | None = None, **node):
        cluster.start_postgres()
        self.node = cluster.node or cluster.start_node(**node)
        self.liar = cluster.also_close(LyingNode(self.node))
        self.publisher = cluster.also_close(Publisher())
        self.pool = cluster.make_pool()
        self.pool.config["nodes"] = [self.liar.config() | {"zmq": zmq or self.publisher.endpoint}]
        self.pool.config["templates"] = templates or {}
        self.pool.migrate()
        self.pool.start()
        self.client = cluster.client()
        if not zmq:
            self.publisher.wait_for_subscriber()

    def hold_templates(self):
        self.liar.lie(lying_node.hangs, "getblocktemplate")

    def announce(self, how: str, block_hash: str):
        if how == "rawblock":
            self.publisher.rawblock(bytes.fromhex(self.node.rpc("getblock", block_hash, 0)))
        else:
            getattr(self.publisher, how)(block_hash)

    def mine_on(self, job) -> str:
        """A block for this job, which becomes the node's tip; its display hash."""
        share = self.client.find_share(block=True, job=job)
        assert self.client.submit(share)
        found = bitcoin.display(share.hash)
        wait_until(lambda: self.node.tip() == found, 10, "our block as the node's tip")
        return found


def is_empty(job) -> bool:
    return job.branch == []


@pytest.mark.parametrize("how", ANNOUNCEMENTS)
def test_empty_work_comes_first_and_is_good(cluster, how):
    setting = Setting(cluster, segwit=True, blocks=110)
    node, client = setting.node, setting.client
    # Both nodes have transactions in the template after the next block, which itself has none.
    earlier = node.template()
    node.send_witness_transactions(5)
    setting.hold_templates()
    tip = node.mine(template=earlier)
    setting.announce(how, tip)

    empty = client.wait_for_first_job(tip)
    assert empty.clean and is_empty(empty)
    wait_until(lambda: setting.pool.api()["tips"][f"zmq_{how}"]["heard"] == 1, 10, "the announcement to be counted")

    setting.liar.honest()
    wait_until(lambda: client.job.branch, 20, "the full work")
    assert bitcoin.display(client.job.prevhash) == tip
    assert not client.job.clean, "the empty work stays good"

    height = node.height()
    found = setting.mine_on(empty)
    _, transactions = node.block(found)
    assert len(transactions) == 1
    paid = sum(out.value for out in transactions[0].outputs)
    assert paid == (50 * bitcoin.COIN) >> ((height + 1) // 150), "the subsidy, and no fees"
    assert node.height() == height + 1


def test_own_blocks_follow_each_other_without_any_template(cluster):
    setting = Setting(cluster, segwit=True)
    setting.hold_templates()
    job = setting.client.job
    for _ in range(5):
        found = setting.mine_on(job)
        job = setting.client.wait_for_first_job(found)
        assert job.clean and is_empty(job)
    setting.liar.honest()
    wait_until(lambda: not setting.client.job.clean, 20, "the full work")
    assert bitcoin.display(setting.client.job.prevhash) == found
    setting.mine_on(setting.client.job)


def test_without_empty_first_the_template_alone_is_work(cluster):
    setting = Setting(cluster, templates={"empty_first": False})
    setting.hold_templates()
    before = len(setting.client.jobs)
    tip = setting.node.mine()
    setting.announce("rawblock", tip)
    wait_until(lambda: setting.pool.api()["tips"]["zmq_rawblock"]["heard"] == 1, 10, "the announcement to be heard")
    assert len(setting.client.jobs) == before
    setting.liar.honest()
    assert setting.client.wait_for_first_job(tip).clean


def test_bitcoind_announces_whole_blocks(cluster):
    cluster.start_node()
    if not cluster.node.bitcoind:
        pytest.skip("bcoin has no ZMQ")
    setting = Setting(cluster, zmq=cluster.node.zmq)

    def mine_until_heard() -> bool:
        """The pool may not have subscribed yet."""
        setting.node.mine()
        return setting.pool.api()["tips"]["zmq_rawblock"]["heard"] > 0

    wait_until(mine_until_heard, 20, "bitcoind's rawblock to be heard", poll=0.1)
    setting.hold_templates()
    tip = setting.node.mine()
    job = setting.client.wait_for_first_job(tip)
    assert job.clean and is_empty(job)
    wait_until(lambda: setting.pool.api()["tips"]["zmq_hashblock"]["heard"] > 0, 10, "hashblock to be heard as well")
    setting.mine_on(job)


def test_routine_refreshes_are_spread(cluster):
    setting = Setting(cluster, templates={"refresh_seconds": REFRESH_SECONDS})
    clients = [setting.client] + [cluster.client(user=f"{bitcoin.PAYOUT_ADDRESS}.{i}") for i in range(11)]
    # Empty work for everybody, then the full work; from then on only the refresh brings jobs.
    setting.hold_templates()
    tip = setting.node.mine()
    setting.announce("hashblock", tip)
    for client in clients:
        client.wait_for_first_job(tip)
    empty = [len(client.jobs) for client in clients]
    setting.liar.honest()
    wait_until(lambda: all(len(client.jobs) > had for client, had in zip(clients, empty)), 20, "the full work")
    counts = [len(client.jobs) for client in clients]
    told = {}

    def all_told() -> bool:
        for index, client in enumerate(clients):
            if len(client.jobs) > counts[index]:
                told.setdefault(index, time.monotonic())
        return len(told) == len(clients)

    wait_until(all_told, 3 * REFRESH_SECONDS, "the refresh to reach everybody")
    times = sorted(told.values())
    assert times[-1] - times[0] > REFRESH_SECONDS / 2, "not all at once"
    assert not any(client.job.clean for client in clients)
