#!/usr/bin/env python3
"""Starts a private PostgreSQL, a regtest node, the pool and miners, and shows what they do.

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
import shlex
import signal
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "tests" / "functional"))

from framework import bitcoin  # noqa: E402
from framework.miner import Miner  # noqa: E402
from framework.node import Node, RpcError  # noqa: E402
from framework.pool import Pool  # noqa: E402
from framework.postgres import Postgres  # noqa: E402
from framework.util import StartError, port_is_free  # noqa: E402

# What the node's RPC and the pool's API may answer when they are busy or going down, besides what they should.
NO_ANSWER = (OSError, http.client.HTTPException, RpcError, AssertionError, ValueError, KeyError)
NO_ANSWER_SECONDS_MAX = 60

# Where the coins of this play chain go: the address of BIP173's examples, whose private key is 1. The first miner's too.
ADDRESS = "bcrt1qw508d6qejxtdg4y5r3zarvary0c5xw7kygt080"
# A node that has wallets gets one for the pool, so that payouts can be sent from it.
WALLET = "phasepool"
# Coherence work that a person can watch: level 1, a proof every few seconds, a block of the proof chain every quarter of a
# minute, and after every fifth of them a retarget. The first blocks take 16384 blooms each (0x1f040000), about a second of one
# AVX-512 thread; the retargets do the rest. A tenth of each reward goes to coherence work.
COHERENCE = {"level": 1, "block_seconds": 15, "retarget_blocks": 5, "initial_bits": "1f040000", "start_difficulty": 4096,
             "min_difficulty": 512, "shares_per_minute": 20}
COHERENCE_PPM = 100_000
METHOD_NOT_FOUND, NO_SUCH_LABEL = -32601, -11  # Core, rpc/protocol.h
MINERS_MAX = 16


class Help(argparse.HelpFormatter):
    """Names the defaults that say something."""

    def _get_help_string(self, action):
        told = action.default not in (None, False, argparse.SUPPRESS) and "default" not in action.help
        return f"{action.help} (default {action.default})" if told else action.help


def options(arguments: list) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="./run regtest", formatter_class=Help,
        description="Start a private PostgreSQL, a regtest node ($BITCOIND, bitcoind from PATH, else bcoin), the pool and a "
        "miner or several. Ctrl-C stops them all. Another start goes on with the same data.")
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
    parser.add_argument("--miner-threads", default="1", metavar="N[,N...]",
                        help="threads of the miner; several numbers start a miner each, with an address of its own (1,2: the second gets twice the work done)")
    parser.add_argument("--coherence", action="store_true",
                        help="mine coherence work too, with a miner of its own, at settings that are quick to watch")
    parser.add_argument("--difficulty", type=float, default=0.002, metavar="D", help="of a share; each share is a block here")
    chosen = parser.parse_args(arguments)
    if chosen.blocks is not None and chosen.blocks < 1:
        parser.error("--blocks wants a number of at least 1")
    try:
        chosen.threads = [int(number) for number in chosen.miner_threads.split(",")]
    except ValueError:
        parser.error(f"--miner-threads {chosen.miner_threads}: expected numbers of threads, such as 2 or 1,2")
    if not 1 <= len(chosen.threads) <= MINERS_MAX or min(chosen.threads) < 1:
        parser.error(f"--miner-threads {chosen.miner_threads}: expected 1 to {MINERS_MAX} numbers of at least 1")
    return chosen


def miner_address(index: int) -> str:
    """A regtest address for each miner. But for the first nobody has the keys; they are there to be paid to."""
    return ADDRESS if index == 0 else bitcoin.segwit_address(bytes([index]) * 20)


class Regtest:
    def __init__(self, chosen: argparse.Namespace):
        self.options = chosen
        self.folder = chosen.data.resolve()
        self.stack = contextlib.ExitStack()
        self.first_height = 0
        self.coherence_miner = None

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
        self.node = Node(self.folder / "node", chosen.node_port, chosen.zmq_port, wallet=True)
        self.check_ports(self.node)
        again = (self.folder / "pool" / "data").exists()
        if again and not self.node.keeps_chain:
            print("bcoin keeps its chain in memory: this start begins a new chain. The database goes on.")
        say("PostgreSQL")
        self.postgres = Postgres(self.folder / "postgres")
        self.stack.callback(self.postgres.close)
        self.postgres.start()
        say(self.node.kind)
        self.stack.callback(self.node.stop)
        # A play chain is never too old to be used: without this the node waits for newer blocks.
        self.node.start(["-maxtipage=2147483647"] if self.node.bitcoind else [])
        self.first_height = self.node.height()
        say("phasepool")
        self.pool = Pool(self.folder / "pool", [self.node.config()], self.postgres.url(), chosen.difficulty, chosen.stratum_port,
                         chosen.http_port, chosen.admin_port, chosen.host)
        self.choose_payout_address()
        # A database's proof chain keeps the rules it began with, so a start without --coherence must not begin one with others.
        self.pool.config["coherence"] = COHERENCE if chosen.coherence else {"enabled": False}
        if chosen.coherence:
            # Coherence work is paid of the time that a reward's shares come from. With PPLNS that would be the moment of one share here, whose
            # work is that of a million blocks; with PROP it is all since the last block.
            self.pool.config.setdefault("payout", {}).update(coherence_ppm=COHERENCE_PPM, scheme="prop")
        self.pool.migrate()
        self.stack.callback(self.stop_pool)
        self.pool.start()
        self.miners = []
        for index, threads in enumerate([] if chosen.no_miner else chosen.threads):
            say("phaseminer")
            miner = Miner(self.folder / f"miner{index + 1 if index else ''}", chosen.stratum_port, "phaseminer", threads,
                          miner_address(index), self.here())
            self.stack.callback(stop_miner, miner)
            self.miners.append(miner.start())
        if chosen.coherence and not chosen.no_miner:
            self.start_coherence_miner()
        say("")

    def start_coherence_miner(self):
        miner = self.coherence_miner = Miner(self.folder / "coherence", self.options.stratum_port, "coherence", 1, miner_address(len(self.options.threads)),
                      self.here(), ["--algo", "coherence", "--witness", self.witness()])
        self.stack.callback(stop_miner, miner)
        self.miners.append(miner.start())

    def witness(self) -> pathlib.Path:
        return self.folder / "coherence" / "witness.log"

    def choose_payout_address(self):
        """The wallet's, where the node has wallets; the same one at the next start, so that the coins stay together."""
        self.pool.config["payout_address"] = ADDRESS
        try:
            if WALLET not in self.node.rpc("listwallets"):
                known = [wallet["name"] for wallet in self.node.rpc("listwalletdir")["wallets"]]
                self.node.rpc("loadwallet" if WALLET in known else "createwallet", WALLET)
            addresses = self.node.rpc("getaddressesbylabel", "pool")
        except RpcError as error:
            if error.code == METHOD_NOT_FOUND:
                return
            addresses = []
            if error.code != NO_SUCH_LABEL:
                raise
        self.pool.config["payout_address"] = sorted(addresses)[0] if addresses else self.node.rpc("getnewaddress", "pool")
        self.pool.config["payout"] = {"wallet": WALLET}

    def here(self) -> str:
        return "127.0.0.1" if self.options.host == "0.0.0.0" else self.options.host

    def stop_pool(self):
        if self.pool.process:
            self.pool.stop()

    def url(self) -> str:
        return f"http://{self.here()}:{self.options.http_port}/"

    def introduce(self):
        print(f"stats page   {self.url()}   a miner: {self.url()}miner/{ADDRESS}")
        print(f"Stratum      stratum+tcp://{self.here()}:{self.options.stratum_port}   share difficulty {self.options.difficulty:g}")
        print(f"database     psql '{self.postgres.url()}'")
        print(f"logs         {self.folder}/*/*.log")
        if self.options.no_miner:
            where = f"-o stratum+tcp://{self.here()}:{self.options.stratum_port} -u {ADDRESS}.worker1 -p x"
            print("Connect a miner, for example:")
            print(f"  build/release/bin/phaseminer {where}")
            print(f"  minerd -a sha256d {where}")
            print(f"User name: any regtest address, a dot and a name for the machine. Other machines: --host 0.0.0.0")
        if self.options.coherence:
            self.introduce_coherence()

    def introduce_coherence(self):
        phasepool, config, witness = (shlex.quote(str(path)) for path in (self.pool.program, self.pool.config_path, self.witness()))
        export = shlex.quote(str(self.folder / "export"))
        print(f"coherence    {self.url()}coherence: the proof chain, and each proof computed again in the browser. Level {COHERENCE['level']}, a block "
              f"about every {COHERENCE['block_seconds']} s, {COHERENCE_PPM / 10000:g} % of each reward")
        if self.options.no_miner:
            print(f"  build/release/bin/phaseminer --algo coherence --witness FILE -o stratum+tcp://{self.here()}:{self.options.stratum_port} -u {ADDRESS}.worker2")
            return
        print(f"witness log  {self.witness()}: the blocks that the miner was told of")
        print("Check it from outside while it runs: the chain and the journals under it; then each proof of an export, and the chain of that:")
        print(f"  {phasepool} verify chain -c {config} --witness {witness}")
        print(f"  {phasepool} export -c {config} --from 2020-01-01 --to 2100-01-01 --out {export}")
        print(f"  {phasepool} verify coherence {export}/coherence_proofs.jsonl && {phasepool} verify chain {export}")

    def watch(self):
        """Shows the live line until --blocks are there; StartError when a part ends by itself."""
        shown = 0.0
        answered = time.monotonic()
        while True:
            parts = [self.pool.process, self.node.process] + [miner.process for miner in self.miners]
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
                f"   {self.coherence_line()}{self.url()}")

    def coherence_line(self) -> str:
        """What the coherence miner says of itself, once it has a job."""
        if not self.coherence_miner or not self.coherence_miner.lines:
            return ""
        work = self.coherence_miner.lines[-1].get("coherence", {})
        if work.get("job_id") is None:
            return ""
        block = "" if work.get("height") is None else f"proof chain block {work['height']}   "
        return f"{work.get('rounds_per_second', 0) / 1e6:.1f} M rounds/s   {work.get('accepted', 0)} proofs   {block}"


def stop_miner(miner: Miner):
    if miner.process:
        miner.stop()


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
