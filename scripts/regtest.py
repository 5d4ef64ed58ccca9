#!/usr/bin/env python3
"""Starts a private PostgreSQL, a regtest node, the pool and one miner, and shows what they do.

Called by `./run regtest`, which has installed and built what this needs. The parts are started by the
functional tests' framework, so what people see here is what the tests test.

Difficulty. On regtest half of all hashes are blocks, so each share that a miner finds is one: at the
default 0.002 (8.6 million hashes each) one thread finds a share, and so a block, about once a second.
"""

import argparse
import contextlib
import fcntl
import http.client
import pathlib
import signal
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "tests" / "functional"))

from framework.miner import Miner  # noqa: E402
from framework.node import Node, RpcError  # noqa: E402
from framework.pool import Pool  # noqa: E402
from framework.postgres import Postgres  # noqa: E402
from framework.util import StartError, port_is_free  # noqa: E402

# What the node's RPC and the pool's API may answer when they are busy or going down, besides what they should.
NO_ANSWER = (OSError, http.client.HTTPException, RpcError, AssertionError, ValueError, KeyError)
NO_ANSWER_SECONDS_MAX = 60

# Where the coins of this play chain go: the address of BIP173's examples, whose private key is 1.
ADDRESS = "bcrt1qw508d6qejxtdg4y5r3zarvary0c5xw7kygt080"


class Help(argparse.HelpFormatter):
    """Names the defaults that say something."""

    def _get_help_string(self, action):
        told = action.default not in (None, False, argparse.SUPPRESS) and "default" not in action.help
        return f"{action.help} (default {action.default})" if told else action.help


def options(arguments: list) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="./run regtest", formatter_class=Help,
        description="Start a private PostgreSQL, a regtest node ($BITCOIND, bitcoind from PATH, else bcoin), the pool and a "
        "miner. Ctrl-C stops them all. Another start goes on with the same data.")
    parser.add_argument("--blocks", type=int, metavar="N", help="end with exit status 0 after N blocks that the node accepted")
    parser.add_argument("--no-miner", action="store_true", help="wait for external miners, and say how to connect one")
    parser.add_argument("--data", type=pathlib.Path, default=ROOT / ".phasepool" / "regtest", metavar="DIR",
                        help="where everything is kept (default .phasepool/regtest)")
    parser.add_argument("--host", default="127.0.0.1", help="address that Stratum and the web page listen on; 0.0.0.0 lets other machines in")
    parser.add_argument("--stratum-port", type=int, default=3333, metavar="PORT", help="where miners connect")
    parser.add_argument("--http-port", type=int, default=8080, metavar="PORT", help="stats page and API")
    parser.add_argument("--admin-port", type=int, default=8081, metavar="PORT", help="the pool's admin API, on loopback")
    parser.add_argument("--node-port", type=int, default=18443, metavar="PORT", help="the node's RPC, on loopback")
    parser.add_argument("--zmq-port", type=int, default=28332, metavar="PORT", help="the node's notifications, on loopback; bitcoind only")
    parser.add_argument("--miner-threads", type=int, default=1, metavar="N", help="threads of the miner")
    parser.add_argument("--difficulty", type=float, default=0.002, metavar="D", help="of a share; each share is a block here")
    chosen = parser.parse_args(arguments)
    if chosen.blocks is not None and chosen.blocks < 1:
        parser.error("--blocks wants a number of at least 1")
    return chosen


class Regtest:
    def __init__(self, chosen: argparse.Namespace):
        self.options = chosen
        self.folder = chosen.data.resolve()
        self.stack = contextlib.ExitStack()
        self.first_height = 0

    def check_ports(self, node: Node):
        wanted = [("Stratum", "stratum_port", self.options.host), ("the stats page", "http_port", self.options.host),
                  ("the admin API", "admin_port", "127.0.0.1"), ("the node's RPC", "node_port", "127.0.0.1")]
        if node.zmq:
            wanted.append(("the node's ZMQ", "zmq_port", "127.0.0.1"))
        taken = {}
        for what, name, host in wanted:
            port, option = getattr(self.options, name), "--" + name.replace("_", "-")
            if port in taken:
                raise StartError(f"{taken[port]} and {option} are both {port}")
            taken[port] = option
            if not port_is_free(host, port):
                raise StartError(f"port {port} for {what} is in use; free it, or choose another with {option}")

    def lock(self):
        """One start per data folder; the lock goes with this process."""
        self.folder.mkdir(parents=True, exist_ok=True)
        file = self.stack.enter_context(open(self.folder / "lock", "w"))
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise StartError(f"another ./run regtest uses {self.folder}; stop it, or choose another folder with --data") from None

    def start(self):
        chosen = self.options
        self.lock()
        self.node = Node(self.folder / "node", chosen.node_port, chosen.zmq_port)
        self.check_ports(self.node)
        again = (self.folder / "pool" / "data").exists()
        if again and not self.node.keeps_chain:
            print("bcoin keeps its chain in memory: this start begins a new chain. The database goes on.")
        say("PostgreSQL")
        postgres = Postgres(self.folder / "postgres")
        self.stack.callback(postgres.close)
        postgres.start()
        say(self.node.kind)
        self.stack.callback(self.node.stop)
        # A play chain is never too old to be used: without this the node waits for newer blocks.
        self.node.start(["-maxtipage=2147483647"] if self.node.bitcoind else [])
        self.first_height = self.node.height()
        say("phasepool")
        self.pool = Pool(self.folder / "pool", [self.node.config()], postgres.url(), chosen.difficulty, chosen.stratum_port,
                         chosen.http_port, chosen.admin_port, chosen.host)
        self.pool.config["payout_address"] = ADDRESS
        self.pool.migrate()
        self.stack.callback(self.stop_pool)
        self.pool.start()
        self.miner = None
        if not chosen.no_miner:
            say("phaseminer")
            self.miner = Miner(self.folder / "miner", chosen.stratum_port, "phaseminer", chosen.miner_threads, ADDRESS, self.here())
            self.stack.callback(self.stop_miner)
            self.miner.start()
        say("")

    def here(self) -> str:
        return "127.0.0.1" if self.options.host == "0.0.0.0" else self.options.host

    def stop_pool(self):
        if self.pool.process:
            self.pool.stop()

    def stop_miner(self):
        if self.miner.process:
            self.miner.stop()

    def url(self) -> str:
        return f"http://{self.here()}:{self.options.http_port}/"

    def introduce(self):
        print(f"stats page   {self.url()}")
        print(f"Stratum      stratum+tcp://{self.here()}:{self.options.stratum_port}   share difficulty {self.options.difficulty:g}")
        print(f"logs         {self.folder}/*/*.log")
        if self.options.no_miner:
            where = f"-o stratum+tcp://{self.here()}:{self.options.stratum_port} -u {ADDRESS}.worker1 -p x"
            print("Connect a miner, for example:")
            print(f"  build/release/bin/phaseminer {where}")
            print(f"  minerd -a sha256d {where}")
            print(f"User name: any regtest address, a dot and a name for the machine. Other machines: --host 0.0.0.0")

    def watch(self):
        """Shows the live line until --blocks are there; StartError when a part ends by itself."""
        shown = 0.0
        answered = time.monotonic()
        while True:
            parts = [self.pool.process, self.node.process] + ([self.miner.process] if self.miner else [])
            for part in parts:
                if not part.running():
                    raise StartError(f"{part.name} ended by itself with status {part.returncode}; the end of {part.log}:\n{part.tail()}")
            try:
                height = self.node.height()
                done = self.options.blocks is not None and height - self.first_height >= self.options.blocks
                due = sys.stdout.isatty() or done or time.monotonic() - shown >= 10
                line = self.line(height) if due else ""
            except NO_ANSWER as error:  # a busy moment passes; a part that has ended is told above
                if time.monotonic() - answered > NO_ANSWER_SECONDS_MAX:
                    raise StartError(f"no answer for {NO_ANSWER_SECONDS_MAX} s: {error}") from error
                time.sleep(0.5)
                continue
            answered = time.monotonic()
            if due:
                shown = answered
                show(line)
            if done:
                print(f"\nThe node accepted {height - self.first_height} blocks: its height went from {self.first_height} to {height}.")
                return
            time.sleep(0.5)

    def line(self, height: int) -> str:
        now = self.pool.api()
        return (f"{rate(now['hashrate']['1m'])}   {now['shares']['accepted']} shares   {height - self.first_height} blocks, height {height}"
                f"   {self.url()}")


def rate(hashes_per_second: float) -> str:
    for unit in ("H/s", "kH/s", "MH/s", "GH/s"):
        if hashes_per_second < 1000:
            return f"{hashes_per_second:.2f} {unit}"
        hashes_per_second /= 1000
    return f"{hashes_per_second:.2f} TH/s"


def show(text: str):
    if sys.stdout.isatty():
        print(f"\r\x1b[K{text}", end="", flush=True)
    else:
        print(text, flush=True)


def say(part: str):
    if sys.stdout.isatty():
        print(f"\r\x1b[K{f'starting {part}' if part else ''}", end="", flush=True)


def stop(*_):
    raise KeyboardInterrupt


def main(arguments: list) -> int:
    regtest = Regtest(options(arguments))
    # SIGINT too: a shell starts what it runs in the background with SIGINT ignored.
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, stop)
    status = 0
    try:
        regtest.start()
        regtest.introduce()
        regtest.watch()
    except KeyboardInterrupt:
        print()
    except (StartError, *NO_ANSWER) as error:
        complain(error)
        status = 1
    finally:
        # From here on the parts are stopped in order; a second Ctrl-C must not leave one behind.
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, signal.SIG_IGN)
        try:
            regtest.stack.close()
        except Exception as error:  # one did not stop in time and was killed; the others are stopped by now
            complain(error)
            status = 1
    return status


def complain(error: Exception):
    print(f"\rrun: {error}", file=sys.stderr)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
