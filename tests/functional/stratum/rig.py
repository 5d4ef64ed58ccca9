"""A miner that can be told exactly what to do: Wire plus what a miner remembers, and a header builder of its own.

The header is built from mining.notify by section 3's algorithm, from text to bytes, with hashlib; nothing is
shared with the pool. On regtest at the pool's easiest difficulty half of all hashes are blocks and the others are
shares that are none (framework/pool.py), so a check chooses with `find(block=...)` whether the chain moves.
"""

import hashlib
import itertools
import json
from dataclasses import dataclass, replace

from framework import bitcoin

from .wire import Wire

DIFFICULTY_1 = 0xFFFF << 208
SERVER_MASK = 0x1FFFE000
ADDRESS = bitcoin.PAYOUT_ADDRESS
USER = ADDRESS + ".suite"
_numbers = itertools.count(1)


def dsha(data: bytes) -> bytes:
    return hashlib.sha256(hashlib.sha256(data).digest()).digest()


def swap_words(data: bytes) -> bytes:
    return b"".join(data[at : at + 4][::-1] for at in range(0, len(data), 4))


def header_of(notify: list, en1: str, en2: str, ntime: str, nonce: str, bits: str = "0", mask: int = SERVER_MASK) -> bytes:
    """Section 3: the 80 bytes for one submit. `ntime` and `nonce` are eight hex digits."""
    _, prevhash, coinb1, coinb2, branches, version, nbits = notify[:7]
    root = dsha(bytes.fromhex(coinb1 + en1 + en2 + coinb2))
    for branch in branches:
        root = dsha(root + bytes.fromhex(branch))
    rolled = (int(version, 16) & ~mask) | (int(bits, 16) & mask)
    if not int(bits, 16):
        rolled = int(version, 16)
    return (rolled.to_bytes(4, "little") + swap_words(bytes.fromhex(prevhash)) + root + bytes.fromhex(ntime)[::-1]
            + bytes.fromhex(nbits)[::-1] + bytes.fromhex(nonce)[::-1])


def target_of(difficulty: float) -> int:
    """T = floor(0xffff * 2^208 / d), exact: a double is a fraction of two integers."""
    numerator, denominator = float(difficulty).as_integer_ratio()
    return min(DIFFICULTY_1 * denominator // numerator, (1 << 256) - 1)


@dataclass(frozen=True)
class Share:
    job_id: str
    en2: str
    ntime: str
    nonce: str
    bits: str | None = None
    hash: bytes = b""  # internal order

    @property
    def value(self) -> int:
        return int.from_bytes(self.hash, "little")

    def params(self, user: str) -> list:
        return [user, self.job_id, self.en2, self.ntime, self.nonce] + ([] if self.bits is None else [self.bits])

    def but(self, **changes) -> "Share":
        return replace(self, **changes)


class Rig(Wire):
    """`jobs` holds the params of every notify, `difficulties` every set_difficulty as (value, jobs seen before it)."""

    def __init__(self, connection, user: str = USER, agent: str = "suite/1.0"):
        super().__init__(connection)
        self.user, self.agent = user, agent
        self.jobs, self.difficulties, self.masks = [], [], []
        self.en1, self.en2_size, self.session, self.mask = "", 0, "", 0
        self._en2 = itertools.count(1)

    def line(self, timeout: float = 0) -> bytes:
        raw = super().line(timeout)
        message = json.loads(raw)
        method, params = message.get("method"), message.get("params")
        if method == "mining.notify":
            self.jobs.append(params)
        elif method == "mining.set_difficulty":
            self.difficulties.append((params[0], len(self.jobs)))
        elif method == "mining.set_version_mask":
            self.masks.append(params[0])
        elif method == "mining.set_extranonce":
            self.en1, self.en2_size = params
        return raw

    # -- the handshake, each step waited for

    def configure(self, *extensions, **options) -> dict:
        """configure("version-rolling", **{"version-rolling.mask": "ffffffff"}): the result object."""
        answer = self.call(next(_numbers), "mining.configure", list(extensions), options)
        assert answer["error"] is None, answer
        if "version-rolling.mask" in answer["result"]:
            self.mask = int(answer["result"]["version-rolling.mask"], 16)
        return answer["result"]

    def roll_versions(self, mask: str = "ffffffff") -> "Rig":
        self.configure("version-rolling", **{"version-rolling.mask": mask})
        return self

    def suggest(self, difficulty: float = 1.5 * 2.0**-32) -> "Rig":
        """Asks for a difficulty; as it is, one that a third of all hashes miss."""
        assert self.call(next(_numbers), "mining.suggest_difficulty", difficulty)["result"] is True
        return self

    def subscribe(self, *params) -> list:
        answer = self.call(next(_numbers), "mining.subscribe", *(params or [self.agent]))
        assert answer["error"] is None, answer
        pairs, self.en1, self.en2_size = answer["result"]
        self.session = next(sid for method, sid in pairs if method.startswith("mining.notify"))
        return answer["result"]

    def authorize(self, user: str = "", password="x") -> dict:
        return self.call(next(_numbers), "mining.authorize", user or self.user, password)

    def login(self, password="x") -> "Rig":
        """Subscribed, authorized, with its first job."""
        self.subscribe()
        answer = self.authorize(password=password)
        assert answer["result"] is True, answer
        self.wait_job()
        return self

    # -- jobs

    @property
    def job(self) -> list:
        return self.jobs[-1]

    @property
    def difficulty(self) -> float:
        return self.difficulties[-1][0]

    def wait_job(self, more_than: int = 0, timeout: float = 0) -> list:
        """The newest job once there are more than so many."""
        while len(self.jobs) <= more_than:
            self.line(timeout)
        return self.job

    def wait_tip(self, display: str, timeout: float = 0) -> list:
        """The newest job once it builds on this block."""
        wanted = swap_words(bitcoin.internal(display)).hex()
        while not self.jobs or self.job[1] != wanted:
            self.line(timeout)
        return self.job

    # -- shares

    def share(self, nonce: int, job: list | None = None, bits: str | None = None, ntime: str = "", en2: str = "") -> Share:
        job = job or self.job
        en2 = en2 or next(self._en2).to_bytes(self.en2_size, "big").hex()
        text = f"{nonce:08x}"
        header = header_of(job, self.en1, en2, ntime or job[7], text, bits or "0")
        return Share(job[0], en2, ntime or job[7], text, bits, dsha(header))

    def find(self, block: bool = False, above: int = 0, upto: int | None = None, first_nonce: int = 0x10000001, **options) -> Share:
        """A share that is a block or is none, with a hash value in (above, upto]; upto: what our difficulty asks.
        `options` go to share()."""
        job = options.get("job") or self.job
        network = bitcoin.target_of_nbits(int(job[6], 16))
        upto = target_of(self.difficulty) if upto is None else upto
        en2 = options.pop("en2", "") or next(self._en2).to_bytes(self.en2_size, "big").hex()
        for nonce in range(first_nonce, first_nonce + (1 << 20)):
            share = self.share(nonce, en2=en2, **options)
            if (share.value <= network) == block and above < share.value <= upto:
                return share
        raise AssertionError("no such hash among 2^20")

    def low(self, block: bool = False, **options) -> Share:
        """A share that misses our difficulty."""
        return self.find(block, above=target_of(self.difficulty), upto=(1 << 256) - 1, **options)

    def submit(self, share: Share, user: str = "") -> dict:
        return self.call(next(_numbers), "mining.submit", *share.params(user or self.user))

    def submit_params(self, *params) -> dict:
        return self.call(next(_numbers), "mining.submit", *params)


def accepted(answer: dict) -> dict:
    assert answer["result"] is True and answer["error"] is None, f"not accepted: {answer}"
    return answer


def refused(answer: dict, code: int) -> str:
    """The text of an error of the documented form with this code."""
    assert set(answer) == {"id", "result", "error"}, answer
    assert answer["result"] in (False, None), f"not refused: {answer}"
    error = answer["error"]
    assert isinstance(error, list) and len(error) == 3, f"an error is [code, text, null]: {answer}"
    assert isinstance(error[0], int) and isinstance(error[1], str) and error[1] and error[2] is None, answer
    assert error[0] == code, f"code {error[0]}, expected {code}: {answer}"
    return error[1]
