"""Who is connected now, as the shards say it: told from who has gone, from who is silent, and counted once over all shards.
And pages do not wait for a database that is slow."""

from framework import bitcoin, openapi
from framework.util import wait_until

MINER, OTHER = (bitcoin.segwit_address(bytes([number] * 20)) for number in (1, 2))
PATIENCE = 60


def get(cluster, target: str, status: int = 200):
    return openapi.ask(cluster.pool.http_port, target, status).json()


def complete(cluster, target: str):
    """The answer, once there is one and every shard had its say: one that gets no processor for a moment is not waited for."""
    def ask():
        answer = openapi.request(cluster.pool.http_port, target)
        openapi.check(target, answer)
        return answer.status == 200 and answer.json()["live_complete"] and answer.json()

    return wait_until(ask, PATIENCE, f"all shards' word for {target}", poll=0.1)


def page(cluster, path: str) -> str:
    return openapi.request(cluster.pool.http_port, path).body.decode()


def start_with_shards(cluster, count: int):
    cluster.start_postgres()
    cluster.start_node()
    pool = cluster.make_pool()
    pool.config["stratum"]["shards"] = count
    pool.migrate()
    return pool.start()


def test_a_worker_is_told_of_from_login_to_its_end(cluster):
    cluster.start()
    target = f"/api/v1/miners/{MINER}"
    get(cluster, target, 404)
    assert "Connect a miner" in page(cluster, f"/miner/{MINER}")
    first = cluster.client(user=f"{MINER}.rig")
    # Connected, and nothing in the database yet.
    miner = complete(cluster, target)
    assert (miner["workers_online"], miner["workers"], miner["first_seen_us"], miner["shares_total"]) == (1, [], None, 0)
    silent, = miner["silent_workers"]
    live = silent["live"]
    assert silent["name"] == "rig" and live["user_agent"] == "test-client/1" and live["connections"] == 1
    assert live["difficulty"] == first.difficulty and live["last_share_us"] is None and live["coherence"] is False
    assert 0 <= miner["time_us"] - live["connected_us"] < 3600 * 10**6
    assert complete(cluster, f"/api/v1/workers?address={MINER}")["total"] == 0
    wait_until(lambda: "first share is awaited" in page(cluster, f"/miner/{MINER}"), PATIENCE, "the page of a new miner")
    # With a share it moves to the workers of the database.
    assert first.submit(first.find_share(block=False))
    second = cluster.client(user=f"{MINER}.rig")
    wait_until(lambda: complete(cluster, target)["workers"], PATIENCE, "its share in the database", poll=0.2)
    wait_until(lambda: complete(cluster, target)["workers"][0]["live"]["connections"] == 2, PATIENCE, "both connections", poll=0.2)
    miner = complete(cluster, target)
    worker, = miner["workers"]
    assert (worker["name"], miner["workers_online"], miner["silent_workers"]) == ("rig", 1, [])
    assert worker["live"]["last_share_us"] >= worker["live"]["connected_us"] == live["connected_us"]
    of_address = f"/api/v1/workers?address={MINER}"  # the database's answer is kept for some seconds
    listed = wait_until(lambda: complete(cluster, of_address)["workers"], PATIENCE, "its share in the other list", poll=0.2)
    assert listed[0]["live"] == worker["live"] and listed[0]["name"] == "rig"
    # Gone, though its share is new.
    first.close()
    second.close()
    wait_until(lambda: complete(cluster, target)["workers_online"] == 0, PATIENCE, "that it has gone", poll=0.2)
    assert complete(cluster, target)["workers"][0]["live"] is None
    wait_until(lambda: "No worker is connected now" in (text := page(cluster, f"/miner/{MINER}")) and "Offline" in text, PATIENCE, "the page to say so")
    wait_until(lambda: openapi.request(cluster.pool.http_port, f"/users/{MINER}").json()["workers"] == 0, PATIENCE, "ckpool's file to say so", poll=0.2)


def test_who_is_at_two_shards_counts_once(cluster):
    pool = start_with_shards(cluster, 4)
    # The kernel spreads them; among so many some are at different shards.
    clients = [cluster.client(user=f"{MINER}.rig{number % 3}") for number in range(24)]
    clients.append(cluster.client(user=f"{OTHER}.rig0"))
    counts = ("connections", "miners", "workers")
    wait_until(lambda: [pool.api()[count] for count in counts] == [25, 2, 4], PATIENCE, "25 connections of 4 workers of 2 miners", poll=0.1)
    miner = complete(cluster, f"/api/v1/miners/{MINER}")
    assert miner["workers_online"] == 3
    found = {worker["name"]: worker["live"]["connections"] for worker in miner["silent_workers"]}
    assert found == {"rig0": 8, "rig1": 8, "rig2": 8}
    for client in clients[:24]:
        client.close()
    wait_until(lambda: pool.api()["miners"] == 1, PATIENCE, "those that stay")
    get_status = openapi.request(pool.http_port, "/pool/pool.status").body.decode().splitlines()[0]
    assert '"Users":1,"Workers":1' in get_status


def test_a_page_does_not_wait_for_a_slow_database(cluster):
    cluster.start()
    with cluster.locked("events"), cluster.locked("miners"):
        # While these locks are held no answer comes from the database: what is here did not wait for one.
        text = page(cluster, "/status")
        assert "not read in time" in text and "data-late" in text and "PostgreSQL" in text
        text = page(cluster, f"/miner/{MINER}")
        assert "not read in time" in text and "data-late" in text and "No such miner" not in text
    wait_until(lambda: "data-late" not in page(cluster, "/status"), PATIENCE, "the status page with all that is in it")
    wait_until(lambda: "data-late" not in page(cluster, f"/miner/{MINER}"), PATIENCE, "the miner's page with all that is in it")
    assert "Connect a miner" in page(cluster, f"/miner/{MINER}")
