"""A Stratum client of our own, which shares no code with the pool or phaseminer.

It builds headers from what mining.notify says, grinds them with hashlib, and can choose whether a share
is to be a block as well (see pool.EASIEST). `messages` keeps every line the pool sent, in order.
"""

import itertools
import json
import socket
import struct
import threading
import time
from dataclasses import dataclass

from . import bitcoin
from .bitcoin import sha256d
from .util import wait_until


@dataclass
class Job:
    """One mining.notify, as the miner needs it."""

    job_id: str
    prevhash: bytes  # internal order
    coinb1: bytes
    coinb2: bytes
    branch: list
    version: int
    nbits: int
    ntime: int
    clean: bool

    @staticmethod
    def parse(params: list) -> "Job":
        job_id, prevhash, coinb1, coinb2, branch, version, nbits, ntime, clean = params
        words = bytes.fromhex(prevhash)
        swapped = b"".join(words[i : i + 4][::-1] for i in range(0, 32, 4))
        return Job(job_id, swapped, bytes.fromhex(coinb1), bytes.fromhex(coinb2), [bytes.fromhex(x) for x in branch],
                   int(version, 16), int(nbits, 16), int(ntime, 16), clean)

    def coinbase(self, extranonce1: bytes, extranonce2: bytes) -> bytes:
        return self.coinb1 + extranonce1 + extranonce2 + self.coinb2

    def header(self, extranonce1: bytes, extranonce2: bytes, ntime: int, version_bits: int = 0) -> bytes:
        """The 76 bytes before the nonce."""
        root = sha256d(self.coinbase(extranonce1, extranonce2))
        for step in self.branch:
            root = sha256d(root + step)
        return struct.pack("<I", self.version | version_bits) + self.prevhash + root + struct.pack("<II", ntime, self.nbits)


@dataclass
class Share:
    """What mining.submit sends, and the header hash it stands for (internal order)."""

    job_id: str
    extranonce2: bytes
    ntime: int
    nonce: int
    hash: bytes
    is_block: bool

    def params(self, user: str) -> list:
        return [user, self.job_id, self.extranonce2.hex(), f"{self.ntime:08x}", f"{self.nonce:08x}"]


class Rejected(Exception):
    def __init__(self, error):
        super().__init__(f"{error}")
        self.code, self.text = error[0], error[1]


class StratumClient:
    """Connects, reads on a thread of its own; `call` waits for the answer with the same id."""

    def __init__(self, port: int, user: str = bitcoin.PAYOUT_ADDRESS + ".raw", host: str = "127.0.0.1"):
        self.user = user
        self.socket = socket.create_connection((host, port), timeout=10)
        self.socket.settimeout(None)
        self.messages = []
        self.answers = {}
        self.jobs = []
        self.difficulty = None
        self.closed = False
        self.extranonce1 = b""
        self.extranonce2_size = 0
        self._ids = itertools.count(1)
        self._extranonce2 = itertools.count(1)
        self._changed = threading.Condition()
        threading.Thread(target=self._read, daemon=True).start()

    # -- lines

    def send_raw(self, data: bytes):
        self.socket.sendall(data)

    def request(self, method: str, *params) -> int:
        """Sends without waiting; returns the id."""
        number = next(self._ids)
        self.send_raw(json.dumps({"id": number, "method": method, "params": list(params)}).encode() + b"\n")
        return number

    def answer(self, number: int, timeout: float = 20):
        """The result for this id; Rejected for an error; AssertionError when none comes."""
        with self._changed:
            self._changed.wait_for(lambda: number in self.answers or self.closed, timeout)
            assert number in self.answers, f"no answer to request {number}" + (": connection closed" if self.closed else "")
            message = self.answers[number]
        if message.get("error"):
            raise Rejected(message["error"])
        return message["result"]

    def call(self, method: str, *params, timeout: float = 20):
        return self.answer(self.request(method, *params), timeout)

    def close(self):
        try:
            self.socket.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass
        self.socket.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def _read(self):
        pending = b""
        try:
            while data := self.socket.recv(65536):
                *lines, pending = (pending + data).split(b"\n")
                for line in lines:
                    self._on_message(json.loads(line))
        except OSError:
            pass
        with self._changed:
            self.closed = True
            self._changed.notify_all()

    def _on_message(self, message: dict):
        with self._changed:
            self.messages.append(message)
            if message.get("method") == "mining.notify":
                self.jobs.append(Job.parse(message["params"]))
            elif message.get("method") == "mining.set_difficulty":
                self.difficulty = message["params"][0]
            elif message.get("id") is not None:
                self.answers[message["id"]] = message
            self._changed.notify_all()

    # -- mining

    def login(self) -> "StratumClient":
        """Subscribes, authorizes, and waits for the first job."""
        _, extranonce1, self.extranonce2_size = self.call("mining.subscribe", "test-client/1")
        self.extranonce1 = bytes.fromhex(extranonce1)
        assert self.call("mining.authorize", self.user, "x") is True
        self.wait_for_job()
        return self

    @property
    def job(self) -> Job:
        return self.jobs[-1]

    def wait_for_job(self, prevhash: str = "", timeout: float = 20) -> Job:
        """The newest job, once there is one; with `prevhash` (display hex), once it builds on that."""
        wait_until(lambda: self.jobs and (not prevhash or bitcoin.display(self.job.prevhash) == prevhash), timeout,
                   f"a job on {prevhash or 'any tip'}")
        return self.job

    def wait_for_first_job(self, prevhash: str, timeout: float = 20) -> Job:
        """The first job that built on `prevhash` (display hex), once there is one."""
        def jobs() -> list:
            return [job for job in self.jobs if bitcoin.display(job.prevhash) == prevhash]

        wait_until(jobs, timeout, f"a job on {prevhash}")
        return jobs()[0]

    def find_share(self, block: bool, job: Job | None = None, meets_share_target: bool = True) -> Share:
        """A share that is (or is not) a block, and meets (or misses) the difficulty we were given."""
        job = job or self.job
        share_target = bitcoin.target_of_difficulty(self.difficulty)
        block_target = bitcoin.target_of_nbits(job.nbits)
        extranonce2 = next(self._extranonce2).to_bytes(self.extranonce2_size, "big")
        start = job.header(self.extranonce1, extranonce2, job.ntime)
        for nonce in range(1 << 24):
            block_hash = sha256d(start + struct.pack("<I", nonce))
            value = bitcoin.hash_value(block_hash)
            if (value <= block_target) == block and (value <= share_target) == meets_share_target:
                return Share(job.job_id, extranonce2, job.ntime, nonce, block_hash, block)
        raise AssertionError("no such hash among 2^24")

    def submit(self, share: Share, timeout: float = 20) -> bool:
        """True when accepted; Rejected otherwise."""
        return self.call("mining.submit", *share.params(self.user), timeout=timeout)

    def submit_later(self, share: Share) -> int:
        return self.request("mining.submit", *share.params(self.user))


def rejection(call, *args) -> Rejected:
    """The Rejected that `call` raises; AssertionError when it is accepted."""
    try:
        result = call(*args)
    except Rejected as rejected:
        return rejected
    raise AssertionError(f"accepted ({result!r}), and should not have been")


class Load:
    """Submits shares as fast as they are answered, from a thread of its own, and remembers each hash
    whose answer was `true`. It goes on through rejects, and ends with the connection."""

    def __init__(self, client: StratumClient, in_flight: int = 8):
        self.client = client
        self.accepted = set()  # internal-order hashes
        self.unanswered = set()
        self.rejected = 0
        self._in_flight = in_flight
        self._stop = False
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def stop(self):
        self._stop = True
        self._thread.join(30)
        assert not self._thread.is_alive()

    def _run(self):
        waiting = {}
        try:
            while not self._stop:
                while len(waiting) < self._in_flight:
                    share = self.client.find_share(block=False)
                    self.unanswered.add(share.hash)
                    waiting[self.client.submit_later(share)] = share
                self._collect(waiting)
            deadline = time.monotonic() + 20
            while waiting and time.monotonic() < deadline:
                self._collect(waiting)
        except OSError:
            pass
        # What arrived before the connection ended counts.
        while self._collect(waiting, wait=False):
            pass

    def _collect(self, waiting: dict, wait: bool = True) -> bool:
        client = self.client
        with client._changed:
            ready = [number for number in waiting if number in client.answers]
            if not ready and wait:
                if client.closed:
                    raise OSError("closed")
                client._changed.wait(0.5)
        for number in ready:
            share = waiting.pop(number)
            self.unanswered.discard(share.hash)
            if client.answers.pop(number).get("result") is True:
                self.accepted.add(share.hash)
            else:
                self.rejected += 1
        return bool(ready)
