#!/usr/bin/python3
"""Prints the table of docs/http.md: what the web side's load costs a share, from submit to reply.

Starts a node, PostgreSQL and `phasepool run` as the functional tests do. A few miners submit shares one after the
other and time the answers, in phases that alternate within the run: quiet, and loaded with watchers of
/api/v1/stream and wrk at full speed on /api/v1/pool. The load's own processes run at nice 19, since in the field
they are on other machines; the pool's threads keep the priorities that they give themselves.

  tests/bench/http_load.py [--watchers 1000] [--seconds 15] [--rounds 3] [--miners 4]

Needs wrk (Debian: apt-get install wrk). What counts is the ratio of a run, not its milliseconds.
"""

import argparse
import multiprocessing
import os
import pathlib
import re
import selectors
import shutil
import socket
import statistics
import subprocess
import sys
import threading
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "functional"))

from framework import bitcoin  # noqa: E402
from framework.cluster import Cluster  # noqa: E402

PAUSE_SECONDS = 0.02  # between a miner's answer and its next share


def watch(port: int, count: int, ready, heard, stop):
    """`count` connections that read their events."""
    os.nice(19)
    sockets = selectors.DefaultSelector()
    for _ in range(count):
        one = socket.create_connection(("127.0.0.1", port), timeout=30)
        one.sendall(b"GET /api/v1/stream HTTP/1.1\r\nHost: bench\r\n\r\n")
        one.setblocking(False)
        sockets.register(one, selectors.EVENT_READ)
    ready.set()
    while not stop.is_set():
        for key, _ in sockets.select(0.1):
            data = key.fileobj.recv(1 << 16)
            assert data, "a watcher was closed"
            heard.value += data.count(b"\nevent: ")


def mine(client, until: float, times: list):
    while time.monotonic() < until:
        share = client.find_share(block=False)
        began = time.monotonic()
        assert client.submit(share)
        times.append(time.monotonic() - began)
        time.sleep(PAUSE_SECONDS)


def phase(clients: list, seconds: float) -> list:
    until = time.monotonic() + seconds
    times = [[] for _ in clients]
    threads = [threading.Thread(target=mine, args=(client, until, own)) for client, own in zip(clients, times)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return sorted(sum(times, []))


def loaded(pool, clients: list, options) -> tuple:
    """(times, events heard a second, requests a second)"""
    ready, stop, heard = multiprocessing.Event(), multiprocessing.Event(), multiprocessing.Value("q", 0)
    watchers = multiprocessing.Process(target=watch, args=(pool.http_port, options.watchers, ready, heard, stop), daemon=True)
    watchers.start()
    assert ready.wait(60)
    wrk = subprocess.Popen(["nice", "-n", "19", "wrk", "-t", "1", "-c", "16", "-d", f"{int(options.seconds)}s",
                            f"http://127.0.0.1:{pool.http_port}/api/v1/pool"], stdout=subprocess.PIPE, text=True)
    times = phase(clients, options.seconds)
    said = wrk.communicate(timeout=60)[0]
    stop.set()
    watchers.join(30)
    assert watchers.exitcode == 0, "the watchers did not all stay"
    assert "Non-2xx" not in said, said
    return times, heard.value / options.seconds, float(re.search(r"Requests/sec:\s+([\d.]+)", said).group(1))


def part(times: list, share: float) -> float:
    return 1000 * times[min(len(times) - 1, int(share * len(times)))]


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("--watchers", type=int, default=1000)
    parser.add_argument("--seconds", type=float, default=15)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--miners", type=int, default=4)
    options = parser.parse_args()
    if not shutil.which("wrk"):
        print("http_load: wrk is not here. Debian: apt-get install wrk", file=sys.stderr)
        return 1
    cluster = Cluster("http-load")
    try:
        pool = cluster.start()
        clients = [cluster.client(user=f"{bitcoin.PAYOUT_ADDRESS}.m{i}") for i in range(options.miners)]
        phase(clients, 2)
        ratios = []
        print("| phase | shares | p50 ms | p99 ms | requests/s | events/s |\n|---|---|---|---|---|---|")
        before = phase(clients, options.seconds)
        for _ in range(options.rounds):
            under, events, requests = loaded(pool, clients, options)
            after = phase(clients, options.seconds)
            print(f"| quiet | {len(before)} | {part(before, 0.5):.2f} | {part(before, 0.99):.2f} | | |")
            print(f"| loaded | {len(under)} | {part(under, 0.5):.2f} | {part(under, 0.99):.2f} | {requests:.0f} | {events:.0f} |", flush=True)
            ratios.append(part(under, 0.99) / ((part(before, 0.99) + part(after, 0.99)) / 2))
            before = after
        print(f"| quiet | {len(before)} | {part(before, 0.5):.2f} | {part(before, 0.99):.2f} | | |")
        print(f"p99 loaded / quiet: {', '.join(f'{ratio:.2f}' for ratio in ratios)}; median {statistics.median(ratios):.2f}")
        return 0
    finally:
        cluster.close(keep=False)


if __name__ == "__main__":
    sys.exit(main())
