"""Coherence work by the specification (docs/coherence.md), in plain integers: a second implementation that shares no code
with the programs under test. A state takes about 50 microseconds, an attempt at level 0 a tenth of a second.

Hashes are bytes as SHA-256 gives them. `python3 coherence.py` checks the known answers.
"""

import dataclasses
import hashlib
import math
import struct

OSCILLATORS = 63
STATES = 15127  # of an attempt
NEED = 7  # coherent states in a row
COHERENT = 780337152
UNIT = 1040449536  # r^2 = R2 / UNIT
MASK32 = 2**32 - 1
MASK64 = 2**64 - 1
GOLDEN = 0x9E3779B97F4A7C15
KAPPA = (2283, 2164, 2051, 1944, 1843, 1747)
ROUNDS_PER_BLOOM = (1346, 3085, 13312, 110500, 1162000, 15100000)
TURNS = (210844, 422742, 636766, 854035, 1075732, 1303137, 1537653, 1780846, 2034492, 2300630, 2581639, 2880328, 3200060, 3544915,
         3919917, 4331336, 4787128, 5297563, 5876152, 6541062, 7317336, 8240515, 9362821, 10764273, 12574079, 15015355, 18509470,
         23959270, 33712032, 56374246, 169403749)
FREQUENCIES = [-turn for turn in reversed(TURNS)] + [0] + list(TURNS)
E = (0,) * 12 + (1, 2, 4, 7, 13, 24, 42, 70, 112, 173, 260, 380, 541, 750, 1015, 1344, 1743, 2214, 2760, 3378, 4063, 4808, 5599, 6423,
                 7262, 8098, 8910, 9678, 10384, 11009, 11539, 11962, 12269, 12454, 12516, 12458, 12284, 12004, 11627, 11166, 10635,
                 10048, 9420, 8764, 8093, 7420, 6755, 6108, 5486, 4895, 4341, 3825)
ANGLES = (536870912, 316933406, 167458907, 85004756, 42667331, 21354465, 10679838, 5340245, 2670163, 1335087, 667544, 333772, 166886,
          83443, 41722, 20861, 10430, 5215)


def sha(data: bytes) -> bytes:
    return hashlib.sha256(data).digest()


def sha_twice(data: bytes) -> bytes:
    return sha(sha(data))


def signed16(x: int) -> int:
    return (x & 0xffff) - 0x10000 if x & 0x8000 else x & 0xffff


def mr(a: int, b: int) -> int:
    return (a * b + 16384) >> 15


def icos(x: int) -> int:
    y = 16384 - abs(signed16(x))
    v = 2 * mr(y, y)
    return mr(y, 25727 - mr(v, 21030 - mr(v, 4690)))


COSINE = [icos(x) for x in range(65536)]
SINE = [COSINE[(x - 16384) % 65536] for x in range(65536)]
# n * 1024, of the low half of a phase.
NOISE = [signed16(low * 0x9E37) * 1024 for low in range(65536)]


def lucas(n: int) -> int:
    """L_n mod 2^32, by the matrix of Fibonacci's step."""
    a, b = 0, 1  # F_0, F_1
    for bit in bin(n)[2:]:
        a, b = a * (2 * b - a) & MASK32, (a * a + b * b) & MASK32
        if bit == "1":
            a, b = b, (a + b) & MASK32
    return (2 * b - a) & MASK32


def nonce(attempt: int) -> int:
    return lucas(lucas(attempt % 24)) ^ (attempt * GOLDEN & MASK64) >> 32


@dataclasses.dataclass(frozen=True)
class Job:
    header76: bytes
    extranonce: int
    params: int

    @property
    def level(self) -> int:
        return self.params & 0xffff


def header80(job: Job, attempt: int) -> bytes:
    return job.header76 + struct.pack("<I", nonce(attempt))


def phases_of(job: Job, attempt: int) -> list[int]:
    seed = sha_twice(b"COH1seed" + header80(job, attempt) + struct.pack("<QQI", job.extranonce, attempt, job.params))
    blocks = b"".join(sha(seed + struct.pack("<I", b)) for b in range(8))
    return list(struct.unpack("<63I", blocks[:252]))


def order(phases: list[int]) -> tuple[int, int]:
    """(C', S')"""
    turns = [theta >> 16 for theta in phases]
    return sum(COSINE[x] for x in turns) >> 4, sum(SINE[x] for x in turns) >> 4


def step(phases: list[int], c: int, s: int, gate: list[int]) -> list[int]:
    g = gate[c * c + s * s >> 24]
    a, b = mr(g, s), mr(g, c)
    return [(theta + turn + a * COSINE[theta >> 16] - b * SINE[theta >> 16] + NOISE[theta & 0xffff]) & MASK32
            for theta, turn in zip(phases, FREQUENCIES)]


@dataclasses.dataclass(frozen=True)
class Bloom:
    start: int
    orders: tuple
    phases: tuple

    @property
    def end(self) -> int:
        return self.start + NEED - 1


def blooms(job: Job, attempt: int, last: int = STATES - 1):
    """Every state that ends seven coherent ones: the first is the bloom, the others are what a forger would claim."""
    kappa = KAPPA[job.level]
    gate = [kappa + mr(kappa, e) for e in E]
    phases, recent, run = phases_of(job, attempt), [], 0
    for state in range(last + 1):
        c, s = order(phases)
        recent = (recent + [(c, s)])[-NEED:]
        run = run + 1 if c * c + s * s >= COHERENT else 0
        if run >= NEED:
            yield Bloom(state - NEED + 1, tuple(recent), tuple(phases))
        phases = step(phases, c, s, gate)


def bloom(job: Job, attempt: int) -> Bloom | None:
    return next(blooms(job, attempt), None)


def r_q(c: int, s: int) -> int:
    return min(65535, math.isqrt((c * c + s * s) * 2**32 // UNIT))


def psi_q(c: int, s: int) -> int:
    x, y, z = 8192 * c, 8192 * s, 0
    if x < 0:
        x, y, z = -x, -y, 2**31
    for k, angle in enumerate(ANGLES):
        if y >= 0:
            x, y, z = x + (y >> k), y - (x >> k), z + angle
        else:
            x, y, z = x - (y >> k), y + (x >> k), z - angle
    return (z + 2**15) % 2**32 >> 16


def float_bits(q: int) -> int:
    return struct.unpack("<I", struct.pack("<f", q / 65536))[0]  # exact


def certificate(found: Bloom) -> bytes:
    words = [found.start, found.end, OSCILLATORS, 0x3F5DB3D7, NEED, NEED]
    words += [float_bits(r_q(*state)) for state in found.orders]
    words += [float_bits(psi_q(*state)) for state in found.orders]
    return struct.pack("<83I", *words, *found.phases)


@dataclasses.dataclass(frozen=True)
class Claim:
    attempt: int
    bloom_end: int
    r_q: int
    psi_q: int
    cert_hash: bytes

    @property
    def params(self) -> list:
        """Of coherence.submit, behind the user's name and the job."""
        return [f"{self.attempt:016x}", self.bloom_end, self.r_q, self.psi_q, self.cert_hash.hex()]


def claim(attempt: int, found: Bloom) -> Claim:
    last = found.orders[-1]
    return Claim(attempt, found.end, r_q(*last), psi_q(*last), sha(certificate(found)))


def work_hash(job: Job, claimed: Claim) -> bytes:
    header92 = header80(job, claimed.attempt) + struct.pack("<III", float_bits(claimed.r_q), float_bits(claimed.psi_q), OSCILLATORS)
    return sha_twice(struct.pack("<I", lucas(nonce(claimed.attempt))) + header92 + claimed.cert_hash)


def meets(hash_: bytes, target: int) -> bool:
    return int.from_bytes(hash_, "little") < target


def work(level: int, target: int) -> int:
    """What a share is credited with, in rounds."""
    return min(2**256 - 1, ROUNDS_PER_BLOOM[level] * 2**256 // target)


def find(job: Job, target: int, first: int = 0) -> tuple[Claim, Bloom]:
    """The first attempt from `first` on that is a share."""
    attempt = first
    while True:
        found = bloom(job, attempt)
        if found is not None and meets(work_hash(job, claim(attempt, found)), target):
            return claim(attempt, found), found
        attempt += 1


def check_known_answers():
    assert [icos(x) for x in (0, 4096, 8192, 16384, 32768, 40000, 65535)] == [8192, 7569, 5793, 0, -8192, -6301, 8192]
    digest = 0
    for x in range(65536):
        digest = (digest * 31 + (COSINE[x] & 0xffff)) & MASK32
    assert digest == 0x9CAD8EF8
    assert [lucas(n) for n in (0, 1, 4, 10, 47, 4294967295)] == [2, 1, 7, 123, 2348871583, 3238583700]
    assert [nonce(a) for a in (0, 1, 2, 3, 24, 2**63)] == [0x3, 0x9E3779B8, 0x3C6EF376, 0xDAA66D2B, 0xD5336960, 0x0C00EF9F]
    for job, attempt, end, r, psi, cert_hash, share in (
            (Job(bytes(76), 0, 0x00010002), 0, 5660, 58321, 22086, "afe6871b2223869c5f02fb5f6dec794be40e16ff804d7e13d2047731eeefc1a7",
             "c49efeb9cbaa2fce2261ca652993049a7e0571c651b4f2190cde7617129d840b"),
            (Job(bytes(range(76)), 0x0123456789ABCDEF, 0x00010003), 1001, 9425, 57233, 29191,
             "f102162a89a3b9c000e7bcd02d0537ce344821f846cf265a68ba8d4486cdefb8",
             "3facfffd5bcedbde7a24e76f04eeb8b4fe7736c4fc16e030f5c0e2e386e9a611")):
        claimed = claim(attempt, bloom(job, attempt))
        assert claimed == Claim(attempt, end, r, psi, bytes.fromhex(cert_hash)), claimed
        assert work_hash(job, claimed).hex() == share


if __name__ == "__main__":
    check_known_answers()
