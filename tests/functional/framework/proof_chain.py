"""Coherence proofs and blocks as rows, for tests of the database that need no miner: their hashes are made up, with bits that nearly any meets."""

import hashlib

INITIAL_BITS = 0x207FFFFF  # every second hash meets it; those made here do
ZEROS = bytes(32)
ROOT = hashlib.sha256(b"root").digest()


def work_hash(name: str) -> bytes:
    return hashlib.sha256(name.encode()).digest()[:31] + b"\0"


def header76(prev: bytes, time: int, bits: int = INITIAL_BITS) -> bytes:
    return (1).to_bytes(4, "little") + prev + ROOT + time.to_bytes(4, "little") + bits.to_bytes(4, "little")


def begin(cursor, retarget_blocks: int = 123, start_time: int = 900):
    cursor.execute("SELECT * FROM begin_coherence_chain(420, %s, %s, %s)", (retarget_blocks, INITIAL_BITS, start_time))
    return cursor.fetchone()


def prove(cursor, name: str, header: bytes, journal: int = 1, sequence: int = 1, worker: int = 1):
    certificate = bytes(300) + hashlib.sha256(name.encode()).digest()
    cursor.execute("""INSERT INTO coherence_proofs (time, journal, sequence, worker_id, chain_height, header, extranonce, attempt, params, target,
                        bloom_start, bloom_end, r_q, psi_q, work, cert_hash, work_hash, certificate)
                      VALUES (now(), %s, %s, %s, 0, %s, 0, 0, 65538, %s, 0, 0, 0, 0, 13312, sha256(%s), %s, %s)""",
                   (journal, sequence, worker, header + bytes(16), bytes(32), certificate, work_hash(name), certificate))


def append(cursor, name: str, height: int, header: bytes, stretches: list = ()) -> str:
    """stretches: (pool, journal, first, last) each."""
    columns = [list(column) for column in zip(*[(*stretch, hashlib.sha256(str(stretch).encode()).digest()) for stretch in stretches])] or [[]] * 5
    cursor.execute("SELECT append_coherence_block(now(), %s, %s, %s, 65538, %s, %s::bigint[], %s::uuid[], %s::bigint[], %s::bigint[], %s::bytea[])",
                   (height, work_hash(name), header, ZEROS, *columns))
    return cursor.fetchone()[0]
