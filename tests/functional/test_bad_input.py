"""What an operator can get wrong ends with one line that says what, where, and what to do, and exit status not 0.

And what a stranger can send to the Stratum port never ends the process.
"""

import random
import re
import socket
import time

import pytest

from framework import bitcoin
from framework.node import Node
from framework.util import free_port, wait_until


LOG_LINE = re.compile(r"^\d{4}-\d\d-\d\dT[\d:.]+Z +(?:info|warn) ")


def complaint(done) -> str:
    """The one line that a command which must have failed ends with; before it, at most lines of the log."""
    assert done.returncode > 0, f"ended with {done.returncode}: {done.stderr}"
    lines = [line for line in done.stderr.strip().splitlines() if not LOG_LINE.match(line)]
    assert len(lines) == 1 and lines[0].startswith("phasepool: "), f"not one line:\n{done.stderr}"
    assert done.stderr.strip().endswith(lines[0]), f"not the last line:\n{done.stderr}"
    return lines[0]


@pytest.fixture
def pool(cluster):
    """Configured, migrated, not started."""
    cluster.start_postgres()
    cluster.start_node()
    pool = cluster.make_pool()
    pool.migrate()
    return pool


@pytest.mark.parametrize("command", ["run", "check", "migrate"])
def test_wrong_key(cluster, pool, command):
    pool.config["stratum"]["dificulty"] = {}
    line = complaint(pool.command(command))
    assert "dificulty" in line and "pool.json" in line, line


def test_wrong_value(cluster, pool):
    pool.config["stratum"]["listen"][0]["port"] = 70000
    line = complaint(pool.command("run"))
    assert "70000" in line and "port" in line and "pool.json" in line, line


def test_no_such_file(cluster, pool):
    pool.config_path = pool.folder / "missing.json"
    pool.write_config = lambda: None
    assert "missing.json" in complaint(pool.command("run"))


def test_not_json(cluster, pool):
    pool.config_path.write_text('{"network": "regtest",,}\n')
    pool.write_config = lambda: None
    line = complaint(pool.command("run"))
    assert "pool.json" in line and "1" in line, line


def test_payout_address_of_another_network(cluster, pool):
    pool.config["payout_address"] = "bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4"
    line = complaint(pool.command("run"))
    assert "payout_address" in line and "regtest" in line, line


def test_unreachable_node(cluster, pool):
    port = free_port()
    pool.config["nodes"][0]["rpc"] = f"http://127.0.0.1:{port}"
    line = complaint(pool.command("run"))
    assert str(port) in line, line


def test_wrong_rpc_password(cluster, pool):
    pool.config["nodes"][0]["password"] = "wrong"
    line = complaint(pool.command("run"))
    assert "password" in line, line
    assert cluster.node.password not in line


def test_node_of_another_network(cluster, pool):
    pool.config["network"] = "testnet"
    pool.config["payout_address"] = "tb1qw508d6qejxtdg4y5r3zarvary0c5xw7kxpjzsx"
    line = complaint(pool.command("run"))
    assert "regtest" in line and "testnet" in line, line


def test_node_in_initial_download(cluster, pool):
    """A mainnet node without peers: it is at the genesis block, and says so."""
    node = Node(cluster.folder / "mainnet", chain="mainnet").start()
    try:
        pool.config["network"] = "mainnet"
        pool.config["payout_address"] = "bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4"
        pool.config["nodes"] = [node.config()]
        line = complaint(pool.command("run"))
        # bcoin has no word for it but that it is not connected.
        assert "download" in line or "connected" in line, line
    finally:
        node.stop()


def test_port_in_use(cluster, pool):
    with socket.create_server(("127.0.0.1", pool.stratum_port)):
        line = complaint(pool.command("run"))
    assert str(pool.stratum_port) in line, line


def test_http_port_in_use(cluster, pool):
    with socket.create_server(("127.0.0.1", pool.http_port)):
        line = complaint(pool.command("run"))
    assert str(pool.http_port) in line, line


def test_database_down_at_the_first_start(cluster, pool):
    cluster.postgres.stop()
    line = complaint(pool.command("run"))
    assert "database" in line.lower() or "postgres" in line.lower(), line
    assert "database" in complaint(pool.command("migrate")).lower()


def test_database_without_schema(cluster, pool):
    cluster.postgres.create_database("other")
    pool.config["database"] = cluster.postgres.url("other")
    assert "phasepool migrate" in complaint(pool.command("run"))
    done = pool.command("check")  # says what run will say
    assert done.returncode == 1 and re.search(r"^FAIL +database .*phasepool migrate", done.stdout, re.MULTILINE), done.stdout
    pool.migrate()
    assert pool.command("check").returncode == 0
    pool.start()
    assert pool.stop() == 0


@pytest.mark.parametrize("command", ["run", "migrate"])
def test_schema_too_new(cluster, pool, command):
    columns = cluster.query("SELECT max(version) FROM schema_migrations")
    newer = columns[0][0] + 1
    cluster.postgres.psql("INSERT INTO schema_migrations (version, name, sha256, applied_at)"
                          f" VALUES ({newer}, 'from_the_future', repeat('0', 64), now())")
    line = complaint(pool.command(command))
    assert "newer" in line, line


def test_a_data_dir_that_has_served_starts_without_the_database(cluster, pool):
    pool.start()
    client = cluster.client()
    first = client.find_share(block=False)
    assert client.submit(first)
    wait_until(lambda: cluster.stored_hashes() == [first.hash], 20, "the share in PostgreSQL")
    assert pool.stop() == 0

    cluster.postgres.stop()
    pool.start()
    assert pool.api()["database"]["connected"] is False
    client = cluster.client()
    second = client.find_share(block=False)
    assert client.submit(second)
    wait_until(lambda: "database" in pool.log.read_text().lower(), 10, "a word about the database in the log")
    cluster.postgres.start()
    wait_until(lambda: sorted(cluster.stored_hashes()) == sorted([first.hash, second.hash]), 60, "both shares in PostgreSQL", poll=0.2)


def test_check_says_yes_and_no(cluster, pool):
    done = pool.command("check")
    assert done.returncode == 0, done.stdout + done.stderr
    pool.config["nodes"][0]["password"] = "wrong"
    done = pool.command("check")
    assert done.returncode != 0
    assert "password" in done.stdout + done.stderr


def test_migrate_twice(cluster, pool):
    before = cluster.query("SELECT count(*) FROM schema_migrations")
    pool.migrate()
    assert cluster.query("SELECT count(*) FROM schema_migrations") == before


GARBAGE = {
    "nothing": b"",
    "empty lines": b"\n\r\n \n" * 100,
    "not json": b"hello\n" * 20,
    "half a line": b'{"id":1,"method":"mining.subscr',
    "a TLS hello": bytes.fromhex("16030100c8010000c40303") + bytes(200) + b"\n",
    "an HTTP request": b"GET / HTTP/1.1\r\nHost: pool\r\n\r\n",
    "a PROXY header": b"PROXY TCP4 192.0.2.1 192.0.2.2 1000 2000\r\n",
    "zero bytes": b"\x00" * 4096 + b"\n",
    "a line without end": b"A" * 300_000,
    "deep nesting": b'{"id":1,"method":"mining.submit","params":' + b"[" * 7000 + b"]" * 7000 + b"}\n",
    "deep objects": b'{"a":' * 2000 + b"1" + b"}" * 2000 + b"\n",
    "huge numbers": b'{"id":1e999,"method":"mining.suggest_difficulty","params":[1e999]}\n',
    "odd types": b'{"id":[],"method":7,"params":"x"}\n{"id":{},"method":null}\n[]\n42\nnull\n"x"\n',
    "a request of every kind, empty": b"".join(
        b'{"id":%d,"method":"mining.%s","params":%s}\n' % (n, method, params)
        for n, method in enumerate([b"configure", b"subscribe", b"authorize", b"submit", b"suggest_difficulty", b"suggest_target",
                                    b"extranonce.subscribe", b"get_transactions", b"ping"]) for params in [b"[]", b"null", b"{}", b"[null,null,null,null,null]"]),
    "invalid utf-8": b'{"id":1,"method":"mining.authorize","params":["\xff\xfe\xc0\x80","x"]}\n',
}


def test_garbage_never_ends_the_process(cluster, pool):
    pool.start()
    honest = cluster.client()
    for why, data in GARBAGE.items():
        with socket.create_connection(("127.0.0.1", pool.stratum_port), timeout=5) as stranger:
            try:
                stranger.sendall(data)
                stranger.shutdown(socket.SHUT_WR)
                while stranger.recv(65536):
                    pass
            except OSError:
                pass  # closed on us, as is the pool's right
        assert pool.process.running(), why
    random_bytes = random.Random(7)
    for _ in range(50):
        with socket.create_connection(("127.0.0.1", pool.stratum_port), timeout=5) as stranger:
            try:
                stranger.sendall(random_bytes.randbytes(random_bytes.randrange(1, 5000)) + b"\n")
            except OSError:
                pass
    assert honest.submit(honest.find_share(block=False)), "an honest miner goes on"
    assert pool.process.running()
    assert len(pool.log.read_bytes()) < 200_000, "strangers can't fill the log"


def test_connections_that_say_nothing_do_not_stop_others(cluster, pool):
    pool.start()
    idle = [socket.create_connection(("127.0.0.1", pool.stratum_port)) for _ in range(200)]
    started = time.monotonic()
    client = cluster.client()
    assert client.submit(client.find_share(block=False))
    assert time.monotonic() - started < 5
    for stranger in idle:
        stranger.close()


def test_a_reader_that_never_reads_is_closed(cluster, pool):
    """It asks and asks and never reads an answer: the pool drops it instead of keeping answers for ever."""
    pool.config["stratum"]["limits"] = {"lines_per_second": 1_000_000}  # else it is made to wait, which does as well
    pool.start()
    with socket.socket() as greedy:
        # Before it connects: a window that shrinks later makes the kernel drop segments and back off.
        greedy.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        greedy.settimeout(20)
        greedy.connect(("127.0.0.1", pool.stratum_port))
        request = b'{"id":1,"method":"mining.subscribe","params":["greedy"]}\n' * 200
        with pytest.raises(ConnectionError):  # not TimeoutError: that is our own patience
            for _ in range(20_000):
                greedy.sendall(request)
    assert pool.process.running()
    client = cluster.client()
    assert client.submit(client.find_share(block=False))


def test_cookie_file(cluster, pool):
    """Core's cookie is a way to log in, too; a missing one is named."""
    if not cluster.node.bitcoind:
        pytest.skip("bcoin writes no cookie")
    node = cluster.node
    cookie = cluster.folder / "cookie"
    cookie.write_text(f"{node.user}:{node.password}")
    pool.config["nodes"] = [{"rpc": node.url, "cookie_file": str(cookie), "zmq": node.zmq}]
    pool.start()
    assert pool.stop() == 0
    cookie.unlink()
    assert "cookie" in complaint(pool.command("run"))


def test_wrong_command_line(cluster, pool):
    for args in (["fly"], ["run", "--no-such-option"]):
        done = pool.command(*args)
        assert done.returncode != 0 and done.stderr.strip()
    assert bitcoin.PAYOUT_ADDRESS not in done.stderr
