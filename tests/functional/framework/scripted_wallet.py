"""A wallet's RPC as a script: what `phasepool payout` asks of a node, answered from memory, for where there is no bitcoind.

It is stricter than a wallet. Each signing gives other bytes and another txid, as a wallet with a random nonce in its
signatures may; so that a payment of which two signings reached the network would show. `sent` holds every transaction that
was ever handed over for relay, whether it was taken or not.
"""

import base64
import http.server
import json
import re
import secrets
import threading
from decimal import Decimal

from . import bitcoin

COIN = bitcoin.COIN
BLOCK_REWARD = 50 * COIN


class Refused(Exception):
    def __init__(self, code: int, message: str):
        super().__init__(message)
        self.code = code


class Amount:
    """Written as bitcoind writes it: a number with eight decimals."""

    def __init__(self, sats: int):
        sign, sats = ("-" if sats < 0 else ""), abs(sats)
        self.text = f"{sign}{sats // COIN}.{sats % COIN:08d}"


def to_json(value) -> bytes:
    text = json.dumps(value, default=lambda amount: f"\x00{amount.text}\x00")
    return re.sub(r'"\\u0000([-0-9.]+)\\u0000"', r"\1", text).encode()


def script_of(address: str) -> bytes:
    """Of a version 0 witness address of regtest."""
    values = [bitcoin.BECH32_LETTERS.index(letter) for letter in address.removeprefix("bcrt1")][:-6]
    if bitcoin.segwit_address(_program(values)) != address:
        raise Refused(-5, f"Invalid Bitcoin address: {address}")
    return b"\x00" + bitcoin.push(_program(values))


def _program(values: list) -> bytes:
    bits = "".join(f"{value:05b}" for value in values[1:])
    return bytes(int(bits[i : i + 8], 2) for i in range(0, len(bits) // 8 * 8, 8))


def new_address() -> str:
    return bitcoin.segwit_address(secrets.token_bytes(20))


def address_of(script: bytes) -> str:
    return bitcoin.segwit_address(script[2:])


class ScriptedWallet:
    """Node and wallet in one; `coins` mature outputs to begin with. Serves from its constructor on."""

    kind = "scripted"
    name = "payouts"

    def __init__(self, coins: int = 8):
        self.password = secrets.token_hex(8)
        self.lock = threading.RLock()
        self.blocks = []  # (hash, [Tx])
        self.coins = {}  # unspent in the chain: (txid, index) to (TxOut, height)
        self.places = {}  # txid to (height, block hash)
        self.mempool = {}  # txid to Tx
        self.known = {}  # txid to Tx: what the wallet has seen
        self.locked = set()
        self.addresses = set()  # ours
        self.sent = []  # (txid, Tx)
        self.created = {}  # hex to outputs
        self.asked = []  # methods
        self.feerate_floor = 1  # sat/vB
        self.behave()
        self._serve()
        for _ in range(coins):
            self.mine(1, reward_to=self.address())
        self.mine(100)

    # -- as tests see it

    def config(self) -> dict:
        return {"rpc": self.url, "user": "u", "password": self.password, "zmq": ""}

    def behave(self):
        """As a node and a wallet should."""
        self.down = False  # every connection is cut
        self.refuses = {}  # method to (code, message)
        self.encrypted = False
        self.chain = "regtest"
        self.downloading = False

    def address(self) -> str:
        address = new_address()
        self.addresses.add(address)
        return address

    def height(self) -> int:
        return len(self.blocks) - 1

    def mine(self, count: int = 1, reward_to: str = "", with_mempool: bool = True):
        with self.lock:
            for _ in range(count):
                script = script_of(reward_to or new_address())
                coinbase = bitcoin.Tx([bitcoin.TxIn(b"\0" * 32, 0xFFFFFFFF, bitcoin.push(secrets.token_bytes(8)))],
                                      [bitcoin.TxOut(BLOCK_REWARD, script)])
                txs = [coinbase, *(self.mempool.values() if with_mempool else [])]
                if with_mempool:
                    self.mempool.clear()
                self.blocks.append((secrets.token_hex(32), txs))
                self._connect(len(self.blocks) - 1)
                if reward_to in self.addresses:
                    self.known[bitcoin.display(coinbase.txid())] = coinbase

    def disconnect(self, count: int):
        """The last blocks are gone; their transactions but for coinbases are in the mempool again."""
        with self.lock:
            gone, self.blocks = self.blocks[-count:], self.blocks[:-count]
            for _, txs in gone:
                for tx in txs[1:]:
                    self.mempool[bitcoin.display(tx.txid())] = tx
            self.coins, self.places = {}, {}
            for height in range(len(self.blocks)):
                self._connect(height)

    def evict(self):
        with self.lock:
            self.mempool.clear()

    def spend_elsewhere(self, txid: str, index: int, to: str = "", value: int = 0) -> str:
        """The owner spends an output in the wallet to himself, or `value` to somebody; into the mempool at once."""
        with self.lock:
            worth = self.unspent()[(txid, index)][0].value
            rest = bitcoin.TxOut(worth - value - 5000, script_of(self.address()))
            tx = bitcoin.Tx([bitcoin.TxIn(bitcoin.internal(txid), index)],
                            [rest] + ([bitcoin.TxOut(value, script_of(to))] if to else []))
            tx = self._signed(tx)
            for known, other in list(self.mempool.items()):
                if {(i.txid, i.index) for i in other.inputs} & {(i.txid, i.index) for i in tx.inputs}:
                    del self.mempool[known]
            return self._accept(tx)

    def bump_fee(self, txid: str) -> str:
        """Replaced by one that pays more to miners, out of the change, and the same to everybody else."""
        with self.lock:
            old = self.mempool.pop(txid)
            outputs = [bitcoin.TxOut(out.value - (2000 if address_of(out.script) in self.addresses else 0), out.script)
                       for out in old.outputs]
            tx = bitcoin.Tx([bitcoin.TxIn(i.txid, i.index, sequence=i.sequence) for i in old.inputs], outputs)
            return self._accept(self._signed(tx))

    def paid(self, address: str, confirmed: bool = True) -> list:
        """Satoshis of each output to the address in the chain (or the mempool)."""
        script = script_of(address)
        with self.lock:
            txs = [tx for _, block in self.blocks for tx in block] + ([] if confirmed else list(self.mempool.values()))
            return [out.value for tx in txs for out in tx.outputs if out.script == script]

    def locks(self) -> set:
        return set(self.locked)

    def close(self):
        self.server.shutdown()
        self.server.server_close()

    # -- the chain

    def unspent(self, with_mempool: bool = False) -> dict:
        """(txid, index) to (TxOut, height); -1 in the mempool."""
        if not with_mempool or not self.mempool:
            return self.coins
        out = dict(self.coins)
        for txid, tx in self.mempool.items():
            self._apply(out, txid, tx, -1)
        return out

    @staticmethod
    def _apply(coins: dict, txid: str, tx: bitcoin.Tx, height: int):
        for txin in tx.inputs:
            coins.pop((bitcoin.display(txin.txid), txin.index), None)
        for index, txout in enumerate(tx.outputs):
            coins[(txid, index)] = (txout, height)

    def _connect(self, height: int):
        block_hash, txs = self.blocks[height]
        for tx in txs:
            txid = bitcoin.display(tx.txid())
            self.places[txid] = (height, block_hash)
            self._apply(self.coins, txid, tx, height)

    def _place(self, txid: str) -> tuple:
        """(height, block hash) in the chain, or None."""
        return self.places.get(txid)

    def _mature(self, txid: str, height: int) -> bool:
        coinbase = bitcoin.display(self.blocks[height][1][0].txid()) == txid
        return not coinbase or self.height() + 1 - height >= 100

    def _signed(self, tx: bitcoin.Tx) -> bitcoin.Tx:
        return bitcoin.Tx([bitcoin.TxIn(i.txid, i.index, bitcoin.push(secrets.token_bytes(70)), i.sequence) for i in tx.inputs],
                          tx.outputs, tx.version, tx.lock_time)

    def _accept(self, tx: bitcoin.Tx) -> str:
        txid = bitcoin.display(tx.txid())
        self.mempool[txid] = tx
        self.known[txid] = tx
        for txin in tx.inputs:
            self.locked.discard((bitcoin.display(txin.txid), txin.index))
        return txid

    def _fee(self, tx: bitcoin.Tx) -> int | None:
        try:  # the wallet knows all that it spends
            worth = sum(self.known[bitcoin.display(i.txid)].outputs[i.index].value for i in tx.inputs)
        except KeyError:
            return None
        return worth - sum(out.value for out in tx.outputs)

    def _objection(self, tx: bitcoin.Tx) -> str:
        unspent, in_chain = self.unspent(True), self.unspent()
        for txin in tx.inputs:
            spent = (bitcoin.display(txin.txid), txin.index)
            if spent not in unspent:
                return "txn-mempool-conflict" if spent in in_chain else "bad-txns-inputs-missingorspent"
        if self._fee(tx) < self.feerate_floor * len(tx.full()):
            return "min relay fee not met"
        return ""

    # -- RPC: one method each, named as the node's

    def getblockchaininfo(self):
        return {"chain": self.chain, "blocks": self.height(), "headers": self.height(), "bestblockhash": self.blocks[-1][0],
                "initialblockdownload": self.downloading, "verificationprogress": 0.5 if self.downloading else 1}

    def getwalletinfo(self):
        info = {"walletname": self.name, "private_keys_enabled": True, "scanning": False}
        return {**info, "unlocked_until": 0} if self.encrypted else info

    def getbalances(self):
        sums = {True: 0, False: 0}
        for (txid, _), (out, height) in self.unspent(True).items():
            if address_of(out.script) in self.addresses:
                sums[height < 0 or self._mature(txid, height)] += out.value
        return {"mine": {"trusted": Amount(sums[True]), "untrusted_pending": Amount(0), "immature": Amount(sums[False])}}

    def getbestblockhash(self):
        return self.blocks[-1][0]

    def getblockheader(self, block_hash):
        for height, (known, _) in enumerate(self.blocks):
            if known == block_hash:
                return {"hash": known, "confirmations": self.height() + 1 - height, "height": height}
        raise Refused(-5, "Block not found")

    def createrawtransaction(self, inputs, outputs):
        assert not inputs
        made = [bitcoin.TxOut(int(Decimal(amount) * COIN), script_of(address))
                for output in outputs for address, amount in output.items()]
        text = bitcoin.Tx([], made).legacy().hex()
        self.created[text] = made
        return text

    def fundrawtransaction(self, text, options, iswitness):
        assert iswitness is False and options["lockUnspents"] is False
        outputs = self.created[text]
        rate = Decimal(options.get("fee_rate", "2"))
        if any(out.value < 294 for out in outputs):
            raise Refused(-4, "Transaction amount too small")
        chosen, worth = [], 0
        for (txid, index), (out, height) in self.unspent(True).items():
            young = height < 0 or self.height() + 1 - height < options["minconf"] or not self._mature(txid, height)
            if (txid, index) in self.locked or young or address_of(out.script) not in self.addresses:
                continue
            chosen.append(bitcoin.TxIn(bitcoin.internal(txid), index, sequence=0xFFFFFFFD))
            worth += out.value
            fee = int(rate * (150 * len(chosen) + 40 * (len(outputs) + 1)))
            if worth >= sum(out.value for out in outputs) + fee + 1000:
                change = bitcoin.TxOut(worth - sum(out.value for out in outputs) - fee, script_of(self.address()))
                at = secrets.randbelow(len(outputs) + 1)
                tx = bitcoin.Tx(chosen, outputs[:at] + [change] + outputs[at:])
                return {"hex": tx.legacy().hex(), "fee": Amount(fee), "changepos": at}
        raise Refused(-4, "Insufficient funds")

    def signrawtransactionwithwallet(self, text):
        if self.encrypted:
            raise Refused(-13, "Error: Please enter the wallet passphrase with walletpassphrase first.")
        tx, _ = bitcoin.parse_tx(bytes.fromhex(text), 0)
        return {"hex": self._signed(tx).full().hex(), "complete": True}

    def testmempoolaccept(self, texts, _maxfeerate):
        tx, _ = bitcoin.parse_tx(bytes.fromhex(texts[0]), 0)
        objection = self._objection(tx)
        return [{"txid": bitcoin.display(tx.txid()), "allowed": not objection,
                 **({"reject-reason": objection} if objection else {})}]

    def sendrawtransaction(self, text, _maxfeerate):
        tx, _ = bitcoin.parse_tx(bytes.fromhex(text), 0)
        txid = bitcoin.display(tx.txid())
        self.sent.append((txid, tx))
        if txid in self.mempool:
            return txid
        if self._place(txid):
            raise Refused(-27, "Transaction outputs already in utxo set")
        if objection := self._objection(tx):
            raise Refused(-25 if "missing" in objection else -26, objection)
        return self._accept(tx)

    def getmempoolentry(self, txid):
        if txid not in self.mempool:
            raise Refused(-5, "Transaction not in mempool")
        return {"vsize": 200}

    def gettransaction(self, txid):
        if txid not in self.known:
            raise Refused(-5, "Invalid or non-wallet transaction id")
        tx = self.known[txid]
        place = self._place(txid)
        spends = {(i.txid, i.index) for i in tx.inputs}
        conflicts = [other for other, known in self.known.items()
                     if other != txid and spends & {(i.txid, i.index) for i in known.inputs}]
        answer = {"txid": txid, "hex": tx.full().hex(), "walletconflicts": conflicts, "confirmations": 0}
        lost_to = [self._place(other) for other in conflicts if self._place(other)]
        if place:
            answer |= {"confirmations": self.height() + 1 - place[0], "blockhash": place[1]}
        elif lost_to:
            answer["confirmations"] = -(self.height() + 1 - lost_to[0][0])
        fee = self._fee(tx)
        return answer | ({"fee": Amount(-fee)} if fee is not None else {})

    def gettxout(self, txid, index, with_mempool):
        found = self.unspent().get((txid, index))
        if with_mempool:
            found = self.unspent(True).get((txid, index))
        if not found:
            return None
        out, height = found
        return {"value": Amount(out.value), "confirmations": 0 if height < 0 else self.height() + 1 - height}

    def listlockunspent(self):
        return [{"txid": txid, "vout": index} for txid, index in self.locked]

    def lockunspent(self, unlock, outputs, persistent=False):
        assert unlock or persistent
        for output in outputs:
            key = (output["txid"], output["vout"])
            # Its own transaction, though evicted, counts as the spender as long as the wallet remembers it.
            internal = (bitcoin.internal(key[0]), key[1])
            remembered = [tx for tx in self.known.values() if any((i.txid, i.index) == internal for i in tx.inputs)]
            if key not in self.unspent(True) or (not unlock and remembered):
                raise Refused(-8, "Invalid parameter, expected unspent output")
            if unlock and key not in self.locked:
                raise Refused(-8, "Invalid parameter, expected locked output")
            (self.locked.discard if unlock else self.locked.add)(key)
        return True

    def listsinceblock(self, block_hash=""):
        heights = [height for height, (known, _) in enumerate(self.blocks) if known == block_hash]
        if block_hash and not heights:
            raise Refused(-5, "Block not found")
        since = heights[0] if heights else -1
        listed = []
        for txid, tx in self.known.items():
            place = self._place(txid)
            if tx.inputs[0].txid != b"\0" * 32 and (not place or place[0] > since):
                listed += [{"txid": txid, "category": "send"}, {"txid": txid, "category": "receive"}]
        return {"transactions": listed, "lastblock": self.blocks[-1][0]}

    def getaddressinfo(self, address):
        return {"address": address, "ismine": address in self.addresses}

    # -- HTTP

    def answer(self, method: str, params: list) -> tuple:
        with self.lock:
            self.asked.append(method)
            try:
                if method in self.refuses:
                    raise Refused(*self.refuses[method])
                return getattr(self, method)(*params), None
            except Refused as why:
                return None, {"code": why.code, "message": str(why)}

    def _serve(self):
        world = self
        login = base64.b64encode(f"u:{self.password}".encode()).decode()

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self):
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                if world.down:
                    self.close_connection = True
                    return
                result = None
                if self.headers["Authorization"] != f"Basic {login}":
                    self.send_error(401)
                    return
                if self.path == f"/wallet/{world.name}":
                    result, error = world.answer(body["method"], body["params"])
                else:
                    error = {"code": -18, "message": "Requested wallet does not exist or is not loaded"}
                answer = to_json({"result": result, "error": error, "id": body["id"]})
                self.send_response(200 if not error else 500)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(answer)))
                self.end_headers()
                self.wfile.write(answer)

            def log_message(self, *_):
                pass

        class Server(http.server.ThreadingHTTPServer):
            daemon_threads = True

            def handle_error(self, *_):  # whoever asked was killed
                pass

        self.server = Server(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"
        threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
