"""COH1 in Python, written from docs/coherence.md alone: an opinion of its own about attempts, proofs and the proof chain.

A round takes about 60 microseconds; an attempt at level 0 about a tenth of a second.
"""

import dataclasses
import functools
import hashlib
import json
import math
import struct

N, STATES, NEED, COHERENT, UNIT = 63, 15127, 7, 780337152, 1040449536
PARAMS = 0x00010000
_T = [210844, 422742, 636766, 854035, 1075732, 1303137, 1537653, 1780846, 2034492, 2300630, 2581639, 2880328, 3200060, 3544915, 3919917,
      4331336, 4787128, 5297563, 5876152, 6541062, 7317336, 8240515, 9362821, 10764273, 12574079, 15015355, 18509470, 23959270, 33712032,
      56374246, 169403749]
W = [-t for t in reversed(_T)] + [0] + _T
KAPPA = [2283, 2164, 2051, 1944, 1843, 1747]
E = [0] * 12 + [1, 2, 4, 7, 13, 24, 42, 70, 112, 173, 260, 380, 541, 750, 1015, 1344, 1743, 2214, 2760, 3378, 4063, 4808, 5599, 6423, 7262, 8098,
                8910, 9678, 10384, 11009, 11539, 11962, 12269, 12454, 12516, 12458, 12284, 12004, 11627, 11166, 10635, 10048, 9420, 8764, 8093,
                7420, 6755, 6108, 5486, 4895, 4341, 3825]
AT = [536870912, 316933406, 167458907, 85004756, 42667331, 21354465, 10679838, 5340245, 2670163, 1335087, 667544, 333772, 166886, 83443, 41722,
      20861, 10430, 5215]
ROUNDS_PER_BLOOM = [1346, 3085, 13312, 110500, 1162000, 15100000]
_ROOTS = [1518500249, 1276901416, 1170923761, 1121280435, 1097253708, 1085434105, 1079572135, 1076653033, 1075196443, 1074468887, 1074105294,
          1073923543, 1073832680, 1073787251, 1073764537, 1073753180]


def mr(a: int, b: int) -> int:
    return (a * b + 16384) >> 15


def s16(x: int) -> int:
    return ((x & 0xFFFF) ^ 0x8000) - 0x8000


def icos(x: int) -> int:
    y = 16384 - abs(s16(x))
    v = 2 * mr(y, y)
    return mr(y, 25727 - mr(v, 21030 - mr(v, 4690)))


@functools.cache
def waves() -> tuple:
    """Cosine and sine of every angle."""
    cosine = [icos(x) for x in range(65536)]
    return cosine, [cosine[(x - 16384) % 65536] for x in range(65536)]


def sha(data: bytes) -> bytes:
    return hashlib.sha256(data).digest()


def shad(data: bytes) -> bytes:
    return sha(sha(data))


def lucas(n: int) -> int:
    """By the identity L_n = F_(n-1) + F_(n+1), from powers of a matrix; another way than the pool's."""
    def multiply(p, q):
        return tuple(sum(p[2 * i + k] * q[2 * k + j] for k in range(2)) % 2**32 for i in range(2) for j in range(2))
    result, power = (1, 0, 0, 1), (1, 1, 1, 0)
    while n:
        if n & 1:
            result = multiply(result, power)
        power = multiply(power, power)
        n >>= 1
    return (result[0] + result[3]) % 2**32  # F_(n+1) + F_(n-1)


def nonce_of(attempt: int) -> int:
    return lucas(lucas(attempt % 24)) ^ (attempt * 0x9E3779B97F4A7C15 % 2**64 >> 32)


def float_bits(q: int) -> int:
    return struct.unpack("<I", struct.pack("<f", q / 65536))[0]


@dataclasses.dataclass
class Bloom:
    end: int
    orders: list  # (C', S') of the seven states
    phases: list


def phases_of(header76: bytes, extranonce: int, attempt: int, params: int) -> list:
    header80 = header76 + struct.pack("<I", nonce_of(attempt))
    seed = shad(b"COH1seed" + header80 + struct.pack("<QQI", extranonce, attempt, params))
    return list(struct.unpack("<64I", b"".join(sha(seed + struct.pack("<I", b)) for b in range(8))))[:N]


def run(phases: list, level: int, earliest: int = 0) -> Bloom | None:
    """The first bloom that ends at `earliest` or later."""
    cosine, sine = waves()
    gate = [KAPPA[level] + mr(KAPPA[level], e) for e in E]
    orders, streak = [], 0
    for state in range(STATES):
        c = [cosine[theta >> 16] for theta in phases]
        s = [sine[theta >> 16] for theta in phases]
        big_c, big_s = sum(c) >> 4, sum(s) >> 4
        r2 = big_c * big_c + big_s * big_s
        orders = [*orders[-6:], (big_c, big_s)]
        streak = streak + 1 if r2 >= COHERENT else 0
        if streak >= NEED and state >= earliest:
            return Bloom(state, orders, list(phases))
        g = gate[r2 >> 24]
        a, b = mr(g, big_s), mr(g, big_c)
        phases = [(theta + w + a * ci - b * si + 1024 * s16((theta & 0xFFFF) * 0x9E37)) & 0xFFFFFFFF
                  for theta, w, ci, si in zip(phases, W, c, s)]
    return None


def r_q(order: tuple) -> int:
    return min(65535, math.isqrt((order[0] ** 2 + order[1] ** 2 << 32) // UNIT))


def psi_q(order: tuple) -> int:
    x, y, z = 8192 * order[0], 8192 * order[1], 0
    if x < 0:
        x, y, z = -x, -y, 2**31
    for k, angle in enumerate(AT):
        x, y, z = (x + (y >> k), y - (x >> k), z + angle) if y >= 0 else (x - (y >> k), y + (x >> k), z - angle)
    return ((z + 2**15) % 2**32) >> 16


def certificate_of(bloom: Bloom) -> bytes:
    words = [bloom.end - 6, bloom.end, 63, 0x3F5DB3D7, 7, 7]
    words += [float_bits(r_q(order)) for order in bloom.orders] + [float_bits(psi_q(order)) for order in bloom.orders]
    return struct.pack("<83I", *words, *bloom.phases)


def proof_of(header76: bytes, extranonce: int, attempt: int, params: int, certificate: bytes, target: int = 2**256 - 1) -> dict:
    """The record as `phasepool export` writes it, everything made to fit the certificate, true or not."""
    nonce = nonce_of(attempt)
    words = struct.unpack("<83I", certificate)
    header92 = header76 + struct.pack("<4I", nonce, words[12], words[19], 63)
    work_hash = shad(struct.pack("<I", lucas(nonce)) + header92 + sha(certificate))
    return {"type": "coherence", "header92": header92.hex(), "extranonce": f"{extranonce:016x}", "attempt": f"{attempt:016x}", "params": f"{params:08x}",
            "target": f"{target:064x}", "certificate": certificate.hex(), "work_hash": work_hash.hex()}


def mine(header76: bytes, extranonce: int, level: int = 0, target: int = 2**256 - 1, attempt: int = 0) -> dict:
    while True:
        bloom = run(phases_of(header76, extranonce, attempt, PARAMS + level), level)
        if bloom:
            proof = proof_of(header76, extranonce, attempt, PARAMS + level, certificate_of(bloom), target)
            if int.from_bytes(bytes.fromhex(proof["work_hash"]), "little") < target:
                return proof
        attempt = (attempt + 1) % 2**64


def target_of(bits: int) -> int:
    return (bits & 0x7FFFFF) << 8 * ((bits >> 24) - 3)


def bits_of(target: int) -> int:
    size = (target.bit_length() + 7) // 8
    mantissa = target >> 8 * (size - 3) if size > 3 else target << 8 * (3 - size)
    return (size + 1) << 24 | mantissa >> 8 if mantissa & 0x800000 else size << 24 | mantissa


def retarget_factor(actual: int, expected: int) -> int:
    q = min(2**32 - 1, max(1, expected * 65536 // max(1, actual)))
    n = q.bit_length() - 1
    m, fraction = q << 31 - n, 0
    for k in range(1, 17):
        m = m * m >> 31
        if m >= 2**32:
            m, fraction = m >> 1, fraction | 1 << 16 - k
    e = min(131072, max(-131072, ((n - 16) * 65536 + fraction) * 40503 >> 16))
    y = 2**30
    for k, root in enumerate(_ROOTS, 1):
        if e % 65536 >> 16 - k & 1:
            y = y * root >> 30
    whole = e >> 16
    return (y << whole if whole >= 0 else y >> -whole) >> 14


def merkle_root(leaves: list) -> bytes:
    while len(leaves) > 1:
        leaves = leaves + leaves[-1:] * (len(leaves) % 2)
        leaves = [shad(left + right) for left, right in zip(leaves[::2], leaves[1::2])]
    return leaves[0]


@dataclasses.dataclass
class Chain:
    """A proof chain of its own, with no journal under it."""
    block_seconds: int = 10
    retarget_blocks: int = 2
    initial_bits: int = 0x207FFFFF
    start_time: int = 1769000000

    def __post_init__(self):
        self.blocks, self.proofs, self.times, self.bits = [], [], [self.start_time], self.initial_bits

    def add(self, seconds: int, tip: bytes = bytes(32)):
        height = len(self.blocks)
        if height and height % self.retarget_blocks == 0:
            actual = self.times[-1] - self.times[-1 - self.retarget_blocks]
            factor = retarget_factor(actual, self.retarget_blocks * self.block_seconds)
            self.bits = bits_of(min(2**256 - 1, target_of(self.bits) * 65536 // factor))
        prev = bytes.fromhex(self.blocks[-1]["hash"]) if height else bytes(32)
        self.times.append(self.times[-1] + seconds)
        header = struct.pack("<I", 1) + prev + merkle_root([shad(b"COH1tip" + tip)]) + struct.pack("<II", self.times[-1], self.bits)
        proof = mine(header, 5, target=target_of(self.bits))
        self.proofs.append(proof)
        self.blocks.append({"type": "coherence_block", "height": height, "hash": proof["work_hash"], "header": header.hex(), "params": f"{PARAMS:08x}",
                            "bitcoin_tip": tip[::-1].hex(), "stretches": []})

    def write(self, folder):
        rules = {"type": "coherence_rules", "block_seconds": self.block_seconds, "retarget_blocks": self.retarget_blocks,
                 "initial_bits": f"{self.initial_bits:08x}", "start_time": self.start_time}
        (folder / "coherence_chain.jsonl").write_text("".join(json.dumps(line) + "\n" for line in [rules, *self.blocks]))
        (folder / "coherence_proofs.jsonl").write_text("".join(json.dumps(proof) + "\n" for proof in self.proofs))
