"""kill -9 at each step of a payment's way: before and after each call to the node, before and after each commit.

phasepool_faulty ends by SIGKILL at the n-th time it passes a point, for each n until a command gets through without
passing it so often. The next command goes on from what is recorded; each miner is paid once, none is left out, and no two
transactions of a payment ever reach the node. With a scripted wallet, and where there is a bitcoind, with its own.
"""

import pathlib
import re

import pytest

from framework.paying import KINDS, for_a_module
from framework.util import ROOT

POINTS = ["payout_before_rpc", "payout_after_rpc", "payout_before_commit", "payout_after_commit"]


@pytest.fixture(scope="module", params=KINDS)
def world(request):
    yield from for_a_module(request, check_what_was_sent, "payout-kill")


def check_what_was_sent(world):
    """Of all that was ever sent by whichever tests ran here: one transaction for each payment that was signed, settled, and the recorded one."""
    rows = world.query("SELECT count(*), count(DISTINCT txid), count(*) FILTER (WHERE state = 'settled') FROM payments WHERE txid IS NOT NULL")
    assert rows[0][0] == rows[0][1] == rows[0][2]
    if world.wallet.kind == "scripted":
        recorded = {row[0] for row in world.query("SELECT encode(txid, 'hex') FROM payments WHERE txid IS NOT NULL")}
        assert {txid for txid, _ in world.wallet.sent} == recorded


@pytest.fixture(autouse=True)
def clean(world):
    world.forgive()


class Miners:
    """Two who are owed something, and what must be true of them in the end."""

    def __init__(self, world):
        self.world = world
        self.owed = {world.owe(20_000 + 7 * i): 20_000 + 7 * i for i in range(2)}

    def check_paid_once(self):
        """After the way was gone to its end, by whichever commands."""
        self.world.wallet.mine(6)
        self.world.do("settle")
        for address, sats in self.owed.items():
            assert self.world.wallet.paid(address) == [sats], "on the chain"
            assert self.world.balance(address) == (0, 0, sats), "in the ledger"
        assert sum(self.world.accounts().values()) == 0
        assert not self.world.wallet.locks(), "inputs that nobody unlocks"

    def check_owed(self):
        for address, sats in self.owed.items():
            assert self.world.wallet.paid(address, confirmed=False) == []
            assert self.world.balance(address) == (sats, 0, 0)
        assert not self.world.wallet.locks()


def times(world, point: str, *command):
    """1, 2, … for as long as the command, prepared anew by the test for each, dies at that time."""
    for n in range(1, 200):
        yield f"{point}:{n}"
    raise AssertionError(f"{command} passes {point} without end")


@pytest.mark.parametrize("point", POINTS)
def test_killed_while_planning(world, point):
    for kill in times(world, point, "plan"):
        miners = Miners(world)
        died = world.dies("plan", kill=kill)
        # Whoever was killed looks what is there, and plans again only what is not.
        waiting = [row[0] for row in world.query("SELECT id FROM payments WHERE state = 'planned'")]
        assert len(waiting) == (0 if died and point != "payout_after_commit" else 1)
        payment = waiting[0] if waiting else world.plan()
        assert world.run("plan").stdout.count("payment ") == 0
        world.do("send", payment)
        miners.check_paid_once()
        if not died:
            return


@pytest.mark.parametrize("point", POINTS)
def test_killed_while_sending(world, point):
    for kill in times(world, point, "send"):
        miners = Miners(world)
        payment = world.plan()
        died = world.dies("send", payment, kill=kill)
        world.do("send", payment)
        assert world.state(payment) == "sent"
        miners.check_paid_once()
        if not died:
            return


@pytest.mark.parametrize("point", POINTS)
def test_killed_while_sending_and_funded_anew(world, point):
    """On the way on which the inputs are gone when it is to be signed."""
    for kill in times(world, point, "send"):
        miners = Miners(world)
        payment = world.plan()
        assert world.dies("send", payment, kill="payout_after_commit:1")
        world.wallet.spend_elsewhere(*world.input_of(payment))
        died = world.dies("send", payment, kill=kill)
        world.do("send", payment)
        miners.check_paid_once()
        if not died:
            return


@pytest.mark.parametrize("point", POINTS)
def test_killed_while_refused_by_the_node(world, point):
    """A fee that no node relays is found out after signing: nothing stays recorded as signed, or locked."""
    for n in range(1, 200):
        miners = Miners(world)
        payment = world.plan()
        done = world.run("send", payment, "--fee-rate", "0.01", "--commit", kill=f"{point}:{n}")
        assert done.returncode in (-9, 1), done.stderr
        if done.returncode == -9 and world.state(payment) == "funded":
            world.do("send", payment, "--fee-rate", "5", rc=1)  # what was funded is tried, and taken back
        assert world.state(payment) == "planned"
        world.do("send", payment, "--fee-rate", "5")
        miners.check_paid_once()
        if done.returncode == 1:
            return


@pytest.mark.parametrize("point", POINTS)
def test_killed_while_settling(world, point):
    for kill in times(world, point, "settle"):
        miners = Miners(world)
        payment = world.plan()
        world.do("send", payment)
        world.wallet.mine(6)
        died = world.dies("settle", kill=kill)
        assert world.state(payment) == ("sent" if died and point != "payout_after_commit" else "settled")
        miners.check_paid_once()
        if not died:
            return


@pytest.mark.parametrize("point", POINTS)
def test_killed_while_cancelling(world, point):
    for kill in times(world, point, "cancel"):
        miners = Miners(world)
        payment = world.plan()
        assert world.dies("send", payment, kill="payout_after_commit:2")
        assert world.state(payment) == "funded" and world.wallet.locks()
        died = world.dies("cancel", payment, kill=kill)
        if world.state(payment) != "cancelled":
            world.do("cancel", payment)
        miners.check_owed()
        world.do("send", world.plan())
        miners.check_paid_once()
        if not died:
            return


def test_killed_again_and_again(world):
    """Every command of the way, each killed at all its points in turn, and given again."""
    miners = Miners(world)
    payment = world.plan()
    for point in POINTS:
        for n in range(1, 40):
            done = world.run("send", payment, "--commit", kill=f"{point}:{n}")
            assert done.returncode in (0, -9), done.stderr
    world.do("send", payment)
    world.wallet.mine(6)
    for point in POINTS:
        world.run("settle", "--commit", kill=f"{point}:1")
    if world.state(payment) != "settled":
        world.do("settle")
    assert world.wallet.paid(list(miners.owed)[0]) == [20_000]
    miners.check_paid_once()


def test_every_point_is_one_that_the_payer_has():
    """A point that nobody passes would prove nothing; one that no test names is not shown."""
    there = set()
    for file in (pathlib.Path(ROOT) / "pool").rglob("*.cpp"):
        there |= set(re.findall(r'kill_point\("(payout_\w+)"\)', file.read_text()))
    assert there == set(POINTS)
