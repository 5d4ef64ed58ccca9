"""The web listener's TLS as an operator meets it: https beside http or instead of it, a certificate renewed at SIGHUP,
what is wrong with one said before anything starts, and what an address may take set in the configuration."""

import http.client
import os
import shutil
import signal
import ssl

import pytest

from framework import metrics
from framework.certificates import der, make_certificate
from framework.util import wait_until

ANSWER_SECONDS = 60


def https(pool, trusted=None) -> http.client.HTTPSConnection:
    """`trusted`: the certificate that must be shown; None: any."""
    context = ssl.create_default_context(cafile=trusted)
    if trusted is None:
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    return http.client.HTTPSConnection("127.0.0.1", pool.http_port, timeout=ANSWER_SECONDS, context=context)


def get(connection, path: str):
    """The response, read; the connection stays open."""
    connection.request("GET", path)
    response = connection.getresponse()
    response.body = response.read()
    return response


def shown(pool) -> bytes:
    """The certificate that a new handshake is shown."""
    connection = https(pool)
    connection.connect()
    try:
        return connection.sock.getpeercert(binary_form=True)
    finally:
        connection.close()


@pytest.fixture
def pool(cluster):
    """Configured with a certificate for its web listener, migrated, not started."""
    cluster.start_postgres()
    cluster.start_node(blocks=2)
    pool = cluster.make_pool()
    pool.migrate()
    pool.certificate, pool.key = make_certificate(cluster.folder, "web", addresses=["127.0.0.1"])
    pool.config["http"]["tls_certificate"], pool.config["http"]["tls_key"] = str(pool.certificate), str(pool.key)
    return pool


def test_https_beside_http_and_a_renewed_certificate(cluster, pool):
    pool.start()  # which waits for it by plain HTTP
    kept = https(pool, trusted=pool.certificate)
    page = get(kept, "/")
    assert page.status == 200 and page.body.rstrip().endswith(b"</html>")
    assert page.headers["content-security-policy"] and page.headers["strict-transport-security"] is None
    first_socket = kept.sock
    assert get(kept, "/api/v1/pool").status == 200 and kept.sock is first_socket, "kept alive"
    assert pool.get("/api/v1/pool")[0] == 200, "plain HTTP goes on"

    first = der(pool.certificate)
    assert shown(pool) == first
    pool.key.write_text("no key\n")
    os.kill(pool.process.pid, signal.SIGHUP)
    wait_until(lambda: "tls_not_reloaded" in pool.log.read_text(), ANSWER_SECONDS, "the pool to say what is wrong")
    line = next(line for line in pool.log.read_text().splitlines() if "tls_not_reloaded" in line)
    assert "http.tls_certificate, tls_key" in line and str(pool.key) in line, line
    assert shown(pool) == first

    renewed, key = make_certificate(cluster.folder, "renewed")
    shutil.copy(renewed, pool.certificate)
    shutil.copy(key, pool.key)
    os.kill(pool.process.pid, signal.SIGHUP)
    wait_until(lambda: shown(pool) == der(renewed), ANSWER_SECONDS, "the renewed certificate")
    assert get(kept, "/healthz").status == 200 and kept.sock is first_socket, "who was connected stays connected"
    assert metrics.read(pool)['phasepool_http_tls_handshakes_total{result="done"}'] >= 3
    assert pool.stop() == 0


def test_tls_alone(cluster, pool):
    pool.config["http"]["tls"] = "only"
    pool.start(wait=False)

    def is_ready() -> bool:
        assert pool.process.running(), pool.process.tail()
        try:
            return get(https(pool), "/readyz").status == 200
        except OSError:
            return False

    wait_until(is_ready, ANSWER_SECONDS, "the pool to be ready")
    page = get(https(pool, trusted=pool.certificate), "/")
    assert page.status == 200 and page.headers["strict-transport-security"] == "max-age=31536000"
    plain = http.client.HTTPConnection("127.0.0.1", pool.http_port, timeout=ANSWER_SECONDS)
    moved = get(plain, "/blocks?page=2")
    assert moved.status == 308 and moved.headers["location"] == f"https://127.0.0.1:{pool.http_port}/blocks?page=2"
    assert moved.headers["strict-transport-security"] is None
    # The operator's own listener is for this machine, and stays as it was.
    assert pool.get("/nothing", port=pool.admin_port)[0] in (401, 403, 404)


def test_what_an_address_may_take_is_configured(cluster, pool):
    """This machine's proxy speaks for others, who are then counted one by one."""
    pool.config["http"]["limits"] = {"requests_per_second_per_address": 1}
    pool.start()

    def ask(client: str) -> int:
        connection = https(pool)
        try:
            connection.request("GET", "/healthz", headers={"X-Forwarded-For": client})
            return connection.getresponse().status
        finally:
            connection.close()

    answers = [ask("192.0.2.1") for _ in range(11)]
    assert answers[:10] == [200] * 10, answers
    # On a slow machine a second may have passed meanwhile: then it takes a few more.
    wait_until(lambda: ask("192.0.2.1") == 429, ANSWER_SECONDS, "one request too many")
    assert ask("192.0.2.2") == 200
    assert metrics.read(pool)['phasepool_http_refusals_total{reason="rate_limit"}'] >= 1


@pytest.mark.parametrize("case", ["absent", "another's key", "TLS alone without a certificate"])
def test_what_is_wrong_with_the_web_certificate(cluster, pool, case):
    settings = pool.config["http"]
    if case == "absent":
        pool.certificate.unlink()
        expected = ["http.tls_certificate", str(pool.certificate), "No such file"]
    elif case == "another's key":
        settings["tls_key"] = str(make_certificate(cluster.folder, "other")[1])
        expected = [settings["tls_key"], "is not the key of the certificate"]
    else:
        del settings["tls_certificate"], settings["tls_key"]
        settings["tls"] = "only"
        expected = ["http.tls", "http.tls_certificate"]
    for command in ("run", "check"):
        done = pool.command(command)
        said = done.stdout + done.stderr
        assert done.returncode != 0 and all(word in said for word in expected), said
