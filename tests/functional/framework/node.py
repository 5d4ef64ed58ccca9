"""A regtest node: bitcoind where there is one, else bcoin. Both are used through JSON-RPC alone.

What differs between the two, and is hidden or named here:
  * bcoin keeps its chain in memory: after a restart it begins at genesis again;
  * bcoin's segwit starts at height 432 (BIP9), Core's at once: `activate_segwit` mines up to it;
  * bcoin has no ZMQ, so `zmq` is empty;
  * bcoin takes new transactions into its template when the tip changes;
  * bcoin's template stays on a block that has been invalidated until the next one comes.
"""

import base64
import http.client
import json
import os
import pathlib
import secrets
import shutil

from . import bitcoin
from .util import ROOT, Process, StartError, free_port, wait_until

BCOIN = ROOT / ".deps" / "bcoin" / "node_modules" / "bcoin" / "bin" / "node"
BCOIN_SEGWIT_HEIGHT = 432
COINBASE_MATURITY = 100


class RpcError(Exception):
    def __init__(self, code: int, message: str):
        super().__init__(f"{message} ({code})")
        self.code = code


def bitcoind_path() -> str | None:
    return os.environ.get("BITCOIND") or shutil.which("bitcoind")


class Node:
    """Starts in `folder`; `rpc(method, ...)` calls it."""

    user = "bitcoinrpc"  # bcoin takes any user name; Core is told this one

    def __init__(self, folder: pathlib.Path, rpc_port: int = 0, zmq_port: int = 0, chain: str = "regtest",
                 password: str = "", publishes: tuple = ("hashblock", "rawblock", "sequence"), wallet: bool = False, peer: "Node | None" = None):
        self.folder = pathlib.Path(folder)
        self.folder.mkdir(parents=True, exist_ok=True)
        self.chain = chain
        self.rpc_port = rpc_port or free_port()
        self.bitcoind = bitcoind_path()
        self.zmq_port = (zmq_port or free_port()) if self.bitcoind else 0
        self.p2p_port = free_port()
        self.password = password or secrets.token_hex(16)
        self.publishes = publishes  # ZMQ topics, all on one port; Core only
        self.peer = peer  # tells us of blocks and transactions, and hears of ours
        self.wallet = wallet  # whether wallets can be made; Core only
        self.process = None

    # -- life

    @property
    def kind(self) -> str:
        return "bitcoind" if self.bitcoind else "bcoin"

    @property
    def keeps_chain(self) -> bool:
        return bool(self.bitcoind)

    @property
    def zmq(self) -> str:
        return f"tcp://127.0.0.1:{self.zmq_port}" if self.zmq_port else ""

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.rpc_port}"

    def config(self) -> dict:
        """The node's entry in pool.json."""
        return {"rpc": self.url, "user": self.user, "password": self.password, "zmq": self.zmq}

    def start(self, extra: list | None = None):
        args, env = self._bitcoind() if self.bitcoind else self._bcoin()
        self.process = Process(self.kind, args + (extra or []), self.folder / "node.log", env=env)
        wait_until(self._ready, 60, f"{self.kind}'s RPC on port {self.rpc_port}")
        if self.peer:
            wait_until(lambda: self.tip() == self.peer.tip(), 60, "the two nodes to have the same chain")
        return self

    def stop(self):
        if self.process:
            self.process.stop()
            self.process = None

    close = stop

    def kill(self):
        """kill -9: no farewell, connections end where they are."""
        if self.process:
            self.process.kill()
            self.process = None

    def _bitcoind(self) -> tuple:
        # The password goes into a file, not onto a command line that everybody can read.
        config = self.folder / "bitcoin.conf"
        config.touch(mode=0o600)
        config.write_text(f"rpcuser={self.user}\nrpcpassword={self.password}\n")
        # A pool that is killed leaves its long-poll behind, which holds one of the node's threads until the next tip.
        args = [self.bitcoind, f"-chain={'main' if self.chain == 'mainnet' else self.chain}", f"-datadir={self.folder}",
                "-server", f"-rpcport={self.rpc_port}", "-rpcbind=127.0.0.1", "-rpcallowip=127.0.0.1", "-listen=1",
                f"-bind=127.0.0.1:{self.p2p_port}", "-listenonion=0", "-discover=0",
                f"-connect={self._peer_address() or 0}", "-dnsseed=0", "-fixedseeds=0", "-printtoconsole=0", "-dbcache=16",
                "-maxmempool=50", "-rpcthreads=400", "-rpcworkqueue=128", "-persistmempool=1",
                "-fallbackfee=0.00001", "-acceptnonstdtxn=1" if self.chain == "regtest" else "-txindex=0"]
        args += [f"-zmqpub{topic}={self.zmq}" for topic in self.publishes]
        return args + ([] if self.wallet else ["-disablewallet"]), {}

    def _bcoin(self) -> tuple:
        if not BCOIN.exists():
            raise StartError("there is neither bitcoind nor bcoin; `./run setup` installs bcoin")
        network = {"mainnet": "main"}.get(self.chain, self.chain)
        args = [shutil.which("node") or "node", BCOIN, f"--network={network}", "--memory=true", f"--prefix={self.folder}",
                f"--api-key={self.password}", "--http-host=127.0.0.1", f"--http-port={self.rpc_port}",
                "--listen=true", "--host=127.0.0.1", f"--port={self.p2p_port}", "--public-host=127.0.0.1",
                f"--public-port={self.p2p_port}", f"--only={self._peer_address() or '127.0.0.1:1'}", "--no-wallet", "--workers=false", "--log-level=info"]
        return args, {"NODE_BACKEND": "js"}

    def _peer_address(self) -> str:
        return f"127.0.0.1:{self.peer.p2p_port}" if self.peer else ""

    def _ready(self) -> bool:
        if not self.process.running():
            raise StartError(f"{self.kind} ended at once:\n{self.process.tail()}")
        try:
            return self.rpc("getblockcount") >= 0
        except (OSError, http.client.HTTPException, RpcError):
            return False

    # -- RPC

    def rpc(self, method: str, *params):
        """The result; RpcError for what the node refuses, OSError when it is not there."""
        connection = http.client.HTTPConnection("127.0.0.1", self.rpc_port, timeout=60)
        login = base64.b64encode(f"{self.user}:{self.password}".encode()).decode()
        try:
            connection.request("POST", "/", json.dumps({"id": 1, "method": method, "params": list(params)}),
                               {"Authorization": f"Basic {login}", "Content-Type": "application/json"})
            response = connection.getresponse()
            body = response.read()
        finally:
            connection.close()
        if not body:
            raise RpcError(response.status, response.reason)
        answer = json.loads(body)
        if answer.get("error"):
            raise RpcError(answer["error"].get("code", 0), answer["error"]["message"])
        return answer["result"]

    def height(self) -> int:
        return self.rpc("getblockcount")

    def tip(self) -> str:
        return self.rpc("getbestblockhash")

    def template(self) -> dict:
        return self.rpc("getblocktemplate", {"rules": ["segwit"]})

    # -- chain

    def mine(self, count: int = 1, script: bytes = bitcoin.ANYONE_CAN_SPEND, template: dict | None = None) -> str:
        """Mines on the node's own template (or an earlier one) and submits; the new tip's display hash."""
        tip = ""
        for _ in range(count):
            template = template if template and count == 1 else self._template_on_the_tip()
            block, block_hash = bitcoin.block_from_template(template, script, bitcoin.segwit_in(template),
                                                            secrets.token_bytes(4))  # no two are the same
            verdict = self.rpc("submitblock", block.hex())
            assert verdict is None, f"{self.kind} refused our block at height {template['height']}: {verdict}"
            tip = bitcoin.display(block_hash)
        return tip

    def _template_on_the_tip(self) -> dict:
        """bcoin's stays on a block that `invalidate` has made none until another one comes."""
        template = self.template()
        if template["previousblockhash"] == self.tip():
            return template
        return {**template, "previousblockhash": self.tip(), "height": self.height() + 1, "transactions": []}

    def activate_segwit(self):
        """Mines until blocks may carry witnesses, and one more: bcoin's mempool asks the tip's own rules."""
        if bitcoin.segwit_in(self.template()):
            return
        while self.height() < BCOIN_SEGWIT_HEIGHT:
            self.mine()
        assert bitcoin.segwit_in(self.template())

    def block(self, block_hash: str) -> tuple:
        """(header, [Tx]) as the node stores it."""
        return bitcoin.parse_block(bytes.fromhex(self.rpc("getblock", block_hash, 0)))

    def invalidate(self, block_hash: str):
        """This block and what is built on it is no longer believed: the chain ends at its parent, or goes over to
        another branch that is there."""
        self.rpc("invalidateblock", block_hash)
        wait_until(lambda: self.tip() != block_hash, 10, "the tip to change")

    def send_witness_transactions(self, count: int) -> list:
        """Puts `count` witness transactions into the mempool, each spending a mature coinbase of `mine`,
        and returns their display txids. They are in the template of the next tip at the latest."""
        coinbases = self._mature_coinbases()
        return self._send(bitcoin.spend_anyone(txid, 0, value, outputs=2)
                          for _, (txid, value) in zip(range(count), coinbases, strict=False))

    def fill_mempool(self, count: int) -> list:
        """The same with as many transactions as a block may be asked to carry: mines a block in which a few mature
        coinbases are split into `count` outputs, each of which a witness transaction of its own then spends."""
        outputs_each = 200
        splits = [bitcoin.spend_anyone(txid, 0, value, outputs=outputs_each, fee=100 * outputs_each)
                  for _, (txid, value) in zip(range(0, count, outputs_each), self._mature_coinbases(), strict=False)]
        self._send(splits)
        while not {bitcoin.display(tx.txid()) for tx in splits} <= {tx["txid"] for tx in self.template()["transactions"]}:
            self.mine()  # bcoin's template takes them at the next tip
        self.mine()
        spends = [bitcoin.spend_anyone(tx.txid(), index, out.value, outputs=1 + index % 3)
                  for tx in splits for index, out in enumerate(tx.outputs)]
        return self._send(spends[:count])

    def _mature_coinbases(self):
        """(txid, value) of each that `mine` made, the oldest first; AssertionError after the last."""
        for height in range(1, self.height() + 2 - COINBASE_MATURITY):
            if coinbase := self._coinbase(height):
                yield coinbase
        raise AssertionError("not enough mature coinbases")

    def _send(self, transactions) -> list:
        sent = [self.rpc("sendrawtransaction", tx.full().hex()) for tx in transactions]
        # bcoin answers before its mempool has looked, and names a txid for what it refuses, too.
        wait_until(lambda: set(sent) <= set(self.rpc("getrawmempool")), 10, "our transactions in the mempool")
        return sent

    def _coinbase(self, height: int) -> tuple | None:
        """(txid, value) of an unspent coinbase at this height that anyone may spend."""
        block = self.rpc("getblock", self.rpc("getblockhash", height))
        out = self.rpc("gettxout", block["tx"][0], 0, True)
        if not out or out["scriptPubKey"]["hex"] != bitcoin.ANYONE_CAN_SPEND.hex():
            return None
        return bitcoin.internal(block["tx"][0]), round(out["value"] * bitcoin.COIN)
