#!/usr/bin/python3
"""How long SHA-256d shares wait for their answers while the verifiers of coherence work are idle, and while they have
more to do than they can.

One pool, phases in turn: saturated, idle, saturated, … A process of its own submits shares one after the other and takes
the time to each answer. Others connect all the while, at the same pace, and send 64 proofs each. In the saturated phases
these pass every cheap check and are false, so that each costs a verifier as much as a proof can (level 5: all 15127
states), and ends its connection; in the idle ones a cheap check refuses them, and the connection is closed from here. So
the shards have the same to do in both.

  tests/bench/coherence_latency.py [--phases 10] [--seconds 3] [--flooders 4] [--pace 40] [--verify-threads 1]
"""

import argparse
import json
import multiprocessing
import os
import pathlib
import socket
import statistics
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "functional"))

from framework import bitcoin  # noqa: E402
from framework.cluster import Cluster  # noqa: E402
from framework.util import wait_until  # noqa: E402

PROOFS_AT_ONCE = 64  # what a connection may have waiting


def take_times(port: int, phase, results):
    """Submits until phase 0; (phase, seconds) of each answer."""
    from framework.stratum_client import StratumClient

    client = StratumClient(port, user=bitcoin.PAYOUT_ADDRESS + ".times").login()
    taken = []
    while phase.value:
        share = client.find_share(block=False)
        before = time.perf_counter()
        number = phase.value
        client.submit(share)
        if number == phase.value:
            taken.append((number, time.perf_counter() - before))
    results.put(taken)


def request(number: int, method: str, params: list) -> bytes:
    return json.dumps({"id": number, "method": method, "params": params}).encode() + b"\n"


def flood(port: int, phase, user: str, pace: float):
    """Connects, sends proofs, ends, and so on, `pace` times a second. It takes what time the others leave: a miner would be
    on another machine."""
    os.nice(19)
    first, due = 0, time.monotonic()
    while phase.value:
        due = max(due + 1 / pace, time.monotonic() - 1)
        time.sleep(max(0, due - time.monotonic()))
        order = 60000 if phase.value % 2 == 0 else 1  # of no coherent state: a cheap check
        with socket.create_connection(("127.0.0.1", port)) as connection:
            lines = connection.makefile("rb")
            connection.sendall(request(1, "mining.configure", [["coherence"], {"coherence.version": 1, "coherence.only": True}]) +
                               request(2, "mining.subscribe", ["flood/1"]) + request(3, "mining.authorize", [user, "x"]))
            job = ""
            while not job:
                message = json.loads(lines.readline())
                if message.get("method") == "coherence.notify":
                    job = message["params"][0]
            claims = [[user, job, f"{first + i:016x}", 15126, order, 1, "ab" * 32] for i in range(PROOFS_AT_ONCE)]
            first += PROOFS_AT_ONCE
            try:
                connection.sendall(b"".join(request(10 + i, "coherence.submit", claim) for i, claim in enumerate(claims)))
                for _ in range(PROOFS_AT_ONCE):
                    if not lines.readline():
                        break
            except OSError:
                pass


def percentile(values: list, part: float) -> float:
    return sorted(values)[min(len(values) - 1, int(len(values) * part))]


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("--phases", type=int, default=10, help="of each kind")
    parser.add_argument("--seconds", type=float, default=3)
    parser.add_argument("--flooders", type=int, default=4)
    parser.add_argument("--pace", type=float, default=40, help="connections a second, of all flooders")
    parser.add_argument("--verify-threads", type=int, default=1)
    options = parser.parse_args()

    cluster = Cluster("coherence-latency")
    try:
        cluster.start_postgres()
        cluster.start_node()
        pool = cluster.make_pool()
        pool.config["coherence"] = {"level": 5, "initial_bits": "1d00ffff", "start_difficulty": 1, "min_difficulty": 1,
                                    "verify_threads": options.verify_threads}
        pool.migrate()
        pool.start()
        wait_until(lambda: pool.api("coherence")["job"], 30, "coherence work")

        context = multiprocessing.get_context("fork")
        phase, results = context.Value("i", 1), context.Queue()
        processes = [context.Process(target=take_times, args=(pool.stratum_port, phase, results), daemon=True)]
        processes += [context.Process(target=flood, args=(pool.stratum_port, phase, f"{bitcoin.PAYOUT_ADDRESS}.flood{i}", options.pace / options.flooders),
                                      daemon=True)
                      for i in range(options.flooders)]
        for process in processes:
            process.start()
        time.sleep(1)  # the first shares
        busy = []
        before = pool.api("coherence")["verifiers"]
        for number in range(2, 2 + 2 * options.phases):
            with phase.get_lock():
                phase.value = number
            time.sleep(options.seconds)
            after = pool.api("coherence")["verifiers"]
            if number % 2 == 0:
                spent = (after["mean_us"] or 0) * after["verified"] - (before["mean_us"] or 0) * before["verified"]
                busy.append((spent / 1e6 / options.seconds / options.verify_threads, (after["verified"] - before["verified"]) / options.seconds))
            before = after
        phase.value = 0
        taken = results.get(timeout=30)
        for process in processes:
            process.join(10)
    finally:
        cluster.close(keep=False)

    kinds = {"idle": [s * 1e3 for n, s in taken if n > 2 and n % 2], "saturated": [s * 1e3 for n, s in taken if n % 2 == 0]}
    print(f"verifiers busy {statistics.mean(part for part, _ in busy):.0%}, {statistics.mean(rate for _, rate in busy):.0f} proofs/s")
    print(f"{'verifiers':<10} {'answers':>8} {'p50 ms':>8} {'p99 ms':>8} {'max ms':>8}")
    for name, times in kinds.items():
        print(f"{name:<10} {len(times):>8} {percentile(times, 0.5):>8.2f} {percentile(times, 0.99):>8.2f} {max(times):>8.2f}")
    print(f"p99 grows by {percentile(kinds['saturated'], 0.99) / percentile(kinds['idle'], 0.99) - 1:+.1%}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
