"""Waiting, ports, and child processes that never outlive us."""

import ctypes
import os
import pathlib
import random
import signal
import socket
import subprocess
import time

ROOT = pathlib.Path(__file__).resolve().parents[3]
BIN = pathlib.Path(os.environ.get("PHASEPOOL_BIN", ROOT / "build" / "release" / "bin"))


class StartError(RuntimeError):
    """A process that did not come up; the message is for a person."""


class StillWaiting(AssertionError):
    """Patience came to its end: on a busy machine that may say more of the machine than of the program."""


def wait_until(condition, timeout: float = 30, what: str = "", poll: float = 0.02):
    """The condition's first true value; StillWaiting naming `what` after `timeout` seconds."""
    deadline = time.monotonic() + timeout
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > deadline:
            raise StillWaiting(f"still waiting after {timeout} s for {what or condition}; last value: {value!r}")
        time.sleep(poll)


def _ports():
    """Below the range from which the kernel takes ports for outgoing connections (32768 on), so that none
    of those sits on a port of ours between now and its use. Workers of a parallel run have ranges of their own."""
    worker = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0")[2:]) % 4
    first, count = 12000 + 5000 * worker, 5000
    start = random.randrange(count)  # other runs on this machine start elsewhere
    while True:
        for step in range(count):
            yield first + (start + step) % count


_port_source = _ports()


def free_port() -> int:
    """A port on loopback that nobody listens on, and that this process was not given lately."""
    return next(port for port in _port_source if port_is_free("127.0.0.1", port))


def port_is_free(host: str, port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError:
            return False
    return True


def _die_with_parent():
    # PR_SET_PDEATHSIG: should the parent be killed outright, its children end too.
    ctypes.CDLL(None).prctl(1, signal.SIGTERM)


class Process:
    """One child in its own session, so that a terminal's Ctrl-C reaches only us and we stop it in order.

    Its output goes to `log`. Only this pid and its process group are ever signalled.
    """

    def __init__(self, name: str, args: list, log: pathlib.Path, env: dict | None = None, user: str | None = None,
                 cwd: str | None = None, stdout=None):
        self.name = name
        self.log = pathlib.Path(log)
        identity = {"user": user, "group": user, "extra_groups": []} if user else {}
        with open(self.log, "ab") as out:
            self._popen = subprocess.Popen(
                [str(arg) for arg in args], stdin=subprocess.DEVNULL, stdout=stdout or out, stderr=out, cwd=cwd,
                env={**os.environ, **(env or {})}, start_new_session=True, preexec_fn=_die_with_parent, **identity)

    @property
    def pid(self) -> int:
        return self._popen.pid

    @property
    def stdout(self):
        return self._popen.stdout

    @property
    def returncode(self):
        return self._popen.poll()

    def running(self) -> bool:
        return self._popen.poll() is None

    def send(self, number: int):
        if self.running():
            self._popen.send_signal(number)

    def wait(self, timeout: float = 30) -> int:
        return self._popen.wait(timeout)

    def stop(self, number: int = signal.SIGTERM, timeout: float = 30) -> int:
        """Asks, waits, and kills the group when it does not listen; returns the exit status."""
        self.send(number)
        try:
            return self._popen.wait(timeout)
        except subprocess.TimeoutExpired:
            self.kill()
            raise AssertionError(f"{self.name} (pid {self.pid}) did not stop within {timeout} s; see {self.log}") from None

    def kill(self):
        """kill -9 of the process and whatever it started in its group."""
        try:
            os.killpg(self.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
        self._popen.wait(10)

    def tail(self, lines: int = 15) -> str:
        text = self.log.read_text(errors="replace") if self.log.exists() else ""
        return "\n".join(text.splitlines()[-lines:])
