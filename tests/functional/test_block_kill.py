"""kill -9 at each step of a found block's way: from the end of the vault's fsync on, the block gets home every time.

phasepool_faulty ends by SIGKILL at the step it is told (base::kill_point in the pool's code). Where the step comes
before the node's answer, a proxy keeps the block from the node in that life, so that it is the next one that brings it.
"""

import pathlib
import re
import signal

import pytest

from framework import bitcoin
from framework.cluster import Cluster
from framework.node_proxy import NodeProxy
from framework.util import BIN, ROOT, wait_until

# The step, and what the proxy does with blocks in the life that ends there. ":2" is the second time.
BEFORE_FSYNC_ENDS = [
    ("block_found", "hold"),
    ("block_posted", "hold"),
    ("block_taken", "hold"),
    ("vault_before_create", "hold"),
    ("vault_created", "hold"),
    ("vault_written", "hold"),
]
AFTER_FSYNC = [
    ("vault_synced", "hold"),
    ("vault_renamed", "hold"),
    ("vault_folder_synced", "hold"),
    ("before_block_vaulted", "hold"),
    ("block_vaulted_posted", "hold"),
    ("before_true", "hold"),
    ("submit_answered:2", "cut first"),
    ("outcome_journalled", "cut first"),
    ("outcome_durable", "cut first"),
    ("outcome_durable", "pass"),
    ("vault_moved", "pass"),
]
# These may be passed before or after the end of the fsync, since nobody waits for the other. A node may be asked again,
# too, while a slow disk is still at it.
BESIDE_THE_VAULT = [
    ("answer_journalled", "cut"),
    ("answer_durable", "cut"),
    ("submit_before_send:2", "cut"),
    ("submit_sent:2", "cut"),
    ("submit_answered:2", "cut"),
    ("submit_before_send", "hold"),
    ("submit_sent", "hold"),
    ("submit_sent", "pass"),
    ("submit_answered", "pass"),
    ("outcome_journalled", "pass"),
    ("candidate_journalled", "hold"),
    ("candidate_durable", "hold"),
]
# No `true` can have left before these.
BEFORE_TRUE = {"vault_synced", "vault_renamed", "vault_folder_synced", "before_block_vaulted", "before_true"} | {
    step for step, _ in BEFORE_FSYNC_ENDS}


class World:
    """One node and one database for all; the pool dies and comes back."""

    def __init__(self):
        self.cluster = Cluster("block-kill")
        self.cluster.start_postgres()
        self.node = self.cluster.start_node()
        self.proxy = NodeProxy(self.node)
        self.pool = self.cluster.make_pool()
        self.pool.config["nodes"] = [{**self.node.config(), "rpc": self.proxy.url}]
        self.pool.migrate()
        self.vault = pathlib.Path(self.pool.config["data_dir"]) / "vault"

    def start(self, kill_at: str = "", wait: bool = True):
        self.pool.program = BIN / ("phasepool_faulty" if kill_at else "phasepool")
        self.pool.start(wait=wait, env={"PHASEPOOL_TEST_KILL": kill_at} if kill_at else None)

    def wait_for_death(self):
        wait_until(lambda: not self.pool.process.running(), 30, "the pool to reach the step where it dies")
        assert self.pool.process.returncode == -signal.SIGKILL
        self.pool.close()

    def find_block(self):
        """(hash, whether `true` came) of a block that the pool does not survive."""
        client = self.cluster.client()
        client.wait_for_job(self.node.tip())
        share = client.find_share(block=True)
        request = client.submit_later(share)
        self.wait_for_death()
        wait_until(lambda: client.closed, 10, "the connection to end")
        return bitcoin.display(share.hash), client.answers.get(request, {}).get("result") is True

    def status(self, block: str) -> list:
        return [row[0] for row in self.cluster.query("SELECT status FROM blocks WHERE hash = decode(%s, 'hex')", block)]

    def unsettled(self) -> list:
        return [file.name for file in self.vault.iterdir() if file.is_file()]

    def close(self, keep: bool):
        self.proxy.close()
        self.cluster.close(keep)


@pytest.fixture(scope="module")
def world(request):
    world = World()
    failed_before = request.session.testsfailed
    yield world
    failed = request.session.testsfailed > failed_before
    world.close(keep=failed)
    if failed:
        print(f"\nkept for you: {world.cluster.folder}")


def check_home(world, block: str):
    """Started again, the pool brings the block home, and has then nothing left to bring."""
    world.proxy.set_mode("pass")
    world.start()
    wait_until(lambda: world.node.tip() == block, 20, f"{block} as the node's tip")
    wait_until(lambda: world.status(block) == ["accepted"], 20, "the block in PostgreSQL, once and accepted")
    wait_until(lambda: world.unsettled() == [], 20, "the vault without unsettled blocks")
    assert world.pool.stop() == 0
    assert world.status(block) == ["accepted"]


@pytest.fixture(autouse=True)
def stopped(world):
    yield
    world.pool.close()


@pytest.mark.parametrize("step, mode", AFTER_FSYNC, ids=[f"{step}-{mode}" for step, mode in AFTER_FSYNC])
def test_killed_after_the_fsync(world, step, mode):
    world.proxy.set_mode(mode)
    world.start(kill_at=step)
    block, true = world.find_block()
    if step in BEFORE_TRUE:
        assert not true, "true before the block was safe"
    if mode in ("hold", "cut"):
        assert world.node.tip() != block, "the node has it already: this proves nothing"
    check_home(world, block)


@pytest.mark.parametrize("step, mode", BEFORE_FSYNC_ENDS + BESIDE_THE_VAULT,
                         ids=[f"{step}-{mode}" for step, mode in BEFORE_FSYNC_ENDS + BESIDE_THE_VAULT])
def test_killed_around_the_fsync(world, step, mode):
    """A block may be lost here unless the node has it, but then nobody was told `true`, and nothing is left in the way."""
    world.proxy.set_mode(mode)
    world.start(kill_at=step)
    block, true = world.find_block()
    if step in BEFORE_TRUE:
        assert not true, "true before the block was safe"
    if mode in ("hold", "cut"):
        assert world.node.tip() != block, "the node has it already: this proves nothing"
    stored = (world.vault / f"{block}.block").exists()
    if true or stored or step == "vault_written":  # the file was whole, and only power could have taken it
        return check_home(world, block)
    world.proxy.set_mode("pass")
    world.start()
    if step in ("submit_answered", "outcome_journalled"):
        assert world.node.tip() == block
    assert world.unsettled() == []
    assert world.pool.stop() == 0


def test_killed_again_and_again(world):
    """Also the lives that take the block up from the vault may end at any step."""
    world.proxy.set_mode("hold")
    world.start(kill_at="vault_folder_synced")
    block, true = world.find_block()
    assert not true
    for step, mode in [("candidate_journalled", "hold"), ("submit_before_send", "hold"), ("submit_sent", "hold"),
                       ("candidate_durable", "hold"), ("submit_answered", "cut"), ("submit_sent:2", "cut")]:
        world.proxy.set_mode(mode)
        world.start(kill_at=step, wait=False)
        world.wait_for_death()
        assert world.unsettled() == [f"{block}.block"]
        assert world.node.tip() != block
    for step in ["submit_answered", "outcome_journalled", "outcome_durable"]:
        world.proxy.set_mode("pass")
        world.start(kill_at=step, wait=False)
        world.wait_for_death()
        assert world.unsettled() == [f"{block}.block"]
        assert world.node.tip() == block
    check_home(world, block)


def test_every_step_is_one_that_the_pool_has():
    """A step that nobody passes would leave its test waiting; one that no test names is not shown."""
    tested = {step.split(":")[0] for step, _ in BEFORE_FSYNC_ENDS + AFTER_FSYNC + BESIDE_THE_VAULT}
    there = set()
    for file in (ROOT / "pool").rglob("*.cpp"):
        for call in re.findall(r"kill_point\(([^;]*)\);", file.read_text()):
            there |= {name for name in re.findall(r'"(\w+)"', call) if not name.startswith("payout_")}  # test_payout_kill.py
    assert tested == there
