"""A Stratum client that does coherence work with coh1.py, at levels and targets easy enough for Python."""

import dataclasses
import struct

from . import coh1
from .stratum_client import StratumClient
from .util import wait_until


@dataclasses.dataclass(frozen=True)
class CoherenceJob:
    """One coherence.notify, with the extranonce and the target that hold for it."""

    job_id: str
    header76: bytes
    extranonce: int
    params: int
    target: int
    clean: bool
    height: int

    def bloom(self, attempt: int, earliest: int = 0) -> coh1.Bloom | None:
        phases = coh1.phases_of(self.header76, self.extranonce, attempt, self.params)
        return coh1.run(phases, self.params & 0xffff, earliest)


@dataclasses.dataclass(frozen=True)
class Claim:
    attempt: int
    bloom_end: int
    r_q: int
    psi_q: int
    cert_hash: bytes

    @staticmethod
    def of(attempt: int, bloom: coh1.Bloom) -> "Claim":
        last = bloom.orders[-1]
        return Claim(attempt, bloom.end, coh1.r_q(last), coh1.psi_q(last), coh1.sha(coh1.certificate_of(bloom)))

    def work_hash(self, job: CoherenceJob) -> bytes:
        nonce = coh1.nonce_of(self.attempt)
        words = struct.pack("<4I", nonce, coh1.float_bits(self.r_q), coh1.float_bits(self.psi_q), coh1.N)
        return coh1.shad(struct.pack("<I", coh1.lucas(nonce)) + job.header76 + words + self.cert_hash)

    def meets(self, job: CoherenceJob) -> bool:
        return int.from_bytes(self.work_hash(job), "little") < job.target

    @property
    def params(self) -> list:
        """Of coherence.submit, behind the user's name and the job."""
        return [f"{self.attempt:016x}", self.bloom_end, self.r_q, self.psi_q, self.cert_hash.hex()]


def find(job: CoherenceJob, first: int = 0, meets: bool = True) -> tuple[Claim, coh1.Bloom]:
    """The first attempt from `first` on that blooms and whose work hash is (or is not) below the target."""
    attempt = first
    while True:
        bloom = job.bloom(attempt)
        if bloom and Claim.of(attempt, bloom).meets(job) == meets:
            return Claim.of(attempt, bloom), bloom
        attempt = (attempt + 1) % 2**64


class CoherenceClient(StratumClient):
    def login_for_proofs(self, only: bool = True) -> "CoherenceClient":
        """Asks until the pool has coherence work, logs in, and waits for a job."""
        options = {"coherence.version": 1, "coherence.only": only}
        wait_until(lambda: self.call("mining.configure", ["coherence"], options) == {"coherence": True, "coherence.version": 1}, 30,
                   "coherence work")
        self.extranonce1 = bytes.fromhex(self.call("mining.subscribe", "test-client/1")[1])
        assert self.call("mining.authorize", self.user, "x") is True
        self.wait_for_coherence_job()
        return self

    def coherence_jobs(self) -> list[CoherenceJob]:
        """In the order in which they came."""
        jobs, extranonce, target = [], None, None
        for message in list(self.messages):
            method, params = message.get("method"), message.get("params")
            if method == "coherence.set_extranonce":
                extranonce = int(params[0], 16)
            elif method == "coherence.set_target":
                target = int(params[0], 16)
            elif method == "coherence.notify":
                job_id, header, bits, clean, height = params
                jobs.append(CoherenceJob(job_id, bytes.fromhex(header), extranonce, int(bits, 16), target, clean, height))
        return jobs

    def wait_for_coherence_job(self, besides: str = "", clean: bool | None = None, timeout: float = 30) -> CoherenceJob:
        """The newest job, once it has another id than `besides`, and, if that is said, is clean or not."""
        def fits() -> bool:
            jobs = self.coherence_jobs()
            return bool(jobs) and jobs[-1].job_id != besides and clean in (None, jobs[-1].clean)

        wait_until(fits, timeout, "a coherence job")
        return self.coherence_jobs()[-1]

    def submit_params(self, job: CoherenceJob, claim: Claim) -> list:
        return [self.user, job.job_id, *claim.params]

    def submit_claim(self, job: CoherenceJob, claim: Claim, timeout: float = 20) -> bool:
        """True when accepted; Rejected otherwise."""
        return self.call("coherence.submit", *self.submit_params(job, claim), timeout=timeout)
