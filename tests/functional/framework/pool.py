"""phasepool as a child process, its configuration, and its web API."""

import http.client
import json
import pathlib
import signal
import subprocess

from . import bitcoin
from .util import BIN, Process, StartError, free_port, wait_until

# The easiest difficulty the pool takes. On regtest half of all hashes are blocks; at this difficulty
# the other half are shares, so a test can have accepted shares with and without moving the chain.
EASIEST = 2.0**-32


class Pool:
    """`config` is what will be written to pool.json; change it before start()."""

    program = BIN / "phasepool"

    def __init__(self, folder: pathlib.Path, nodes: list, database_url: str, difficulty: float = EASIEST,
                 stratum_port: int = 0, http_port: int = 0, admin_port: int = 0, host: str = "127.0.0.1"):
        self.folder = pathlib.Path(folder)
        self.folder.mkdir(parents=True, exist_ok=True)
        self.stratum_port = stratum_port or free_port()
        self.http_port = http_port or free_port()
        self.admin_port = admin_port or free_port()
        self.config_path = self.folder / "pool.json"
        self.log = self.folder / "phasepool.log"
        self.process = None
        self.config = {
            "network": "regtest",
            "payout_address": bitcoin.PAYOUT_ADDRESS,
            "data_dir": str(self.folder / "data"),
            "nodes": nodes,
            "database": database_url,
            "stratum": {
                "listen": [{"host": host, "port": self.stratum_port}],
                # On regtest `min` is what counts: the network's difficulty is below it, and no share
                # is ever asked to be harder than a block except by this floor.
                "difficulty": {"start": difficulty, "min": difficulty, "vardiff": False},
            },
            "http": {"listen": f"{host}:{self.http_port}", "admin_listen": f"127.0.0.1:{self.admin_port}"},
        }

    # -- commands that end by themselves

    def write_config(self):
        self.config_path.touch(mode=0o600)  # it holds the node's password
        self.config_path.write_text(json.dumps(self.config, indent=2) + "\n")

    def command(self, *args, timeout: float = 60) -> subprocess.CompletedProcess:
        """`phasepool ARGS -c pool.json`, run to its end."""
        self.write_config()
        return subprocess.run([self.program, *args, "-c", self.config_path], capture_output=True, text=True, timeout=timeout,
                              stdin=subprocess.DEVNULL, check=False)

    def migrate(self):
        done = self.command("migrate")
        if done.returncode:
            raise StartError(f"phasepool migrate failed ({done.returncode}): {done.stderr.strip()}")

    # -- the server

    def start(self, wait: bool = True, env: dict | None = None):
        self.write_config()
        self.process = Process("phasepool", [self.program, "run", "-c", self.config_path], self.log, env=env)
        if wait:
            wait_until(lambda: self.answers("/readyz"), 60, "phasepool to be ready")
        return self

    def stop(self, timeout: float = 30) -> int:
        """SIGTERM; returns the exit status."""
        status = self.process.stop(signal.SIGTERM, timeout)
        self.process = None
        return status

    def kill(self):
        """kill -9."""
        self.process.kill()
        self.process = None

    def close(self):
        if self.process:
            self.process.kill()
            self.process = None

    def answers(self, path: str = "/healthz") -> bool:
        """Whether this page is there with status 200; StartError when the process has ended."""
        if not self.process.running():
            raise StartError(f"phasepool ended with status {self.process.returncode}:\n{self.process.tail()}")
        try:
            return self.get(path)[0] == 200
        except (OSError, http.client.HTTPException):
            return False

    # -- the web side

    def get(self, path: str, port: int = 0) -> tuple:
        """(status, body)"""
        connection = http.client.HTTPConnection("127.0.0.1", port or self.http_port, timeout=10)
        try:
            connection.request("GET", path)
            response = connection.getresponse()
            return response.status, response.read()
        finally:
            connection.close()

    def api(self, path: str = "pool") -> dict:
        status, body = self.get(f"/api/v1/{path}")
        assert status == 200, f"/api/v1/{path} answered {status}: {body[:200]!r}"
        return json.loads(body)
