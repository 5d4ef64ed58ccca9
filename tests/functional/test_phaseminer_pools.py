"""phaseminer and its pools: several in order of preference, TLS with a checked certificate, a SOCKS5 proxy, and peers that are
no pools at all. What the policy is stands in miner/README.md."""

import os
import socket
import subprocess
import threading

import pytest

from framework import bitcoin
from framework.miner import Miner
from framework.relay import Relay, SocksProxy
from framework.util import free_port, wait_until
from test_tls import make_certificate


class PoolsMiner(Miner):
    """phaseminer with the options that are given, and nothing else but --json and one thread."""

    def __init__(self, folder, *options):
        super().__init__(folder, 0)
        self.args = [self.program, "-t", "1", "--json", *(str(option) for option in options)]

    @property
    def said(self) -> str:
        return (self.folder / "phaseminer.log").read_text(errors="replace")

    def newest(self, key: str):
        return self.lines[-1][key] if self.lines else None


def shares_of(cluster, worker: str) -> int:
    return cluster.query("SELECT count(*) FROM shares JOIN workers ON workers.id = shares.worker_id WHERE workers.name = %s", worker)[0][0]


def miner_for(cluster, *options) -> PoolsMiner:
    return cluster.also_close(PoolsMiner(cluster.folder / "miner", *options))


def test_the_preferred_pool_is_mined_for_whenever_it_is_there(cluster):
    cluster.start()
    relay = cluster.also_close(Relay(free_port(), cluster.pool.stratum_port))
    user = bitcoin.PAYOUT_ADDRESS
    miner = miner_for(cluster, "-o", f"127.0.0.1:{relay.port}", "-u", f"{user}.first",
                      "-o", f"stratum+tcp://{user}.second:x@127.0.0.1:{cluster.pool.stratum_port}", "--retry-pause", "1").start()
    wait_until(lambda: shares_of(cluster, "second") > 0, 60, "shares at the second pool")
    assert shares_of(cluster, "first") == 0 and "connection refused" in miner.said
    relay.open()
    wait_until(lambda: shares_of(cluster, "first") > 0, 90, "shares at the first pool, which is back")
    wait_until(lambda: miner.newest("pool") == f"stratum+tcp://127.0.0.1:{relay.port}", 30, "the miner to say so")
    wait_until(lambda: cluster.pool.api()["connections"] == 1, 30, "the second pool to be left")
    before = shares_of(cluster, "second")
    relay.cut()
    wait_until(lambda: shares_of(cluster, "second") > before, 60, "shares at the second pool again")
    assert miner.stop() == 0


def test_tls_by_a_proxy_with_a_certificate_that_is_checked(cluster):
    cluster.start_postgres()
    cluster.start_node()
    pool = cluster.make_pool()
    certificate, key = make_certificate(cluster.folder, "pool.test")
    tls_port = free_port()
    pool.config["stratum"]["listen"].append({"host": "127.0.0.1", "port": tls_port, "tls": "only"})
    pool.config["stratum"]["tls_certificate"], pool.config["stratum"]["tls_key"] = str(certificate), str(key)
    pool.migrate()
    pool.start()
    proxy = cluster.also_close(SocksProxy(free_port(), "miner", "s3cret").open())
    way = ["-u", f"{bitcoin.PAYOUT_ADDRESS}.tls", "-x", f"socks5://miner:s3cret@127.0.0.1:{proxy.port}", "-r", "0"]

    # A name that only the proxy knows; the certificate is for it.
    miner = miner_for(cluster, "-o", f"stratum+ssl://pool.test:{tls_port}", "--ca-file", certificate, *way).start()
    wait_until(lambda: (miner.newest("accepted") or 0) >= 10, 60, "shares over TLS")
    assert miner.stop() == 0
    assert set(proxy.asked_for) == {"pool.test"}
    wait_until(lambda: shares_of(cluster, "tls") >= 10, 30, "the shares in the database")

    for status, options, why in (
            (1, ["-o", f"stratum+ssl://pool.test:{tls_port}"], "its certificate is refused: self-signed certificate"),
            (1, ["-o", f"stratum+ssl://other.test:{tls_port}", "--ca-file", certificate], "its certificate is refused: hostname mismatch"),
            (2, ["-o", f"stratum+ssl://pool.test:{tls_port}", "--ca-file", "/nowhere"], "--ca-file \"/nowhere\": No such file")):
        done = subprocess.run([Miner.program, "-t", "1", *options, *way], capture_output=True, text=True, timeout=60, check=False)
        assert done.returncode == status and why in done.stdout + done.stderr, done.stdout + done.stderr


class Peer:
    """Accepts and says something, whatever it hears."""

    def __init__(self, says: bytes):
        self.says = says
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self):
        while True:
            try:
                one, _ = self.listener.accept()
            except OSError:
                return
            with one:
                try:
                    one.recv(4096)
                    one.sendall(self.says)
                    one.settimeout(1)
                    while one.recv(4096):
                        pass
                except OSError:
                    pass

    def close(self):
        self.listener.close()


@pytest.mark.parametrize("says, why", [
    (b"HTTP/1.1 400 Bad Request\r\nServer: x\r\n" + b"X: y\r\n" * 10 + b"\r\n", "does not speak Stratum"),
    (os.urandom(1 << 20), ""),
    (b"x" * (1 << 20), "a line of more than"),
    (b"\n" * 100_000, "ended"),
    (b'{"id":2,"result":[[],"' + b"00" * 40 + b'",8],"error":null}\n', "at most 32 bytes"),
    (b'{"id":2,"result":[[],"00",17],"error":null}\n', "extranonce2_size 17"),
    (b'{"id":2,"result":null,"error":[20,"go away",null]}\n', "refused to subscribe us: go away"),
    (b"", "ended"),
], ids=["http", "noise", "endless_line", "empty_lines", "extranonce1", "extranonce2", "refusal", "silence"])
def test_peers_that_are_no_pools(cluster, says, why):
    peer = cluster.also_close(Peer(says))
    done = subprocess.run([Miner.program, "-o", f"127.0.0.1:{peer.port}", "-u", "u", "-t", "1", "-r", "0"],
                          capture_output=True, text=True, timeout=120, errors="replace", check=False)
    said = done.stdout + done.stderr
    assert done.returncode == 1 and "giving up after 1 attempts" in said and why in said, said
    assert len(said) < 10_000 and all(character.isprintable() or character == "\n" for character in said)
