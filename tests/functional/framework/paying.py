"""What the tests of `phasepool payout` share: a database with balances, and a wallet to pay them from.

CoreWallet is bitcoind's, on regtest; ScriptedWallet (scripted_wallet.py) does the same from memory. Both can be asked what the
chain says that an address was paid.
"""

import json
import os
import pathlib
import signal
import subprocess

from . import bitcoin
from .cluster import Cluster
from .node import Node, bitcoind_path
from .pool import Pool
from .scripted_wallet import ScriptedWallet, new_address
from .util import BIN, wait_until


class CoreWallet:
    """bitcoind with a wallet of mature coins."""

    kind = "bitcoind"
    name = "payouts"

    def __init__(self, folder: pathlib.Path, coins: int = 8):
        self.folder = folder
        self.node = Node(folder, wallet=True, publishes=()).start()
        self.rpc("createwallet", self.name)
        self.mine(coins, reward_to=self.address())
        self.mine(100)

    def rpc(self, method: str, *params):
        return self.node.rpc(method, *params)

    def config(self) -> dict:
        return self.node.config()

    def address(self) -> str:
        return self.rpc("getnewaddress")

    def height(self) -> int:
        return self.node.height()

    def mine(self, count: int = 1, reward_to: str = "", with_mempool: bool = True):
        if with_mempool:
            self.rpc("generatetoaddress", count, reward_to or bitcoin.PAYOUT_ADDRESS)
        else:
            for _ in range(count):
                self.rpc("generateblock", reward_to or bitcoin.PAYOUT_ADDRESS, [])
        wait_until(lambda: self.rpc("getwalletinfo")["lastprocessedblock"]["height"] == self.height(), 20, "the wallet to follow")

    def disconnect(self, count: int):
        self.rpc("invalidateblock", self.rpc("getblockhash", self.height() - count + 1))
        wait_until(lambda: self.rpc("getwalletinfo")["lastprocessedblock"]["height"] == self.height(), 20, "the wallet to follow")

    def evict(self):
        """A mempool is emptied by starting without it; the wallet is kept from sending again by itself."""
        self.node.stop()
        (self.folder / "regtest" / "mempool.dat").unlink(missing_ok=True)
        self.node.start(["-persistmempool=0", "-walletbroadcast=0"])
        if self.name not in self.rpc("listwallets"):
            self.rpc("loadwallet", self.name)
        assert self.rpc("getrawmempool") == []

    def spend_elsewhere(self, txid: str, index: int, to: str = "", value: int = 0) -> str:
        out = self.rpc("gettxout", txid, index, False)
        worth = round(out["value"] * bitcoin.COIN)
        outputs = [{self.address(): f"{(worth - value - 20000) / bitcoin.COIN:.8f}"}]
        if to:
            outputs.append({to: f"{value / bitcoin.COIN:.8f}"})
        raw = self.rpc("createrawtransaction", [{"txid": txid, "vout": index, "sequence": 0xFFFFFFFD}], outputs)
        return self.rpc("sendrawtransaction", self.rpc("signrawtransactionwithwallet", raw)["hex"])

    def bump_fee(self, txid: str) -> str:
        replacement = self.rpc("bumpfee", txid)["txid"]
        self.rpc("sendrawtransaction", self.rpc("gettransaction", replacement)["hex"])  # evict() has it not sent by itself
        return replacement

    def paid(self, address: str, confirmed: bool = True) -> list:
        txs = [tx for height in range(1, self.height() + 1)
               for tx in self.rpc("getblock", self.rpc("getblockhash", height), 2)["tx"][1:]]
        if not confirmed:
            txs += [self.rpc("getrawtransaction", txid, True) for txid in self.rpc("getrawmempool")]
        return [round(out["value"] * bitcoin.COIN) for tx in txs for out in tx["vout"]
                if out["scriptPubKey"].get("address") == address]

    def locks(self) -> set:
        return {(entry["txid"], entry["vout"]) for entry in self.rpc("listlockunspent")}

    @property
    def mempool(self) -> list:
        return self.rpc("getrawmempool")

    def close(self):
        self.node.stop()


KINDS = ["scripted"] + (["bitcoind"] if bitcoind_path() else [])


def for_a_module(request, check_what_was_sent, name: str = "payout"):
    """The body of a module's fixture: a world of the kind that is asked for, and in the end a look at all that was sent in it."""
    world = PayoutWorld(request.param, name)
    failed_before = request.session.testsfailed
    failed = True
    try:
        yield world
        check_what_was_sent(world)
        failed = request.session.testsfailed > failed_before
    finally:
        world.close(keep=failed)
        if failed:
            print(f"\nkept for you: {world.cluster.folder}")


class PayoutWorld:
    """A migrated database, and `phasepool payout` against the wallet."""

    def __init__(self, kind: str, name: str = "payout"):
        self.cluster = Cluster(f"{name}-{kind}")
        self.cluster.start_postgres()
        make = CoreWallet if kind == "bitcoind" else ScriptedWallet
        self.wallet = make(self.cluster.folder / "core") if kind == "bitcoind" else make()
        self.cluster.also_close(self.wallet)
        # Never started: only its configuration and its commands are wanted.
        self.pool = Pool(self.cluster.folder / "pool", [self.wallet.config()], self.cluster.postgres.url())
        self.pool.config["payout"] = {"wallet": self.wallet.name, "minimum_sats": 10_000}
        self.pool.migrate()
        self.killed = 0
        self.written = ""

    def close(self, keep: bool):
        self.cluster.close(keep)

    # -- balances

    def owe(self, sats: int, address: str = "") -> str:
        """A miner with this balance."""
        address = address or new_address()
        self.query("""WITH miner AS (
              INSERT INTO miners (address, first_seen) VALUES (%s, now())
              ON CONFLICT (address) DO UPDATE SET address = excluded.address RETURNING id)
            SELECT post_to_ledger('adjustment', NULL, NULL, 'test', ARRAY['rewards', 'miners'], ARRAY[NULL, miner.id],
                                  ARRAY[-%s, %s]::bigint[]) FROM miner""", address, sats, sats)
        return address

    def forgive(self):
        """Nothing is owed to anybody any more, and nothing planned."""
        for (payment,) in self.query("SELECT id FROM payments WHERE state = 'planned'"):
            self.do("cancel", payment)
        self.query("""SELECT post_to_ledger('adjustment', NULL, NULL, 'test', ARRAY['rewards', 'miners'], ARRAY[NULL, miner_id],
                                            ARRAY[balance_sats, -balance_sats]) FROM miner_balances WHERE balance_sats <> 0""")

    def query(self, statement: str, *parameters) -> list:
        return self.cluster.query(statement, *parameters)

    def accounts(self) -> dict:
        return {account: int(sats) for account, sats in
                self.query("SELECT account, sum(amount_sats) FROM ledger GROUP BY account")}

    def balance(self, address: str) -> tuple:
        """(owed, in transit, paid)"""
        return self.query("SELECT balance_sats, in_transit_sats, paid_sats FROM miner_balances WHERE address = %s", address)[0]

    def state(self, payment: int) -> str:
        return self.query("SELECT state FROM payments WHERE id = %s", payment)[0][0]

    def steps(self, payment: int) -> list:
        return [row[0] for row in self.query("SELECT step FROM payment_steps WHERE payment_id = %s ORDER BY id", payment)]

    # -- commands

    def run(self, *args, kill: str = "", timeout: float = 60) -> subprocess.CompletedProcess:
        if args[:1] == ("send",) and not {"--fee-rate", "--conf-target"} & set(args):
            args = (*args, "--fee-rate", "2")  # bitcoind learns from what the tests pay, and estimates wildly
        if json.dumps(self.pool.config) != self.written:  # several may run at once
            self.pool.write_config()
            self.written = json.dumps(self.pool.config)
        program = BIN / ("phasepool_faulty" if kill else "phasepool")
        return subprocess.run([program, "payout", *map(str, args), "-c", self.pool.config_path], capture_output=True, text=True,
                              timeout=timeout, stdin=subprocess.DEVNULL, check=False,
                              env={**os.environ, **({"PHASEPOOL_TEST_KILL": kill} if kill else {})})

    def do(self, *args, rc: int = 0) -> str:
        """Committed; its stdout, or stderr where it is to fail."""
        done = self.run(*args, "--commit")
        assert done.returncode == rc, f"{args}: {done.returncode}\n{done.stdout}\n{done.stderr}"
        return done.stderr if rc else done.stdout

    def json(self, *args) -> dict:
        done = self.run(*args, "--json")
        assert done.returncode == 0, f"{args}: {done.returncode}\n{done.stdout}\n{done.stderr}"
        return json.loads(done.stdout)

    def plan(self, *args) -> int:
        """The id of the one payment that it records."""
        payments = self.json("plan", "--commit", *args)["payments"]
        assert len(payments) == 1
        return payments[0]["id"]

    def dies(self, *args, kill: str) -> bool:
        """Whether it was killed at the point; False: it went through without passing it, and was done."""
        done = self.run(*args, "--commit", kill=kill)
        if done.returncode == -signal.SIGKILL:
            self.killed += 1
            return True
        assert done.returncode == 0, f"{args} {kill}: {done.returncode}\n{done.stdout}\n{done.stderr}"
        return False

    def input_of(self, payment: int, place: int = 0) -> tuple:
        """(txid, index) of what it spends."""
        entry = self.query("SELECT inputs FROM payments WHERE id = %s", payment)[0][0][place]
        return entry["txid"], entry["vout"]

    def txid(self, payment: int) -> str:
        return self.query("SELECT encode(txid, 'hex') FROM payments WHERE id = %s", payment)[0][0]

