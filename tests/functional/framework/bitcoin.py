"""The little Bitcoin the tests need, written a second time so that they can contradict the pool.

Hashes, transactions with and without witness, merkle roots, blocks from a getblocktemplate answer, and
outputs that anyone may spend: a P2WSH output whose script is OP_TRUE needs no signature, so a test makes
witness transactions without a wallet, on any node.

Byte order: hashes are bytes in internal order (as sha256d returns them); display hex is reversed.
"""

import hashlib
import struct
from dataclasses import dataclass, field

COIN = 100_000_000
OP_TRUE = b"\x51"
# The P2WSH script of OP_TRUE: spent by a witness of the one item OP_TRUE.
ANYONE_CAN_SPEND = b"\x00\x20" + hashlib.sha256(OP_TRUE).digest()
# A P2WPKH program of twenty bytes 0x11: a payout address whose key nobody needs to know.
PAYOUT_SCRIPT = b"\x00\x14" + b"\x11" * 20
WITNESS_RESERVED_VALUE = b"\x00" * 32  # BIP141


def sha256d(data: bytes) -> bytes:
    return hashlib.sha256(hashlib.sha256(data).digest()).digest()


def display(internal: bytes) -> str:
    """The hex people and RPC use: reversed."""
    return internal[::-1].hex()


def internal(display_hex: str) -> bytes:
    return bytes.fromhex(display_hex)[::-1]


def target_of_nbits(nbits: int) -> int:
    exponent, mantissa = nbits >> 24, nbits & 0x7FFFFF
    return mantissa >> 8 * (3 - exponent) if exponent <= 3 else mantissa << 8 * (exponent - 3)


def target_of_difficulty(difficulty: float) -> int:
    """The largest hash a share of this difficulty may have (difficulty 1: 0xffff << 208)."""
    return min(int((0xFFFF << 208) / difficulty), (1 << 256) - 1)


def hash_value(internal_hash: bytes) -> int:
    return int.from_bytes(internal_hash, "little")


def compact_size(number: int) -> bytes:
    if number < 0xFD:
        return bytes([number])
    if number <= 0xFFFF:
        return b"\xfd" + struct.pack("<H", number)
    if number <= 0xFFFFFFFF:
        return b"\xfe" + struct.pack("<I", number)
    return b"\xff" + struct.pack("<Q", number)


def push(data: bytes) -> bytes:
    assert len(data) < 76
    return bytes([len(data)]) + data


def height_push(height: int) -> bytes:
    """BIP34's height: OP_1 to OP_16 for small ones, else the minimal signed little-endian push."""
    if 1 <= height <= 16:
        return bytes([0x50 + height])
    return push(height.to_bytes(height.bit_length() // 8 + 1, "little"))


@dataclass
class TxIn:
    txid: bytes
    index: int
    script: bytes = b""
    sequence: int = 0xFFFFFFFF
    witness: list = field(default_factory=list)


@dataclass
class TxOut:
    value: int
    script: bytes


@dataclass
class Tx:
    inputs: list
    outputs: list
    version: int = 2
    lock_time: int = 0

    def _body(self) -> bytes:
        out = compact_size(len(self.inputs))
        for txin in self.inputs:
            out += txin.txid + struct.pack("<I", txin.index)
            out += compact_size(len(txin.script)) + txin.script + struct.pack("<I", txin.sequence)
        out += compact_size(len(self.outputs))
        for txout in self.outputs:
            out += struct.pack("<q", txout.value) + compact_size(len(txout.script)) + txout.script
        return out

    def legacy(self) -> bytes:
        """Serialised without witness: what the txid is the hash of."""
        return struct.pack("<i", self.version) + self._body() + struct.pack("<I", self.lock_time)

    def full(self) -> bytes:
        if not any(txin.witness for txin in self.inputs):
            return self.legacy()
        witness = b""
        for txin in self.inputs:
            witness += compact_size(len(txin.witness))
            witness += b"".join(compact_size(len(item)) + item for item in txin.witness)
        return struct.pack("<i", self.version) + b"\x00\x01" + self._body() + witness + struct.pack("<I", self.lock_time)

    def txid(self) -> bytes:
        return sha256d(self.legacy())


def parse_compact_size(data: bytes, at: int) -> tuple:
    """(number, offset after it)"""
    first = data[at]
    if first < 0xFD:
        return first, at + 1
    size = {0xFD: 2, 0xFE: 4, 0xFF: 8}[first]
    return int.from_bytes(data[at + 1 : at + 1 + size], "little"), at + 1 + size


def parse_tx(data: bytes, at: int) -> tuple:
    """(Tx, offset after it)"""
    version = struct.unpack_from("<i", data, at)[0]
    at += 4
    segwit = data[at : at + 2] == b"\x00\x01"
    at += 2 if segwit else 0

    def take(size: int) -> bytes:
        nonlocal at
        at += size
        return data[at - size : at]

    def number() -> int:
        nonlocal at
        value, at = parse_compact_size(data, at)
        return value

    inputs = [TxIn(take(32), struct.unpack("<I", take(4))[0], take(number()), struct.unpack("<I", take(4))[0]) for _ in range(number())]
    outputs = [TxOut(struct.unpack("<q", take(8))[0], take(number())) for _ in range(number())]
    for txin in inputs if segwit else []:
        txin.witness = [take(number()) for _ in range(number())]
    return Tx(inputs, outputs, version, struct.unpack("<I", take(4))[0]), at


def parse_block(data: bytes) -> tuple:
    """(header, [Tx])"""
    count, at = parse_compact_size(data, 80)
    transactions = []
    for _ in range(count):
        tx, at = parse_tx(data, at)
        transactions.append(tx)
    assert at == len(data), "bytes after the last transaction"
    return data[:80], transactions


def merkle_root(txids: list) -> bytes:
    row = list(txids)
    while len(row) > 1:
        if len(row) % 2:
            row.append(row[-1])
        row = [sha256d(row[i] + row[i + 1]) for i in range(0, len(row), 2)]
    return row[0]


def spend_anyone(txid: bytes, index: int, value: int, outputs: int = 1, fee: int = 1000) -> Tx:
    """A witness transaction from an ANYONE_CAN_SPEND output to `outputs` new ones of the same kind."""
    share = (value - fee) // outputs
    return Tx([TxIn(txid, index, witness=[OP_TRUE])], [TxOut(share, ANYONE_CAN_SPEND) for _ in range(outputs)])


def coinbase_for(template: dict, script: bytes, segwit: bool, tag: bytes = b"") -> Tx:
    outputs = [TxOut(template["coinbasevalue"], script)]
    witness = []
    if segwit and "default_witness_commitment" in template:
        outputs.append(TxOut(0, bytes.fromhex(template["default_witness_commitment"])))
        witness = [WITNESS_RESERVED_VALUE]
    # A coinbase script is 2 to 100 bytes; the tag's push keeps it over 2 at small heights too.
    script_sig = height_push(template["height"]) + push(tag or b"\x00")
    return Tx([TxIn(b"\x00" * 32, 0xFFFFFFFF, script_sig, witness=witness)], outputs)


def grind(header_without_nonce: bytes, target: int, start: int = 0) -> int:
    """The first nonce from `start` whose header hash meets the target."""
    half = hashlib.sha256(header_without_nonce[:64])
    for nonce in range(start, 1 << 32):
        inner = half.copy()
        inner.update(header_without_nonce[64:] + struct.pack("<I", nonce))
        if hash_value(hashlib.sha256(inner.digest()).digest()) <= target:
            return nonce
    raise AssertionError("no nonce in the whole range")


def block_from_template(template: dict, script: bytes, segwit: bool, tag: bytes = b"") -> tuple:
    """(block bytes, block hash in internal order) that the node should accept."""
    coinbase = coinbase_for(template, script, segwit, tag)
    txids = [coinbase.txid()] + [internal(tx["txid"]) for tx in template["transactions"]]
    nbits = int(template["bits"], 16)
    header = struct.pack("<i", template["version"]) + internal(template["previousblockhash"]) + merkle_root(txids)
    header += struct.pack("<II", template["curtime"], nbits)
    header += struct.pack("<I", grind(header, target_of_nbits(nbits)))
    body = compact_size(len(txids)) + coinbase.full()
    body += b"".join(bytes.fromhex(tx["data"]) for tx in template["transactions"])
    return header + body, sha256d(header)


def segwit_in(template: dict) -> bool:
    """Whether the template's chain enforces BIP141: Core says "!segwit" from its first block on."""
    return any(rule.lstrip("!") == "segwit" for rule in template.get("rules", []))


BECH32_LETTERS = "qpzry9x8gf2tvdw0s3jn54khce6mua7l"


def _bech32_polymod(values: list) -> int:
    check = 1
    for value in values:
        top = check >> 25
        check = (check & 0x1FFFFFF) << 5 ^ value
        for i, generator in enumerate((0x3B6A57B2, 0x26508E6D, 0x1EA119FA, 0x3D4233DD, 0x2A1462B3)):
            check ^= generator if top >> i & 1 else 0
    return check


def segwit_address(program: bytes, prefix: str = "bcrt", version: int = 0) -> str:
    """BIP173 (version 0) or BIP350 address of a witness program."""
    bits = "".join(f"{byte:08b}" for byte in program)
    bits += "0" * (-len(bits) % 5)
    data = [version] + [int(bits[i : i + 5], 2) for i in range(0, len(bits), 5)]
    expanded = [ord(c) >> 5 for c in prefix] + [0] + [ord(c) & 31 for c in prefix]
    checksum = _bech32_polymod(expanded + data + [0] * 6) ^ (0x2BC830A3 if version else 1)
    data += [checksum >> 5 * (5 - i) & 31 for i in range(6)]
    return prefix + "1" + "".join(BECH32_LETTERS[value] for value in data)


PAYOUT_ADDRESS = segwit_address(PAYOUT_SCRIPT[2:])
ANYONE_ADDRESS = segwit_address(ANYONE_CAN_SPEND[2:])
