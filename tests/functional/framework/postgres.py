"""A private PostgreSQL cluster: its own folder, a Unix socket on a short path, no TCP.

The server refuses to run as root, so as root it runs as user `postgres`, in a folder that user can reach.
"""

import hashlib
import os
import pathlib
import pwd
import shutil
import signal
import subprocess
import tempfile

from .util import Process, StartError, wait_until

ROOTED = pathlib.Path("/var/lib/phasepool-regtest")  # for clusters whose own folder postgres can't reach


def binaries() -> pathlib.Path:
    """The newest PostgreSQL on this machine."""
    found = sorted(pathlib.Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: int(path.parts[-3]))
    if found:
        return found[-1].parent
    initdb = shutil.which("initdb")
    if not initdb:
        raise StartError("PostgreSQL is not installed: no initdb in /usr/lib/postgresql/*/bin or PATH")
    return pathlib.Path(initdb).resolve().parent


class Postgres:
    """`folder` keeps the cluster between starts; `durable=False` is for tests that never lose power.
    `template` is the data folder of a stopped cluster to begin with, which is quicker than initdb.
    `owner` is the role that migrates: under another name than `phasepool`, the pool's roles are all made by the migrations."""

    def __init__(self, folder: pathlib.Path, durable: bool = True, template: pathlib.Path | None = None, owner: str = "phasepool",
                 settings: tuple = ()):
        self.owner = owner
        self.settings = settings  # more of postgresql.conf, as "name=value"
        self.user = "postgres" if os.geteuid() == 0 else None
        self.durable = durable
        self.template = template
        self.log_folder = pathlib.Path(folder)
        self.log_folder.mkdir(parents=True, exist_ok=True)
        self.data = self._data_folder(self.log_folder / "data")
        self.sockets = pathlib.Path(tempfile.mkdtemp(prefix="pp-"))
        self.bin = binaries()
        self.process = None
        self._own(self.sockets)

    def url(self, database: str = "phasepool") -> str:
        return f"postgresql:///{database}?host={self.sockets}&user={self.owner}"

    def start(self):
        if not (self.data / "PG_VERSION").exists():
            self._initdb()
        self.process = Process("postgres", self._server_args(), self.log_folder / "postgres.log", user=self.user,
                               cwd="/")
        wait_until(self._ready, 60, "PostgreSQL's socket")
        if not self.template:
            self._create()
        return self

    def stop(self, how: int = signal.SIGINT):
        """SIGINT: fast and clean. SIGQUIT: at once, recovering from its log at the next start."""
        if self.process:
            self.process.stop(how)
            self.process = None

    def close(self):
        """Stops, and takes the socket's folder away."""
        self.stop()
        shutil.rmtree(self.sockets, ignore_errors=True)

    def destroy(self):
        self.close()
        shutil.rmtree(self.data, ignore_errors=True)

    def psql(self, statement: str, database: str = "phasepool", user: str = "") -> str:
        """The statement's rows as psql prints them unaligned; StartError with its message if it fails."""
        done = self.run_psql(["-q", "-A", "-t", "-c", statement], database, user)
        if done.returncode:
            raise StartError(done.stderr.strip())
        return done.stdout.strip()

    def run_psql(self, options: list, database: str = "phasepool", user: str = "", env: dict | None = None,
                 timeout: float = 60) -> subprocess.CompletedProcess:
        """psql with these options, which stops at the first error; as `owner` when no user is named."""
        return subprocess.run(
            [self.bin / "psql", "-X", "-v", "ON_ERROR_STOP=1", "-h", self.sockets, "-U", user or self.owner, "-d", database, *options],
            capture_output=True, text=True, timeout=timeout, check=False, stdin=subprocess.DEVNULL,
            env={**os.environ, **(env or {})})

    def create_database(self, name: str, template: str = "template1"):
        """A database of our owner's; nobody may be connected to `template`."""
        self.psql(f"CREATE DATABASE {name} OWNER {self.owner} TEMPLATE {template}", "postgres", "postgres")

    # -- inside

    def _server_args(self) -> list:
        args = [self.bin / "postgres", "-D", self.data, "-k", self.sockets, "-c", "listen_addresses=",
                "-c", "log_min_messages=warning", "-c", "max_connections=150", "-c", "shared_buffers=64MB",
                "-c", "unix_socket_permissions=0700"]
        if not self.durable:
            args += ["-c", "fsync=off", "-c", "full_page_writes=off"]
        for setting in self.settings:
            args += ["-c", setting]
        return args

    def _initdb(self):
        if self.template:
            subprocess.run(["cp", "-a", self.template, self.data], check=True)
            return
        self._own(self.data)
        done = subprocess.run(
            [self.bin / "initdb", "-D", self.data, "-U", "postgres", "-A", "trust", "-E", "UTF8", "--locale=C.UTF-8", "--no-sync"],
            cwd="/", capture_output=True, text=True, check=False, **self._identity())
        if done.returncode:
            raise StartError(f"initdb failed in {self.data}: {done.stderr.strip() or done.stdout.strip()}")

    def _create(self):
        if not self.psql(f"SELECT 1 FROM pg_roles WHERE rolname = '{self.owner}'", "postgres", "postgres"):
            self.psql(f"CREATE ROLE {self.owner} LOGIN CREATEROLE", "postgres", "postgres")
        if not self.psql("SELECT 1 FROM pg_database WHERE datname = 'phasepool'", "postgres", "postgres"):
            self.create_database("phasepool")

    def _ready(self) -> bool:
        if not self.process.running():
            raise StartError(f"PostgreSQL ended at once:\n{self.process.tail()}")
        try:
            return self.psql("SELECT 1", "postgres", "postgres") == "1"
        except StartError:
            return False

    def _identity(self) -> dict:
        return {"user": self.user, "group": self.user, "extra_groups": []} if self.user else {}

    def _own(self, folder: pathlib.Path):
        folder.mkdir(mode=0o700, exist_ok=True)
        if self.user:
            shutil.chown(folder, self.user, self.user)

    def _data_folder(self, wanted: pathlib.Path) -> pathlib.Path:
        """`wanted`, or where user postgres can't reach it (a repository below /root), one of its own below
        /var/lib, the same for the same `wanted`."""
        if not self.user or self._reachable(wanted.parent):
            return wanted
        ROOTED.mkdir(mode=0o755, exist_ok=True)
        return ROOTED / hashlib.sha256(str(wanted.resolve()).encode()).hexdigest()[:16]

    def _reachable(self, folder: pathlib.Path) -> bool:
        try:
            pwd.getpwnam(self.user)
        except KeyError:
            raise StartError("PostgreSQL can't run as root, and there is no user postgres") from None
        return subprocess.run(["/usr/bin/test", "-x", folder.resolve()], cwd="/", check=False, **self._identity()).returncode == 0
