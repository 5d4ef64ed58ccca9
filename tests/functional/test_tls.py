"""TLS as an operator meets it: what is wrong with a certificate is said before anything starts, a renewed one is taken
at SIGHUP without dropping anybody, and OpenSSL's own client gets on with the pool."""

import os
import shutil
import signal
import socket
import ssl
import subprocess

import pytest

from framework import bitcoin
from framework.certificates import der, make_certificate
from framework.util import free_port, wait_until

PING = b'{"id":7,"method":"mining.ping","params":[]}\n'
PONG = b'{"id":7,"result":"pong","error":null}\n'


class Miner:
    def __init__(self, port: int):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        self.socket = context.wrap_socket(socket.create_connection(("127.0.0.1", port), 20))
        self.certificate = self.socket.getpeercert(binary_form=True)

    def ping(self) -> bool:
        self.socket.sendall(PING)
        heard = b""
        while not heard.endswith(b"\n"):
            more = self.socket.recv(4096)
            if not more:
                return False
            heard += more
        return heard == PONG


@pytest.fixture
def pool(cluster):
    """Configured with a certificate and a port for TLS alone, migrated, not started."""
    cluster.start_postgres()
    cluster.start_node(blocks=2)
    pool = cluster.make_pool()
    pool.migrate()
    pool.certificate, pool.key = make_certificate(cluster.folder, "first")
    pool.tls_port = free_port()
    pool.config["stratum"]["listen"].append({"host": "127.0.0.1", "port": pool.tls_port, "tls": "only"})
    pool.config["stratum"]["tls_certificate"], pool.config["stratum"]["tls_key"] = str(pool.certificate), str(pool.key)
    return pool


def test_a_renewed_certificate_is_taken_at_sighup(cluster, pool):
    pool.start()
    on_plain, on_tls = Miner(pool.stratum_port), Miner(pool.tls_port)
    assert on_plain.ping() and on_tls.ping()
    first = der(pool.certificate)
    assert on_tls.certificate == first and on_plain.certificate == first

    pool.certificate.write_text("no certificate\n")
    os.kill(pool.process.pid, signal.SIGHUP)
    wait_until(lambda: "tls_not_reloaded" in pool.log.read_text(), 20, "the pool to say what is wrong")
    line = next(line for line in pool.log.read_text().splitlines() if "tls_not_reloaded" in line)
    assert str(pool.certificate) in line and "holds no certificate" in line, line
    assert Miner(pool.tls_port).certificate == first

    renewed, key = make_certificate(cluster.folder, "renewed")
    shutil.copy(renewed, pool.certificate)
    shutil.copy(key, pool.key)
    os.kill(pool.process.pid, signal.SIGHUP)
    wait_until(lambda: Miner(pool.tls_port).certificate == der(renewed), 20, "the renewed certificate")
    assert Miner(pool.stratum_port).certificate == der(renewed)
    assert on_plain.ping() and on_tls.ping(), "who was connected stays connected"
    assert pool.stop() == 0


def test_openssl_s_client(cluster, pool):
    pool.start()
    login = (b'{"id":1,"method":"mining.subscribe","params":["s_client"]}\n'
             b'{"id":2,"method":"mining.authorize","params":["' + bitcoin.PAYOUT_ADDRESS.encode() + b'","x"]}\n')
    for version in ("-tls1_2", "-tls1_3"):
        process = subprocess.Popen(["openssl", "s_client", "-connect", f"127.0.0.1:{pool.tls_port}", version, "-quiet", "-CAfile",
                                    pool.certificate, "-verify_return_error"],
                                   stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        try:
            process.stdin.write(login)
            process.stdin.flush()
            heard = [process.stdout.readline() for _ in range(4)]
        finally:
            process.kill()
            complaints = process.communicate(timeout=20)[1]
        assert b'"mining.notify"' in heard[3], (version, heard, complaints)


@pytest.mark.parametrize("case", ["absent", "not PEM", "another's key", "no certificate for a TLS port"])
def test_what_is_wrong_with_a_certificate(cluster, pool, case):
    stratum = pool.config["stratum"]
    if case == "absent":
        pool.certificate.unlink()
        expected = [str(pool.certificate), "No such file"]
    elif case == "not PEM":
        pool.key.write_text("hello\n")
        expected = [str(pool.key), "holds no private key"]
    elif case == "another's key":
        stratum["tls_key"] = str(make_certificate(cluster.folder, "other")[1])
        expected = [stratum["tls_key"], "is not the key of the certificate"]
    else:
        del stratum["tls_certificate"], stratum["tls_key"]
        expected = ["stratum.listen[1].tls", "stratum.tls_certificate"]
    for command in ("run", "check"):
        done = pool.command(command)
        said = done.stdout + done.stderr
        assert done.returncode != 0 and all(word in said for word in expected), said
