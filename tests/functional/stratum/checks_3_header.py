"""Section 3: the header. Published shares are recomputed by the suite's own builder, so that it can be trusted; then the
pool's jobs are mined with it, and the node and the database say whether pool and builder mean the same 80 bytes."""

import json
import pathlib

from framework import bitcoin

from .check import check, every
from .rig import DIFFICULTY_1, accepted, dsha, header_of, swap_words

VECTORS = pathlib.Path(__file__).resolve().parents[2] / "unit" / "vectors"
SHARES = json.loads((VECTORS / "stratum_shares.json").read_text())
TEMPLATES = json.loads((VECTORS / "template_to_notify.json").read_text())


def header_of_vector(vector: dict) -> bytes:
    submit = vector["submit_params"]
    mask = int(vector["version_mask"] or "0", 16)
    return header_of(vector["notify_params"], vector["extranonce1"], *submit[2:5], bits=submit[5] if len(submit) > 5 else "0", mask=mask)


@every("3", "a published share has the published header, hash and difficulty", [(vector["name"], vector) for vector in SHARES])
def published_share(_stage, vector):
    header, expect = header_of_vector(vector), vector["expect"]
    assert header.hex() == expect["header"]
    assert dsha(header)[::-1].hex() == expect["hash_display"]
    assert abs(DIFFICULTY_1 / int.from_bytes(dsha(header), "little") / expect["share_difficulty"] - 1) < 1e-12


WRONG = [  # V1 with one thing in the wrong order, and the hash that betrays it
    ("prevhash not swapped", slice(4, 36), swap_words, "d5acd325ba6494de603ce8d7be71599d89669fb203d303091e6d086df8fca59a"),
    ("prevhash reversed", slice(4, 36), lambda b: swap_words(b)[::-1], "26cce5b817a3b709d9f43ee2432d831f181bf7d73263f5cd8de9a030bb01adda"),
    ("merkle root reversed", slice(36, 68), lambda b: b[::-1], "269d5a7f0a7bad19f52c7e831b3dd786deb8f64fb9b41b4a1e2030a99034ef9f"),
    ("version big-endian", slice(0, 4), lambda b: b[::-1], "8686637b3acc555dc7dd910cb7dc9ec4b258332b1193fa6fd9cf19d7588cc5f7"),
    ("ntime big-endian", slice(68, 72), lambda b: b[::-1], "60428e373e8135148a13af982a5ac1ad6c11fd694fef9c2b61cfaedc82d22b1e"),
    ("nbits big-endian", slice(72, 76), lambda b: b[::-1], "6620087f3e8735d39b32c97026f27fba3796d72026cca89b8e0ebb071eb650b7"),
    ("nonce big-endian", slice(76, 80), lambda b: b[::-1], "6d7a37064f54612ab3cdc9d84d58bfcbcc019f2e4aeb35516b9bab1af2a149a3"),
]


@every("3", "a field in the wrong order gives the wrong hash, recognisably", WRONG)
def wrong_order(_stage, place, change, display):
    header = bytearray(header_of_vector(SHARES[0]))
    header[place] = change(bytes(header[place]))
    assert dsha(bytes(header))[::-1].hex() == display


def merkle_branch(txids: list) -> list:
    """Section 3.1, from display ids: the coinbase is the placeholder at index 0."""
    level, branch = [b""] + [bytes.fromhex(txid)[::-1] for txid in txids], []
    while len(level) > 1:
        branch.append(level[1].hex())
        if len(level) % 2:
            level.append(level[-1])
        level = [b""] + [dsha(level[at] + level[at + 1]) for at in range(2, len(level), 2)]
    return branch


@every("3.1", "a published template has the published branch and prevhash", [(vector["name"], vector) for vector in TEMPLATES])
def published_template(_stage, vector):
    assert merkle_branch(vector["txids"]) == vector["branches"]
    assert swap_words(bytes.fromhex(vector["previousblockhash"])[::-1]).hex() == vector["notify_prevhash"]


# ---------------------------------------------------------------- the pool's own jobs

BLOCKS = [("plain", {}), ("with rolled version bits", {"bits": "1fffe000"}), ("with one rolled bit", {"bits": "00002000"}),
          ("with its last extranonce2", {"en2": "ff" * 8}), ("with a later ntime", {"later": 7})]


@every("3", "a header built from mining.notify is a block to the node", BLOCKS)
def mined_block(stage, options):
    options = dict(options)
    rig = stage.rig().roll_versions().login()
    job = rig.wait_tip(stage.node.tip())
    if "later" in options:
        options["ntime"] = f"{int(job[7], 16) + options.pop('later'):08x}"
    share = rig.find(block=True, **options)
    accepted(rig.submit(share))
    stage.wait_until(lambda: stage.node.tip() == share.hash[::-1].hex(), 10, "our block as the node's tip")


@check("3", "the pool stores the very hash that the miner computed, for shares that are no blocks too")
def stored_hash(stage):
    rig = stage.rig().roll_versions().login()
    shares = [rig.find(bits=bits) for bits in (None, "00002000", "10000000", "1fffe000", "0a0a0000")]
    for share in shares:
        accepted(rig.submit(share))
    wanted = {share.hash[::-1] for share in shares}
    stage.wait_until(lambda: wanted <= {bytes(row[0]) for row in stage.world.query_in(stage, "SELECT hash FROM shares")}, 20, "our hashes stored")


@check("3.1", "scriptSig is 2 to 100 bytes and begins with the height as BIP34 wants it")
def script_sig(stage):
    rig = stage.rig().login()
    rig.wait_tip(stage.node.tip())
    coinbase, _ = bitcoin.parse_tx(bytes.fromhex(rig.job[2] + rig.en1 + "00" * rig.en2_size + rig.job[3]), 0)
    script = coinbase.inputs[0].script
    assert script.startswith(bitcoin.height_push(stage.node.height() + 1)), script.hex()
    assert 2 <= len(script) <= 100


@check("3.1", "a block with transactions: the branch folds them in, the commitment is the last output, the node takes it")
def block_with_transactions(stage):
    node = stage.node
    node.activate_segwit()
    while node.height() < 110:
        node.mine()
    rig = stage.rig().login()
    earlier = node.template()  # bcoin takes transactions into its template when the tip changes
    sent = node.send_witness_transactions(5)
    rig.wait_tip(node.mine(template=earlier), 20)
    while not rig.job[4]:
        rig.wait_job(len(rig.jobs), 40)
    txids = [tx["txid"] for tx in node.template()["transactions"]]
    assert sorted(txids) == sorted(sent) and rig.job[4] == merkle_branch(txids)
    coinbase, _ = bitcoin.parse_tx(bytes.fromhex(rig.job[2] + rig.en1 + "00" * rig.en2_size + rig.job[3]), 0)
    assert coinbase.outputs[-1].script[:6].hex() == "6a24aa21a9ed"
    share = rig.find(block=True)
    accepted(rig.submit(share))
    stage.wait_until(lambda: node.tip() == share.hash[::-1].hex(), 10, "our block as the node's tip")
    assert len(node.block(node.tip())[1]) == 6
