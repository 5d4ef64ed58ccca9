"""A Stratum client that does coherence work with framework/coherence.py, at levels and targets easy enough for Python."""

import dataclasses

from . import coherence
from .coherence import Claim
from .stratum_client import StratumClient
from .util import wait_until


@dataclasses.dataclass(frozen=True)
class CoherenceJob:
    """One coherence.notify, with the extranonce and the target that hold for it."""

    job_id: str
    work: coherence.Job
    target: int
    clean: bool
    height: int


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
                work = coherence.Job(bytes.fromhex(header), extranonce, int(bits, 16))
                jobs.append(CoherenceJob(job_id, work, target, clean, height))
        return jobs

    def wait_for_coherence_job(self, besides: str = "", clean: bool | None = None, timeout: float = 30) -> CoherenceJob:
        """The newest job, once it has another id than `besides`, and, if that is said, is clean or not."""
        def fits() -> bool:
            jobs = self.coherence_jobs()
            return bool(jobs) and jobs[-1].job_id != besides and clean in (None, jobs[-1].clean)

        wait_until(fits, timeout, "a coherence job")
        return self.coherence_jobs()[-1]

    def submit_params(self, job: CoherenceJob, claimed: Claim) -> list:
        return [self.user, job.job_id, *claimed.params]

    def submit_claim(self, job: CoherenceJob, claimed: Claim, timeout: float = 20) -> bool:
        """True when accepted; Rejected otherwise."""
        return self.call("coherence.submit", *self.submit_params(job, claimed), timeout=timeout)
