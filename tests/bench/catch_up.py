#!/usr/bin/python3
"""How fast a pool catches up after an outage of its database, and what its miners feel of it.

A journal with RECORDS shares of WORKERS workers, a thousand a second up to now, is put into a new data_dir; then a real
pool starts on it, with a node and a PostgreSQL that syncs its commits. Three miners submit as fast as they are
answered, all the while. Told: rows stored per second, and the time from a submit to its answer, against that of
a pool with nothing to catch up.

usage: catch_up.py [RECORDS [WORKERS]]      default: 2000000 1000; needs the targets phasepool and store_bench
"""

import pathlib
import subprocess
import sys
import threading
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests" / "functional"))

from framework import bitcoin  # noqa: E402
from framework.cluster import Cluster  # noqa: E402
from framework.postgres import Postgres  # noqa: E402
from framework.util import BIN, wait_until  # noqa: E402


class Miner:
    """Submits one share after the other, and remembers how long each answer took."""

    def __init__(self, client):
        self.client = client
        self.answers_ms = []
        self._stop = False
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def _run(self):
        while not self._stop:
            share = self.client.find_share(block=False)
            start = time.monotonic()
            self.client.submit(share)
            self.answers_ms.append(1000 * (time.monotonic() - start))

    def stop(self) -> list:
        self._stop = True
        self._thread.join()
        return self.answers_ms


def percentiles(values: list) -> str:
    values = sorted(values)
    return f"p50 {values[len(values) // 2]:.1f} ms, p99 {values[len(values) * 99 // 100]:.1f} ms ({len(values)} shares)"


def miners(cluster) -> list:
    return [Miner(cluster.client(user=f"{bitcoin.PAYOUT_ADDRESS}.{i}")) for i in range(3)]


def answers(them: list) -> str:
    return percentiles(sum((miner.stop() for miner in them), []))


def main():
    records = int(sys.argv[1]) if len(sys.argv) > 1 else 2_000_000
    workers = int(sys.argv[2]) if len(sys.argv) > 2 else 1000
    cluster = Cluster("catch-up")
    try:
        cluster.postgres = Postgres(cluster.folder / "postgres", durable=True).start()
        cluster.start_node()
        pool = cluster.make_pool()
        pool.migrate()
        journal = pathlib.Path(pool.config["data_dir"]) / "journal"
        subprocess.run([BIN / "store_bench", "--fill", journal, str(records), str(workers)], check=True)
        pool.start()
        start, before = time.monotonic(), stored(cluster)
        mining = miners(cluster)
        wait_until(lambda: behind(pool) < 100_000, 600, "the journal to be stored", poll=0.05)
        seconds, rows = time.monotonic() - start, stored(cluster) - before
        print(f"catching up: {rows} rows in {seconds:.1f} s, {rows / seconds:.0f} rows/s")
        print(f"miners meanwhile: {answers(mining)}")
        wait_until(lambda: behind(pool) < 1000, 60, "the rest")
        mining = miners(cluster)
        time.sleep(5)
        print(f"and with nothing to catch up: {answers(mining)}")
        assert pool.stop() == 0
    finally:
        cluster.close(keep=False)


def behind(pool) -> int:
    """Records; many, while the pool does not know."""
    records = pool.api()["database"]["records_behind"]
    return 10**9 if records is None else records


def stored(cluster) -> int:
    return cluster.query("SELECT coalesce(sum(shares_total), 0)::bigint FROM journal_positions")[0][0]


if __name__ == "__main__":
    main()
