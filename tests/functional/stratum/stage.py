"""Where checks play: one real node and one PostgreSQL (World), and a pool on them (Stage).

Starting a node takes seconds, so a World is kept for a whole run and every pool of it gets a database and a
data folder of its own. A Stage has a listener of each kind; `open` gives a connection through the one that is
being tested. Variants are pools with other settings, started when the first check asks for one.
"""

import pathlib
import socket
import ssl
import subprocess

import psycopg2

from framework import bitcoin
from framework.cluster import Cluster
from framework.pool import EASIEST, Pool
from framework.util import BIN, free_port, wait_until

from .check import EVERYWHERE, IPV6, OFF, PLAIN, PROXY, TLS
from .harder_node import HarderNode
from .rig import Rig
from .wire import Wire

FAULTY = BIN / "phasepool_faulty"
PROXY_V2_SIGNATURE = b"\r\n\r\n\0\r\nQUIT\n"



# What differs from the ordinary pool; nested keys as in pool.json.
VARIANTS = {
    "": {},
    "as it comes": {},  # with the limits that a pool has by default
    "impatient": {"stratum": {"keepalive_seconds": 5, "limits": {"subscribe_seconds": 1, "authorize_seconds": 2, "idle_seconds": 10}}},
    "graceful": {"stratum": {"stale_grace_ms": 1500}},
    "hard vardiff": {"stratum": {"difficulty": {"vardiff": True, "shares_per_minute": 60, "power_of_two": False}}},
    "payouts": {"coinbase_outputs": [{"address": bitcoin.segwit_address(bytes([0x30 + n]) * 20), "ppm": 10_000} for n in range(60)]},
    "hard network": {},  # behind harder_node.py
    "high floor": {"stratum": {"difficulty": {"start": 1e-5, "min": 1e-5}}},  # blocks are easier than shares
    "strict": {"stratum": {"limits": {"connections_per_address": 20, "handshakes_per_address": 10, "lines_per_second": 20, "ban_seconds": 2}}},
    "instance 7": {"stratum": {"instance": 7}},
}
# Checks come by the thousand from one address, and send a lot that is not Stratum.
GENEROUS = {"connections_per_address": 1_000_000, "handshakes_per_address": 1_000_000, "connects_per_minute_per_address": 1_000_000,
            "lines_per_second": 1_000_000, "lines_per_second_per_address": 10_000_000, "ban_seconds": 0}


def merged(base: dict, changes: dict) -> dict:
    out = dict(base)
    for key, value in changes.items():
        out[key] = merged(out[key], value) if isinstance(value, dict) and isinstance(out.get(key), dict) else value
    return out


def make_certificate(folder: pathlib.Path, name: str = "pool") -> tuple:
    """(certificate, key): self-signed, ECDSA P-256, for localhost."""
    certificate, key = folder / f"{name}.crt", folder / f"{name}.key"
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2",
                    "-subj", f"/CN={name}", "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1", "-keyout", key, "-out", certificate],
                   check=True, capture_output=True, timeout=60)
    return certificate, key


class World(Cluster):
    """Node and PostgreSQL, and a migrated database to copy for each pool."""

    def __init__(self, name: str):
        super().__init__(name)
        self.start_postgres()
        self.start_node(blocks=2)
        self.certificate, self.key = make_certificate(self.folder)
        self.make_pool().migrate()
        self.pool = None
        self.stages = []
        self._harder = None

    def harder_node(self) -> HarderNode:
        self._harder = self._harder or HarderNode(self.node)
        return self._harder

    def stage(self, variant: str = "", program: pathlib.Path | None = None, fault: str = "") -> "Stage":
        number = len(self.stages)
        name = f"stage{number}"
        self.postgres.psql(f"CREATE DATABASE {name} TEMPLATE phasepool OWNER phasepool", "postgres", "postgres")
        stage = Stage(self, self.folder / name, self.postgres.url(name), variant, program, fault)
        self.stages.append(stage)
        return stage.start()

    def query_in(self, stage: "Stage", statement: str, *parameters) -> list:
        """Rows of this pool's own database."""
        connection = psycopg2.connect(stage.pool.config["database"])
        try:
            connection.autocommit = True
            with connection.cursor() as cursor:
                cursor.execute(statement, parameters or None)
                return cursor.fetchall()
        finally:
            connection.close()

    def close(self, keep: bool):
        for stage in self.stages:
            stage.close()
        if self._harder:
            self._harder.close()
        super().close(keep)


class Stage:
    def __init__(self, world: World, folder: pathlib.Path, database: str, variant: str, program, fault: str):
        self.world, self.node, self.variant_name, self.fault = world, world.node, variant, fault
        self.transport = PLAIN
        node = world.harder_node() if variant.startswith("hard") else world.node
        self.pool = Pool(folder, [node.config()], database, EASIEST)
        self.program = program
        self.ports = {PLAIN: self.pool.stratum_port, **{kind: free_port() for kind in (TLS, PROXY, OFF, IPV6)}}
        self.pool.config = merged(self.pool.config, self._settings(variant))
        if program:
            self.pool.program = program
        self._variants = {}
        self._open = []

    def _settings(self, variant: str) -> dict:
        listen = [{"host": "::1" if kind == IPV6 else "127.0.0.1", "port": port,
                   "tls": {TLS: "only", OFF: "off"}.get(kind, "auto"), "proxy_from": ["127.0.0.1/32"] if kind == PROXY else []}
                  for kind, port in self.ports.items()]
        files = {"tls_certificate": str(self.world.certificate), "tls_key": str(self.world.key)}
        limits = {} if variant == "as it comes" else GENEROUS
        return merged({"stratum": {"shards": 1, "limits": limits, "listen": listen, **files}}, VARIANTS[variant])

    def start(self) -> "Stage":
        self.pool.start(env={"PHASEPOOL_TEST_FAULT": self.fault} if self.fault else None)
        return self

    def variant(self, name: str) -> "Stage":
        """The pool with these settings; started once, and listening on the same kind as we are."""
        if name not in self._variants:
            self._variants[name] = None  # so that a pool that does not start is not tried again
            self._variants[name] = self.world.stage(name, self.program, self.fault)
        assert self._variants[name], f"the pool {name} did not start"
        self._variants[name].transport = self.transport
        self._variants[name].settle()
        return self._variants[name]

    def settle(self):
        """Waits until the pool works on the node's tip: another check, on another pool, may just have moved it."""
        self.wait_until(lambda: self.counter("tip") == self.node.tip(), what="the pool to work on the node's tip")

    # -- connections

    def socket(self, via: str = "", source: str = "127.0.0.1", buffer: int = 0, raw: bool = False,
               behind: str = "192.0.2.77") -> socket.socket:
        """Connected, with the transport's own greeting done unless `raw`. `behind` is the miner's address where a proxy
        speaks for it; limits and bans do not count loopback's own."""
        via = via or self.transport
        connection = socket.socket()
        if buffer:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, buffer)
        connection.settimeout(15)
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        connection.bind((source, 0))
        connection.connect(("127.0.0.1", self.ports[via]))
        if raw:
            return connection
        if via == TLS:
            return client_tls(self.world).wrap_socket(connection, server_hostname="localhost")
        if via == PROXY:
            connection.sendall(f"PROXY TCP4 {behind} 127.0.0.1 40000 3333\r\n".encode())
        return connection

    def open(self, via: str = "", **options) -> Wire:
        return self.kept(Wire(self.socket(via, **options)))

    def rig(self, user: str = "", agent: str = "suite/1.0", via: str = "", **options) -> Rig:
        """Connected, and nothing said yet."""
        rig = Rig(self.socket(via, **options), agent=agent)
        rig.user = user or rig.user
        return self.kept(rig)

    def kept(self, wire: Wire) -> Wire:
        self._open.append(wire)
        return wire

    def hang_up(self):
        """Ends every connection that checks opened."""
        for stage in filter(None, self._variants.values()):
            stage.hang_up()
        for wire in self._open:
            wire.close()
        self._open.clear()

    # -- what the pool says elsewhere

    @staticmethod
    def wait_until(condition, timeout: float = 0, what: str = ""):
        """Waits at most `timeout` seconds, or twice as long as a wire would if that is less."""
        return wait_until(condition, min(timeout or Wire.patience, 2 * Wire.patience), what)

    def counter(self, name: str):
        """The value of this name, wherever in /api/v1/pool it stands."""
        waiting = [self.pool.api()]
        while waiting:
            value = waiting.pop()
            if name in value:
                return value[name]
            waiting += [inner for inner in value.values() if isinstance(inner, dict)]
        raise AssertionError(f"/api/v1/pool has no counter {name}")

    def rejects(self) -> dict:
        return self.pool.api()["shares"]["rejects"]

    def log_lines(self) -> list:
        return self.pool.log.read_text(errors="replace").splitlines()

    def close(self):
        self.hang_up()
        self.pool.close()


def client_tls(world: World, least=ssl.TLSVersion.TLSv1_2, most=ssl.TLSVersion.TLSv1_3) -> ssl.SSLContext:
    """As ESP-Miner with a pasted certificate: checks chain and host name."""
    context = ssl.create_default_context(cafile=world.certificate)
    context.minimum_version, context.maximum_version = least, most
    return context
