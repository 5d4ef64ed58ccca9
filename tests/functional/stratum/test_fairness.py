"""Nobody can hurt the others: what ordinary miners wait for their answers while other peers misbehave.

Twenty miners submit shares steadily. Meanwhile come, one kind after the other and then all at once: silent peers and slow
readers by the hundred, a flood of connects, senders of garbage and of lines without end, a flood of valid questions. The table
that is printed (and kept in the junit file) says how long the twenty waited in each phase. Times depend on the machine, so the
test itself asks only that every share was accepted, nobody was cut off, memory stayed bounded, and the bound on latency is a
very generous one.
"""

import itertools
import json
import os
import pathlib
import re
import selectors
import subprocess
import sys
import time

import pytest

from .attackers import KINDS
from .check import PROXY
from .rig import ADDRESS
from .stage import World

MINERS, SHARES_PER_SECOND, PHASE_SECONDS = 20, 5.0, 2.5
P99_MAX_SECONDS = 2.0
RSS_GROWTH_MAX_MB = 300  # 1000 peers, each with a line of 16 KiB and a write queue of 256 KiB at most


class Ordinary:
    """A miner that submits at its own pace and times the answers."""

    def __init__(self, rig, start: float):
        self.rig, self.next_at = rig, start
        self.sent, self.latencies, self.refused = {}, [], []
        self._ids = itertools.count(1)
        self._pending = b""
        rig.socket.setblocking(True)

    def submit(self, now: float):
        number = next(self._ids)
        share = self.rig.find()
        self.sent[number] = time.monotonic()
        self.rig.request(number, "mining.submit", *share.params(self.rig.user))
        self.next_at = now + 1 / SHARES_PER_SECOND

    def read(self):
        data = self.rig.socket.recv(65536)
        assert data, "an ordinary miner was cut off"
        *lines, self._pending = (self._pending + data).split(b"\n")
        for line in lines:
            message = json.loads(line)
            if message.get("id") in self.sent:
                self.latencies.append(time.monotonic() - self.sent.pop(message["id"]))
                if message["result"] is not True:
                    self.refused.append(message)


def work(miners: list, seconds: float):
    """All of them for so long, and then until the last answer."""
    with selectors.DefaultSelector() as selector:
        for miner in miners:
            selector.register(miner.rig.socket, selectors.EVENT_READ, miner)
        end = time.monotonic() + seconds
        while (now := time.monotonic()) < end + 10:
            if now < end:
                for miner in miners:
                    if miner.next_at <= now:
                        miner.submit(now)
            elif not any(miner.sent for miner in miners):
                break
            for key, _ in selector.select(0.005):
                key.data.read()


def memory_mb(pid: int) -> int:
    return int(re.search(r"VmRSS:\s+(\d+)", pathlib.Path(f"/proc/{pid}/status").read_text())[1]) >> 10


def percentile(values: list, part: float) -> float:
    return sorted(values)[min(len(values) - 1, int(len(values) * part))] * 1000


@pytest.fixture(scope="module")
def pool():
    world = World("fairness")
    yield world.stage("as it comes")
    world.close(keep=False)


def start_attack(kind: str, port: int, number: int) -> subprocess.Popen:
    args = [sys.executable, pathlib.Path(__file__).with_name("attackers.py"), kind, port, PHASE_SECONDS, f"198.51.100.{number}"]
    return subprocess.Popen([str(arg) for arg in args], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                            env={**os.environ, "ATTACK_USER": ADDRESS + ".attacker"})


def test_nobody_delays_the_others(pool, record_property):
    miners = [Ordinary(pool.rig(user=f"{ADDRESS}.fair{n}").login(), time.monotonic() + n / MINERS / SHARES_PER_SECOND)
              for n in range(MINERS)]
    before = memory_mb(pool.pool.process.pid)
    rows, most = [], before
    for phase in ((), *((kind,) for kind in KINDS), tuple(KINDS)):
        attacks = [start_attack(kind, pool.ports[PROXY], 10 * len(rows) + number + 1) for number, kind in enumerate(phase)]
        for miner in miners:
            miner.latencies.clear()
        work(miners, PHASE_SECONDS)
        most = max(most, memory_mb(pool.pool.process.pid))
        did = ["; ".join(attack.communicate(timeout=30)[0].strip().splitlines()[-1:]) for attack in attacks]
        waits = [wait for miner in miners for wait in miner.latencies]
        name = " + ".join(phase) if len(phase) < 2 else "all at once"
        rows.append((name or "nobody", len(waits), percentile(waits, 0.5), percentile(waits, 0.99), max(waits) * 1000, ", ".join(did)[:120]))

        assert all(attack.returncode == 0 for attack in attacks), did
        assert not any(miner.sent for miner in miners), f"{name}: shares without an answer"
        assert not [miner.refused for miner in miners if miner.refused], f"{name}: a good share was refused"
        assert len(waits) >= MINERS * SHARES_PER_SECOND * PHASE_SECONDS / 4, f"{name}: only {len(waits)} shares"
        assert percentile(waits, 0.99) < P99_MAX_SECONDS * 1000, rows[-1]
    print(f"\n{'while':<14}{'answers':>8}{'p50 ms':>9}{'p99 ms':>9}{'max ms':>9}  what they did")
    for name, count, p50, p99, worst, did in rows:
        print(f"{name:<14}{count:>8}{p50:>9.2f}{p99:>9.2f}{worst:>9.2f}  {did}")
        record_property(f"latency_ms_{name.replace(' ', '_')}", f"p50 {p50:.2f} p99 {p99:.2f} max {worst:.2f}")
    print(f"resident memory: {before} MB before, {most} MB at most")
    record_property("resident_mb", f"{before} before, {most} at most")
    assert most - before < RSS_GROWTH_MAX_MB
    assert pool.pool.process.running()
    assert len(pool.log_lines()) < 2000, "strangers filled the log"
