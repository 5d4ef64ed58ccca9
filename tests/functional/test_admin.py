"""The operator's orders: `phasepool admin` and the admin listener, on a pool with miners."""

import http.client
import json
import os
import socket
import stat

import pytest
from framework import bitcoin
from framework.stratum_client import StratumClient
from framework.util import free_port, wait_until


def token(pool) -> str:
    return (pool.folder / "data" / "admin.token").read_text().strip()


def order(pool, name: str, headers: dict | None = None, method: str = "POST", **body) -> tuple:
    """(status, answer)"""
    connection = http.client.HTTPConnection("127.0.0.1", pool.admin_port, timeout=30)
    try:
        every = {"Authorization": f"Bearer {token(pool)}"} | (headers or {})
        connection.request(method, f"/admin/v1/{name}", json.dumps(body), every)
        response = connection.getresponse()
        return response.status, json.loads(response.read())
    finally:
        connection.close()


def admin(pool, *args) -> str:
    done = pool.command("admin", *args)
    assert done.returncode == 0, done.stderr
    return done.stdout


def said(client, method: str) -> list:
    return [message["params"] for message in list(client.messages) if message.get("method") == method]


def lets_in(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def test_orders_act(cluster):
    cluster.start_postgres()
    cluster.start_node()
    pool = cluster.make_pool()
    proxied = free_port()
    pool.config["stratum"]["listen"].append({"host": "127.0.0.1", "port": proxied, "proxy_from": ["127.0.0.1"]})
    pool.migrate()
    pool.start()
    first, second = cluster.client(), cluster.client(user=bitcoin.PAYOUT_ADDRESS + ".second")

    assert stat.S_IMODE(os.stat(pool.folder / "data" / "admin.token").st_mode) == 0o600
    assert json.loads(admin(pool, "status"))["shards_draining"] == 0

    # To everybody, and to one worker.
    assert json.loads(admin(pool, "message", "Moving at noon"))["connections"] == 2
    for client in (first, second):
        wait_until(lambda client=client: said(client, "client.show_message") == [["Moving at noon"]], 20, "the message")
    assert json.loads(admin(pool, "message", "Only you", "--to", bitcoin.PAYOUT_ADDRESS + ".second"))["connections"] == 1
    wait_until(lambda: ["Only you"] in said(second, "client.show_message"), 20, "the second message")
    assert said(first, "client.show_message") == [["Moving at noon"]]

    # A config that has a mistake in it is told of, and changes nothing.
    pool.config["stratum"]["instance"] = 7
    assert "instance" in admin(pool, "reload")
    pool.config["stratum"]["instance"] = 700
    pool.write_config()
    status, answer = order(pool, "reload")
    assert (status, answer["error"]["code"]) == (409, "not_done")
    assert "stratum.instance" in answer["error"]["message"]
    pool.config["stratum"]["instance"] = 7

    # Drained: nobody is let in, who mines is asked to go and may stay, and the figures say how far it is.
    answer = json.loads(admin(pool, "drain", "--to-host", "b.example", "--to-port", "3334"))
    assert answer["connections"] == 2
    wait_until(lambda: ["b.example", 3334, 0] in said(first, "client.reconnect"), 20, "the wish to reconnect")
    assert not lets_in(pool.stratum_port)
    wait_until(lambda: pool.get("/readyz")[0] == 503, 20, "readiness to end")
    assert b"draining" in pool.get("/readyz")[1]
    assert first.submit(first.find_share(block=False))
    first.close()
    wait_until(lambda: json.loads(admin(pool, "status"))["connections"] == 1, 20, "one to be left")
    second.close()
    last = admin(pool, "drain", "--no-reconnect", "--wait").splitlines()[-1]
    assert json.loads(last)["drained"] is True
    admin(pool, "resume")
    wait_until(lambda: pool.get("/readyz")[0] == 200, 20, "readiness")

    # Banned: closed and not let in, until it is lifted.
    def come_from(address: str) -> StratumClient:
        client = StratumClient(proxied)
        client.send_raw(f"PROXY TCP4 {address} 192.0.2.9 1000 3333\r\n".encode())
        return client

    third, beside = come_from("192.0.2.1").login(), come_from("192.0.2.2").login()
    assert json.loads(admin(pool, "ban", "192.0.2.1", "--seconds", "600"))["connections"] == 1
    wait_until(lambda: third.closed, 20, "the banned miner's end")
    banned = come_from("192.0.2.1")
    wait_until(lambda: banned.closed, 20, "the refusal")
    wait_until(lambda: pool.api()["connection_counts"]["closes"]["banned"] == 1, 20, "the count of it")
    assert beside.submit(beside.find_share(block=False))
    admin(pool, "unban", "192.0.2.1")
    come_from("192.0.2.1").login()

    log = pool.log.read_text()
    assert log.count("admin_order ") >= 8
    assert token(pool) not in log


def test_nobody_else_gives_orders(cluster):
    pool = cluster.start()
    client = cluster.client()
    rows = [({"Authorization": ""}, "POST", 401), ({"Authorization": "Bearer " + "0" * 64}, "POST", 401),
            ({"Host": "rebound.example"}, "POST", 403), ({"Origin": "http://localhost"}, "POST", 403), ({}, "GET", 405)]
    for headers, method, expected in rows:
        status, answer = order(pool, "drain", headers, method)
        assert (status, set(answer)) == (expected, {"error"})
    assert order(pool, "ban", address="everybody")[0] == 400
    assert order(pool, "nothing")[0] == 404
    assert pool.get("/admin/v1/status")[0] == 404  # not on the public listener
    assert order(pool, "status")[1]["shards_draining"] == 0
    assert client.submit(client.find_share(block=False))


@pytest.mark.parametrize("what", ["loopback", "token"])
def test_what_would_let_others_in_is_refused_at_the_start(cluster, what):
    cluster.start_postgres()
    cluster.start_node()
    pool = cluster.make_pool()
    if what == "loopback":
        pool.config["http"]["admin_listen"] = f"0.0.0.0:{free_port()}"
        done = pool.command("migrate")
        assert done.returncode == 2
        assert "http.admin_listen" in done.stderr
        assert "loopback" in done.stderr
        return
    pool.migrate()
    data = pool.folder / "data"
    data.mkdir()
    (data / "admin.token").write_text("0" * 64)
    (data / "admin.token").chmod(0o644)
    done = pool.command("run")
    assert done.returncode == 1
    assert "admin.token" in done.stderr
    assert "others may use it" in done.stderr
