"""phaseminer as a child process."""

import json
import pathlib
import subprocess
import threading

from . import bitcoin
from .util import BIN, Process


class Miner:
    """`lines` collects what --json prints, one object each."""

    program = BIN / "phaseminer"

    def __init__(self, folder: pathlib.Path, port: int, worker: str = "rig1", threads: int = 1, address: str = bitcoin.PAYOUT_ADDRESS,
                 host: str = "127.0.0.1", extra: list | None = None):
        self.folder = pathlib.Path(folder)
        self.folder.mkdir(parents=True, exist_ok=True)
        self.args = [self.program, "-o", f"stratum+tcp://{host}:{port}", "-u", f"{address}.{worker}", "-p", "x",
                     "-t", threads, "--json", *(extra or [])]
        self.lines = []
        self.process = None
        self._reader = None

    def start(self):
        self.process = Process("phaseminer", self.args, self.folder / "phaseminer.log", stdout=subprocess.PIPE)
        return self.read()

    def read(self):
        """Begins to collect the lines of the process."""
        self._reader = threading.Thread(target=self._read, args=(self.process.stdout,), daemon=True)
        self._reader.start()
        return self

    def stop(self) -> int:
        status = self.process.stop()
        self._reader.join(10)
        self.process = None
        return status

    def close(self):
        if self.process:
            self.process.kill()
            self.process = None

    def _read(self, pipe):
        for line in pipe:
            try:
                self.lines.append(json.loads(line))
            except ValueError:
                self.lines.append({"unreadable": line.decode(errors="replace")})
