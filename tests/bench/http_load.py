#!/usr/bin/python3
"""Prints the tables of docs/http.md: what the web side's load costs a share, from submit to reply.

Starts a node, PostgreSQL and `phasepool run` as the functional tests do. Miners, each a process, submit shares one
after the other and time the answers, in many short phases whose order within a round is drawn:

  quiet   nothing else
  busy    a computing process on each core, behind everything else: what any load of the machine costs
  loaded  watchers of /api/v1/stream, and wrk at full speed on /api/v1/pool, behind everything else as well, since in
          the field they are on other machines; the pool's threads keep the priorities that they give themselves

A single phase's p99 says little. So all phases of a kind are taken together, and how sure their ratio is comes from
drawing the rounds anew (bootstrap): the interval holds nine of ten such draws. `quiet/quiet` compares one half of the
quiet phases with the other in the same way: what the method says where there is no difference.

  tests/bench/http_load.py [--watchers 1000] [--seconds 3] [--rounds 14] [--miners 4] [--path /api/v1/pool]

--above-others is for a machine that others use meanwhile, and for root: Linux then weighs what is started here above
their sessions, and the load between.

Needs wrk (Debian: apt-get install wrk). What counts is the ratio of a run, not its milliseconds.
"""

import argparse
import math
import multiprocessing
import os
import pathlib
import random
import re
import selectors
import shutil
import socket
import subprocess
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "functional"))

from framework import bitcoin, metrics  # noqa: E402
from framework.cluster import Cluster  # noqa: E402
from framework.stratum_client import StratumClient  # noqa: E402
from framework.util import wait_until  # noqa: E402

PAUSE_SECONDS = 0.01  # between a miner's answer and its next share
SETTLE_SECONDS = 0.3  # between the load's begin and the first share that counts
DRAWS = 2000
ABOVE_OTHERS, LOAD_ABOVE_OTHERS, BEHIND = -18, -9, 19  # of sessions
KINDS = ("quiet", "busy", "loaded")


# -- processes of their own


def mine(port: int, user: str, orders):
    """Told until when: sends back the times of the shares until then."""
    client = StratumClient(port, user=user).login()
    client.wait_for_job()
    orders.send("ready")
    while (until := orders.recv()) is not None:
        times = []
        while time.monotonic() < until:
            share = client.find_share(block=False)
            began = time.monotonic()
            assert client.submit(share)
            times.append(time.monotonic() - began)
            time.sleep(PAUSE_SECONDS)
        orders.send(times)


load_level = BEHIND  # of the sessions that the load gets


def step_back():
    """Out of the way of everything else. Linux weighs sessions against each other first (sched(7), autogroup), and nice
    counts within one only: so this one gets its own, which is nice as a whole."""
    os.setsid()
    os.nice(19)
    group = pathlib.Path("/proc/self/autogroup")
    if group.exists():
        group.write_text(str(load_level))


def descendants(pid: int):
    yield pid
    for children in pathlib.Path(f"/proc/{pid}/task").glob("*/children"):
        for child in children.read_text().split():
            yield from descendants(int(child))


def raise_above_others():
    """This session and those of all that has been started so far."""
    for pid in descendants(os.getpid()):
        group = pathlib.Path(f"/proc/{pid}/autogroup")
        if group.exists() and f"nice {ABOVE_OTHERS}" not in group.read_text():
            group.write_text(str(ABOVE_OTHERS))


def watch(port: int, count: int, ready, heard, stop):
    """`count` connections that read their events."""
    step_back()
    sockets = selectors.DefaultSelector()
    for _ in range(count):
        one = socket.create_connection(("127.0.0.1", port), timeout=60)
        one.sendall(b"GET /api/v1/stream HTTP/1.1\r\nHost: bench\r\n\r\n")
        one.setblocking(False)
        sockets.register(one, selectors.EVENT_READ)
    ready.set()
    while not stop.is_set():
        for key, _ in sockets.select(0.1):
            data = key.fileobj.recv(1 << 16)
            assert data, "a watcher was closed"
            heard.value += data.count(b"\nevent: ")


def compute(stop):
    step_back()
    while not stop.is_set():
        sum(range(10_000))


# -- phases


class Bench:
    def __init__(self, cluster: Cluster, options):
        self.pool, self.options = cluster.start(), options
        self.miners = []
        for i in range(options.miners):
            ours, theirs = multiprocessing.Pipe()
            user = f"{bitcoin.PAYOUT_ADDRESS}.m{i}"
            multiprocessing.Process(target=mine, args=(self.pool.stratum_port, user, theirs), daemon=True).start()
            self.miners.append(ours)
        for miner in self.miners:
            assert miner.recv() == "ready"
        self.counted = self.reply_counts()
        self.requests = self.events = 0.0
        self.replies = {kind: {} for kind in KINDS}  # as the pool counts them, by upper bound in seconds

    def shares(self, kind: str, seconds: float) -> list:
        until = time.monotonic() + seconds
        for miner in self.miners:
            miner.send(until)
        times = sum((miner.recv() for miner in self.miners), [])
        before = self.counted
        self.counted = wait_until(lambda: self.all_counted(before, len(times)), 60, "the shards' counts of all replies")
        for bound, count in self.counted.items():
            self.replies[kind][bound] = self.replies[kind].get(bound, 0) + count - before[bound]
        return times

    def all_counted(self, before: dict, shares: int):
        """The counts, once the shards have reported every share since `before`."""
        now = self.reply_counts()
        return now if now[math.inf] - before[math.inf] >= shares else None

    def reply_counts(self) -> dict:
        found = {}
        for name, value in metrics.read(self.pool).items():
            if bound := re.fullmatch(r'phasepool_share_to_reply_seconds_bucket\{le="([^"]+)"\}', name):
                found[float(bound.group(1).replace("+Inf", "inf"))] = value
        return found

    def quiet(self) -> list:
        return self.shares("quiet", self.options.seconds)

    def busy(self) -> list:
        stop = multiprocessing.Event()
        others = [multiprocessing.Process(target=compute, args=(stop,), daemon=True) for _ in range(os.cpu_count())]
        for other in others:
            other.start()
        time.sleep(SETTLE_SECONDS)
        times = self.shares("busy", self.options.seconds)
        stop.set()
        for other in others:
            other.join(30)
        return times

    def loaded(self) -> list:
        ready, stop, heard = multiprocessing.Event(), multiprocessing.Event(), multiprocessing.Value("q", 0)
        watchers = multiprocessing.Process(target=watch, args=(self.pool.http_port, self.options.watchers, ready, heard, stop), daemon=True)
        watchers.start()
        assert ready.wait(120)
        began = time.monotonic()
        wrk = subprocess.Popen(["wrk", "-t", "1", "-c", "16", "-d", "600s", f"http://127.0.0.1:{self.pool.http_port}{self.options.path}"],
                               stdout=subprocess.PIPE, text=True, preexec_fn=step_back)
        time.sleep(SETTLE_SECONDS)
        times = self.shares("loaded", self.options.seconds)
        wrk.send_signal(2)  # it ends with its report
        said = wrk.communicate(timeout=60)[0]
        seconds = time.monotonic() - began
        stop.set()
        watchers.join(60)
        assert watchers.exitcode == 0, "the watchers did not all stay"
        assert "Non-2xx" not in said, said
        self.requests += float(re.search(r"Requests/sec:\s+([\d.]+)", said).group(1)) / self.options.rounds
        self.events += heard.value / seconds / self.options.rounds
        return times


# -- figures


def part(times: list, share: float) -> float:
    """A quantile, in milliseconds; `times` are sorted."""
    return 1000 * times[min(len(times) - 1, int(share * len(times)))]


def pooled(phases: list) -> list:
    return sorted(time for phase in phases for time in phase)


def counted_p99(counts: dict) -> float:
    """In milliseconds, straight through its bucket."""
    rank, below, low = 0.99 * counts[float("inf")], 0.0, 0.0
    for bound, count in sorted(counts.items()):
        if count >= rank:
            return 1000 * (low + (bound - low) * (rank - below) / (count - below))
        below, low = count, bound
    return float("nan")


def ratio_with_interval(over: list, under: list, share: float, chance: random.Random) -> str:
    """Of the pooled phases' quantiles; with the interval that nine of ten draws of the rounds lie in."""
    rounds = range(len(over))
    drawn = []
    for _ in range(DRAWS):
        picked = chance.choices(rounds, k=len(over))
        drawn.append(part(pooled([over[i] for i in picked]), share) / part(pooled([under[i] for i in picked]), share))
    drawn.sort()
    ratio = part(pooled(over), share) / part(pooled(under), share)
    return f"{ratio:.2f} ({drawn[len(drawn) // 20]:.2f} to {drawn[-len(drawn) // 20]:.2f})"


def report(bench: Bench, phases: dict, chance: random.Random):
    print("| phase | shares | p50 ms | p90 ms | p99 ms | p99 ms as the pool counts |\n|---|---|---|---|---|---|")
    for kind in KINDS:
        times = pooled(phases[kind])
        print(f"| {kind} | {len(times)} | {part(times, 0.5):.2f} | {part(times, 0.9):.2f} | {part(times, 0.99):.2f} "
              f"| {counted_p99(bench.replies[kind]):.2f} |")
    quiet = phases["quiet"]
    half = len(quiet) // 2
    chance.shuffle(order := list(range(len(quiet))))
    first, second = [quiet[i] for i in order[:half]], [quiet[i] for i in order[half:2 * half]]
    print("\n| ratio | p50 | p99 |\n|---|---|---|")
    for name, over, under in (("loaded/quiet", phases["loaded"], quiet), ("loaded/busy", phases["loaded"], phases["busy"]),
                              ("busy/quiet", phases["busy"], quiet), ("quiet/quiet", first, second)):
        print(f"| {name} | {ratio_with_interval(over, under, 0.5, chance)} | {ratio_with_interval(over, under, 0.99, chance)} |")
    print(f"\nwrk: {bench.requests:.0f} requests a second; watchers: {bench.events:.0f} events a second")


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("--watchers", type=int, default=1000)
    parser.add_argument("--seconds", type=float, default=3)
    parser.add_argument("--rounds", type=int, default=14)
    parser.add_argument("--miners", type=int, default=4)
    parser.add_argument("--path", default="/api/v1/pool")
    parser.add_argument("--above-others", action="store_true")
    parser.add_argument("--seed", type=int, default=1, help="of the order of phases, and of the draws")
    options = parser.parse_args()
    if not shutil.which("wrk"):
        print("http_load: wrk is not here. Debian: apt-get install wrk", file=sys.stderr)
        return 1
    if options.above_others:
        global load_level
        load_level = LOAD_ABOVE_OTHERS
        if os.getsid(0) != os.getpid():
            os.setsid()  # what was started beside it stays where it is
    chance = random.Random(options.seed)
    cluster = Cluster("http-load")
    try:
        bench = Bench(cluster, options)
        bench.shares("quiet", 2)  # warm
        bench.replies["quiet"].clear()
        phases = {kind: [] for kind in KINDS}
        for done in range(options.rounds):
            for kind in chance.sample(KINDS, len(KINDS)):
                if options.above_others:
                    raise_above_others()  # PostgreSQL makes a session of each connection
                phases[kind].append(getattr(bench, kind)())
            p99 = ", ".join(f"{kind} {part(sorted(phases[kind][-1]), 0.99):.2f}" for kind in KINDS)
            print(f"round {done + 1}: p99 ms {p99}", file=sys.stderr, flush=True)
        report(bench, phases, chance)
        return 0
    finally:
        cluster.close(keep=False)


if __name__ == "__main__":
    sys.exit(main())
