#!/usr/bin/python3
"""Prints the table of docs/latency.md: how long after a node's announcement miners have work on the new tip.

Starts PostgreSQL and `phasepool run` as the functional tests do, and notify_bench, which is the node and the
miners. What is not an option here is passed on to notify_bench:

  tests/bench/notify_latency.py [--shards N] [--miners 1,1000,5000] [--rounds 30] [--transactions 4000] …

--pool-config KEY=JSON, as often as wanted, sets a key of pool.json: --pool-config templates.empty_first=false
"""

import argparse
import json
import pathlib
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "functional"))

from framework.cluster import Cluster  # noqa: E402
from framework.pool import Pool  # noqa: E402
from framework.util import BIN, free_port  # noqa: E402


def set_key(config: dict, assignment: str):
    path, value = assignment.split("=", 1)
    *parents, last = path.split(".")
    for name in parents:
        config = config.setdefault(name, {})
    config[last] = json.loads(value)


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("--shards", type=int)
    parser.add_argument("--pool-config", action="append", default=[])
    parser.add_argument("--keep", action="store_true", help="keep the folder with the pool's log")
    options, passed_on = parser.parse_known_args()

    cluster = Cluster("notify-latency")
    rpc_port, zmq = free_port(), f"tcp://127.0.0.1:{free_port()}"
    stratum_port = free_port()
    bench = subprocess.Popen(
        [BIN / "notify_bench", "--rpc", str(rpc_port), "--zmq", zmq, "--stratum", str(stratum_port), *passed_on],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    try:
        assert bench.stdout.readline() == "ready\n", "notify_bench did not start"
        cluster.start_postgres()
        node = {"rpc": f"http://127.0.0.1:{rpc_port}", "user": "bench", "password": "bench", "zmq": zmq}
        pool = cluster.pool = Pool(cluster.folder / "pool", [node], cluster.postgres.url(), difficulty=1.0,
                                   stratum_port=stratum_port)
        if options.shards:
            pool.config["stratum"]["shards"] = options.shards
        for assignment in options.pool_config:
            set_key(pool.config, assignment)
        pool.migrate()
        pool.start()
        bench.stdin.write("go\n")
        bench.stdin.flush()
        for line in bench.stdout:
            print(line, end="", flush=True)
        return bench.wait(30)
    finally:
        bench.kill()
        bench.wait()
        cluster.close(keep=options.keep)
        if options.keep:
            print(f"kept: {cluster.folder}")


if __name__ == "__main__":
    sys.exit(main())
