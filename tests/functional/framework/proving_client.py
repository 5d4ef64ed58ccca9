"""A Stratum client that takes coherence work: it reads the extension's messages itself, and has its attempts replayed by
`phaseminer coherence-attempt`, one process each."""

import itertools
import json
import subprocess
from dataclasses import dataclass

from .stratum_client import Rejected, StratumClient
from .util import BIN, wait_until

LEVEL = 0  # the tests' level: nearly every attempt blooms, after about a thousand rounds
# Of the chain in tests: every second proof is a block; the easiest shares there are.
EASY = {"level": LEVEL, "initial_bits": "207fffff", "start_difficulty": 1, "min_difficulty": 1, "shares_per_minute": 600}


@dataclass(frozen=True)
class CoherenceJob:
    job_id: str
    header76: bytes
    params: str
    clean: bool
    height: int

    @property
    def prev_hash(self) -> bytes:
        return self.header76[4:36]

    @property
    def merkle_root(self) -> bytes:
        return self.header76[36:68]

    @property
    def time(self) -> int:
        return int.from_bytes(self.header76[68:72], "little")

    @property
    def target(self) -> int:
        bits = int.from_bytes(self.header76[72:76], "little")
        return (bits & 0x7FFFFF) << 8 * ((bits >> 24) - 3)


@dataclass(frozen=True)
class Proof:
    job: CoherenceJob
    attempt: int
    bloom_end: int
    r_q: int
    psi_q: int
    cert_hash: str
    work_hash: bytes

    @property
    def is_block(self) -> bool:
        return int.from_bytes(self.work_hash, "little") < self.job.target

    def params(self, user: str) -> list:
        return [user, self.job.job_id, f"{self.attempt:016x}", self.bloom_end, self.r_q, self.psi_q, self.cert_hash]


class ProvingClient(StratumClient):
    def __init__(self, port: int, **options):
        self.coherence_jobs = []
        self.extranonce = None
        self.target = None
        self.offered = None
        self._attempts = itertools.count()
        super().__init__(port, **options)

    def login(self, only: bool = True) -> "ProvingClient":
        """Asks for the extension first. With `only`, no other work comes. Waits for the first coherence job."""
        answer = self.call("mining.configure", ["coherence"], {"coherence.version": 1, "coherence.only": only})
        self.offered = answer.get("coherence")
        assert self.offered is True, answer
        _, extranonce1, self.extranonce2_size = self.call("mining.subscribe", "proving-test/1")
        self.extranonce1 = bytes.fromhex(extranonce1)
        assert self.call("mining.authorize", self.user, "x") is True
        wait_until(lambda: self.coherence_jobs, 60, "a coherence job")
        return self

    def _on_message(self, message: dict):
        if message.get("method") == "coherence.notify":
            job_id, header76, params, clean, height = message["params"]
            self.coherence_jobs.append(CoherenceJob(job_id, bytes.fromhex(header76), params, clean, height))
        elif message.get("method") == "coherence.set_extranonce":
            self.extranonce = message["params"][0]
        elif message.get("method") == "coherence.set_target":
            self.target = int(message["params"][0], 16)
        super()._on_message(message)

    @property
    def coherence_job(self) -> CoherenceJob:
        return self.coherence_jobs[-1]

    def wait_for_coherence_job(self, after: CoherenceJob, timeout: float = 20) -> CoherenceJob:
        """The first job that came after this one."""
        place = self.coherence_jobs.index(after) + 1
        wait_until(lambda: len(self.coherence_jobs) > place, timeout, f"a job after {after.job_id}")
        return self.coherence_jobs[place]

    def find_proof(self, block: bool | None = None, job: CoherenceJob | None = None) -> Proof:
        """A true proof that meets the target we were given; with `block`, one that is (or is not) a block of the chain."""
        job = job or self.coherence_job
        while True:
            attempt = next(self._attempts)
            found = replay(job.header76, self.extranonce, attempt, int(job.params, 16) & 0xFFFF)
            if not found["bloom"]:
                continue
            proof = Proof(job, attempt, found["bloom_end"], found["r_q"], found["psi_q"], found["cert_hash"],
                          bytes.fromhex(found["work_hash"]))
            if int.from_bytes(proof.work_hash, "little") < self.target and block in (None, proof.is_block):
                return proof

    def prove(self, proof: Proof, timeout: float = 30) -> bool:
        """True when accepted; Rejected otherwise."""
        return self.call("coherence.submit", *proof.params(self.user), timeout=timeout)

    def prove_until_taken(self, proof: Proof) -> bool:
        """Submits again for as long as the verifiers are full."""
        def taken() -> bool:
            try:
                return self.prove(proof)
            except Rejected as rejected:
                if "again" not in rejected.text:
                    raise
                return False

        return wait_until(taken, 60, "room in the verifiers")


def replay(header76: bytes, extranonce: str, attempt: int, level: int) -> dict:
    done = subprocess.run([BIN / "phaseminer", "coherence-attempt", "--header76", header76.hex(), "--extranonce", extranonce,
                           "--attempt", f"{attempt:016x}", "--level", str(level), "--json"],
                          capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode in (0, 1), done.stderr
    return json.loads(done.stdout)
