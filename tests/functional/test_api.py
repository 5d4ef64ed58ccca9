"""The API against its document, web/openapi.json, and against the database: empty, busy, away."""

import json
import re
import subprocess

import jsonschema
import pytest

from framework import bitcoin, openapi
from framework.proving_client import EASY, ProvingClient
from framework.stratum_client import Load
from framework.util import BIN, ROOT, wait_until

FINDER, OTHER, NOBODY = (bitcoin.segwit_address(bytes([number] * 20)) for number in (1, 2, 9))
NO_HASH = "00" * 32
MONEY_PATHS = ("/api/v1/payouts", "/api/v1/payouts/preview")


def ask(cluster, target: str, status: int = 200, headers: dict | None = None):
    return openapi.ask(cluster.pool.http_port, target, status, headers)


def get(cluster, target: str):
    return ask(cluster, target).json()


# -------------------------------------------------------------------------------------------- the document

def test_the_document_is_sound():
    document = openapi.document()
    assert document["openapi"].startswith("3.1.")
    for name, schema in document["components"]["schemas"].items():
        jsonschema.Draft202012Validator.check_schema(schema)
        assert schema.get("description"), f"{name} does not say what it is"
    text = json.dumps(document)
    for reference in set(re.findall(r'"\$ref": "#/components/schemas/(\w+)"', text)):
        assert reference in document["components"]["schemas"], reference
    unused = [name for name in document["components"]["schemas"] if f'"#/components/schemas/{name}"' not in text]
    assert unused == []
    operations = [operation["operationId"] for path in document["paths"].values() for operation in path.values()]
    assert len(set(operations)) == len(operations)


def test_every_path_of_the_program_is_documented():
    source = "\n".join(path.read_text() for path in sorted((ROOT / "pool" / "http").glob("*.cpp")))
    served = set(re.findall(r'"(/(?:api/v1|pool|users)/[^"…?]*[^"…?/])"', source))
    assert "/api/v1/pool" in served and "/users/{address}" in served
    assert sorted(served - set(openapi.document()["paths"])) == []


# -------------------------------------------------------------------------------------------- an empty pool

EMPTY = [
    ("/api/v1/pool", 200), ("/api/v1/history", 200), ("/api/v1/history?span=1y", 200), ("/api/v1/miners", 200),
    (f"/api/v1/miners/{NOBODY}", 404), (f"/api/v1/miners/{NOBODY}/history", 404), (f"/api/v1/workers?address={NOBODY}", 404),
    (f"/api/v1/shares?address={NOBODY}", 200), (f"/api/v1/rejects?user={NOBODY}", 200), ("/api/v1/blocks", 200), (f"/api/v1/blocks/{NO_HASH}", 404),
    (f"/api/v1/blocks/{NO_HASH}/proof", 404), ("/api/v1/payouts", 200), ("/api/v1/payouts/preview", 404), ("/api/v1/payouts/1", 404),
    ("/api/v1/coherence", 200), ("/api/v1/coherence/chain", 200), ("/api/v1/coherence/epochs", 200), ("/api/v1/coherence/blocks/0", 404), ("/api/v1/nodes", 200),
    ("/api/v1/events", 200), ("/api/v1/openapi.json", 200), ("/pool/pool.status", 200), (f"/users/{NOBODY}", 404), ("/healthz", 200),
    ("/readyz", 200),
]
WRONG = [  # and what the message names
    ("/api/v1/history?span=2d", "span"), ("/api/v1/history?span=", "span"), ("/api/v1/miners?page=0", "page"), ("/api/v1/miners?page=99999", "page"),
    ("/api/v1/miners?per_page=201", "per_page"), ("/api/v1/miners?page=1e3", "page"), ("/api/v1/miners/nobody", "address"),
    ("/api/v1/miners/bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4", "another network"), ("/api/v1/workers", "address"), ("/api/v1/shares", "address"),
    (f"/api/v1/shares?address={NOBODY}&limit=x", "limit"), ("/api/v1/rejects", "whose"), ("/api/v1/blocks?before=-1", "before"),
    ("/api/v1/blocks?limit=0", "limit"), ("/api/v1/blocks?limit=1;DROP%20TABLE%20blocks", "limit"), ("/api/v1/blocks/12", "hash"),
    (f"/api/v1/blocks/{'zz' * 32}", "hash"), ("/api/v1/payouts/0", "run"), ("/api/v1/payouts/one", "run"), ("/api/v1/payouts?before=9223372036854775808", "before"),
    ("/api/v1/coherence/blocks/-1", "height"), ("/api/v1/coherence/blocks/2147483648", "height"), ("/api/v1/coherence/epochs?limit=201", "limit"),
    ("/api/v1/events?severity=loud", "severity"), ("/users/%00", "address"), ("/users/%3Cscript%3E", "address"),
    (f"/api/v1/miners/{NOBODY}/history?worker={'w' * 257}", "worker"), (f"/api/v1/miners/{NOBODY}/history?worker=a%00b", "worker"),
]


def test_an_empty_pool_and_wrong_questions(cluster):
    pool = cluster.start()
    wait_until(lambda: pool.api("coherence")["rules"], 60, "the proof chain's rules")
    covered = set()
    for target, status in EMPTY:
        ask(cluster, target, status)
        covered.add(openapi.path_of(target))
    streams = {"/api/v1/stream", "/metrics"}
    assert set(openapi.document()["paths"]) - covered - streams == set(), "each path is asked here"
    for target, named in WRONG:
        error = ask(cluster, target, 400).json()["error"]
        assert named in error["message"] and error.get("hint"), f"{target}: {error}"
    history = get(cluster, "/api/v1/history?span=1d")["series"]
    assert history["step_seconds"] == 300 and len(history["start"]) == len(history["work"]) == 288
    assert set(history["shares"]) == {None}, "before the first share nothing is known"
    assert get(cluster, "/api/v1/miners")["miners"] == []
    # Bytes that are no UTF-8 are nobody's name.
    ask(cluster, f"/api/v1/miners/{NOBODY}/history?worker=%ff%fe", 404)
    for method in ("POST", "PUT", "DELETE", "PATCH"):
        answer = openapi.request(cluster.pool.http_port, "/api/v1/blocks", method)
        assert answer.status == 405 and answer.json()["error"]["code"] == "method_not_allowed"


# -------------------------------------------------------------------------------------------- a busy one

@pytest.fixture
def busy(cluster):
    """Shares of two miners, refused ones, three blocks of which one is divided, and a proof chain of two blocks."""
    cluster.start_postgres()
    cluster.start_node(blocks=3)
    pool = cluster.make_pool()
    pool.config["coherence"] = EASY
    pool.config["stratum"]["instance"] = 1
    pool.config["payout"] = {"scheme": "pplns", "pplns_window": 2.0, "fee_ppm": 10000, "coherence_ppm": 5000, "minimum_sats": 1000}
    pool.migrate()
    pool.start()
    finder, other = cluster.client(user=f"{FINDER}.rig1"), cluster.client(user=f"{OTHER}.<b>&\"x")
    share = finder.find_share(block=False)
    assert finder.submit(share)
    with pytest.raises(Exception):
        finder.submit(share)  # a second time
    assert other.submit(other.find_share(block=False))
    wait_until(lambda: pool.api("coherence").get("job"), 60, "a coherence job")
    prover = cluster.also_close(ProvingClient(pool.stratum_port, user=f"{OTHER}.phase")).login()
    for _ in range(2):
        job = prover.coherence_job
        assert prover.prove(prover.find_proof(block=True, job=job))
        wait_until(lambda: prover.coherence_job.height > job.height, 60, "work on the next block of the proof chain")
    found = []
    for number in range(3):
        share = finder.find_share(block=True, job=finder.wait_for_job(cluster.node.tip()))
        assert finder.submit(share)
        found.append(bitcoin.display(share.hash))
        wait_until(lambda: cluster.node.tip() == found[-1], 30, "our block as the tip")
        if number == 0:
            cluster.node.mine(100)
            wait_until(lambda: cluster.query("SELECT count(*) FROM payout_runs") == [(1,)], 90, "the first block's run")
    wait_until(lambda: cluster.query("SELECT count(*) FROM blocks WHERE status = 'accepted'") == [(2,)], 60, "all blocks in the database")
    wait_until(lambda: cluster.query("SELECT count(*) FROM shares") == [(5,)], 60, "all shares in the database")
    return found


def ids(items: list, name: str) -> list:
    return [item[name] for item in items]


def test_answers_are_the_databases(cluster, busy):
    check_pool(cluster, busy)
    check_blocks(cluster, busy)
    check_miner(cluster, busy)
    check_payouts(cluster, busy)
    check_sums(cluster, busy)
    check_chain(cluster)
    check_ckpool(cluster)
    check_events(cluster)
    check_caching(cluster, busy)


def check_pool(cluster, found):
    wait_until(lambda: get(cluster, "/api/v1/pool")["last_block"] and get(cluster, "/api/v1/pool")["last_block"]["hash"] == found[-1], 60,
               "the last block in the API")
    wait_until(lambda: (get(cluster, "/api/v1/pool")["luck"]["last_10"] or {}).get("blocks") == 3, 90, "the luck of three rounds")
    pool = get(cluster, "/api/v1/pool")
    (work, shares), = cluster.query("SELECT work::text, shares FROM round_before(now())")
    assert (pool["round"]["work"], pool["round"]["shares"]) == (work, shares)
    assert pool["effort"] == pool["round"]["effort"] and pool["luck"]["last_10"] == pool["luck"]["last_100"]
    assert pool["shares"]["accepted"] == 5 == pool["shares_hour"]["accepted"] == pool["hashrate_shares"]["1d"]
    assert pool["shares_hour"]["rejects"]["duplicate"] == 1 == pool["shares_hour"]["rejected"]
    assert pool["payout"] == {"scheme": "pplns", "fee_ppm": 10000, "coherence_ppm": 5000, "pplns_window": "2.0", "minimum_sats": 1000}
    assert pool["tip"] == cluster.node.tip() and pool["tip_time_us"] > 0
    nodes = get(cluster, "/api/v1/nodes")
    assert (nodes["tip"], nodes["height"], nodes["nodes"]) == (pool["tip"], pool["height"], pool["nodes"])


def check_blocks(cluster, found):
    blocks = get(cluster, "/api/v1/blocks")
    assert ids(blocks["blocks"], "hash") == found[::-1] and blocks["next"] is None
    assert blocks["by_status"]["confirmed"] == 1 and blocks["by_status"]["accepted"] == 2
    for block in blocks["blocks"]:
        (work, shares, network), = cluster.query(
            "SELECT r.work::text, r.shares, nbits_work(header_nbits(b.header))::text FROM blocks b, round_before(b.time) r WHERE encode(hash, 'hex') = %s", block["hash"])
        assert (block["round_work"], block["round_shares"], block["network_work"]) == (work, shares, network)
        assert block["effort"] == pytest.approx(int(work) / int(network), abs=1e-6)
        assert [(answer["node"], answer["answer"]) for answer in block["submissions"]] == [("node 1", "accepted")], "nodes are not named"
    first = get(cluster, "/api/v1/blocks?limit=2")
    second = get(cluster, f"/api/v1/blocks?limit=2&before={first['next']}")
    assert ids(first["blocks"] + second["blocks"], "hash") == found[::-1] and second["next"] is None
    detail = get(cluster, f"/api/v1/blocks/{found[0].upper()}")
    assert detail["run"] == 1 and detail["status"] == "confirmed" and detail["matures_in"] == 0
    (header, coinbase), = cluster.query("SELECT encode(header, 'hex'), encode(coinbase, 'hex') FROM blocks WHERE encode(hash, 'hex') = %s", found[0])
    proof = ask(cluster, f"/api/v1/blocks/{found[0]}/proof")
    assert "attachment" in proof.headers["content-disposition"]
    proof = proof.json()
    assert (detail["header"], detail["coinbase"]) == (header, coinbase) == (proof["header"], proof["coinbase"])
    prove_block(proof)


def prove_block(proof: dict):
    """All that the record says follows from it alone."""
    header = bytes.fromhex(proof["header"])
    assert bitcoin.display(bitcoin.sha256d(header)) == proof["hash"]
    assert int(proof["hash"], 16) <= int(proof["target"], 16)
    root = bitcoin.sha256d(bytes.fromhex(proof["coinbase"]))
    for other in proof["merkle_branch"]:
        root = bitcoin.sha256d(root + bytes.fromhex(other))
    assert root == header[36:68]


def check_miner(cluster, found):
    (first_seen, best), = cluster.query(
        "SELECT micros(m.first_seen), max(s.best_share_difficulty) FROM miners m JOIN workers w ON w.miner_id = m.id JOIN share_sums s ON s.worker_id = w.id"
        " WHERE m.address = %s AND s.span = 'day' GROUP BY 1", FINDER)
    # Rejects are told once a minute.
    wait_until(lambda: get(cluster, f"/api/v1/miners/{FINDER}")["shares_1d"] == 4, 60, "the finder's shares")
    wait_until(lambda: get(cluster, f"/api/v1/miners/{FINDER}")["rejected_1d"] == 1, 150, "the finder's refused share")
    wait_until(lambda: get(cluster, f"/api/v1/miners/{FINDER}")["if_block_now"], 60, "the preview")
    wait_until(lambda: None not in ids(get(cluster, f"/api/v1/miners/{FINDER}")["pending"], "sats"), 60, "what two blocks would bring")
    miner = get(cluster, f"/api/v1/miners/{FINDER}")
    assert (miner["first_seen_us"], miner["best_share_difficulty"]) == (first_seen, best)
    assert miner["work_total"] == str(cluster.query("SELECT sum(s.work) FROM shares s JOIN workers w ON w.id = s.worker_id WHERE w.name = 'rig1'")[0][0])
    assert miner["rejects_1d"] == {"duplicate": 1} and miner["shares_total"] == 4
    assert ids(miner["workers"], "name") == ["rig1"] and ids(miner["blocks"], "hash") == found[::-1]
    (balance,), = cluster.query("SELECT balance_sats FROM miner_balances WHERE address = %s", FINDER)
    assert miner["balance"]["balance_sats"] == balance == miner["balance"]["earned_sats"] == sum(ids(miner["days"], "sats"))
    assert [(part["run"], part["block"], part["sats"]) for part in miner["payouts"]] == [(1, found[0], balance)]
    assert ids(miner["pending"], "hash") == [found[2], found[1]] and miner["pending_sats"] == sum(ids(miner["pending"], "sats"))
    preview = cluster.query("SELECT pplns_sats, pplns_work::text, prop_sats, solo_sats FROM payout_preview() WHERE address = %s", FINDER)[0]
    now = miner["if_block_now"]
    assert (now["pplns"]["sats"], now["pplns"]["work"], now["prop"]["sats"], now["solo"]["sats"]) == preview
    # A chart's last step is a whole minute.
    history = f"/api/v1/miners/{FINDER}/history?span=6h&worker=rig1"
    wait_until(lambda: sum(shares or 0 for shares in get(cluster, history)["series"]["shares"]) == 4, 150, "the minute of the shares to be over")
    assert str(sum(int(work or 0) for work in get(cluster, history)["series"]["work"])) == miner["work_total"]
    assert get(cluster, f"/api/v1/miners/{FINDER}/history?span=30d")["rejected"][0] is None, "before its first share"
    ask(cluster, f"/api/v1/miners/{FINDER}/history?worker=rig2", 404)
    assert ids(get(cluster, f"/api/v1/workers?address={OTHER}")["workers"], "name") == ["<b>&\"x", "phase"]
    shares = get(cluster, f"/api/v1/shares?address={FINDER.upper()}")
    assert shares["address"] == FINDER and ids(shares["rejects"], "reason") == ["duplicate"]
    assert shares["rejects"][0]["job_age_ms"] >= 0 and get(cluster, f"/api/v1/shares?address={FINDER}&limit=1") == shares
    miners = get(cluster, "/api/v1/miners")
    assert sorted(ids(miners["miners"], "address")) == sorted([FINDER, OTHER]) and miners["total"] == 2
    page = get(cluster, "/api/v1/miners?per_page=1&page=2")
    assert ids(page["miners"], "address") == ids(miners["miners"], "address")[1:] and page["next"] is None


def check_sums(cluster, found):
    """Series step by step, and each worker's sums, against the single shares. The minute of the shares is over."""
    for target, who in (("/api/v1/history?span=6h", "%"), (f"/api/v1/miners/{FINDER}/history?span=6h", FINDER), (f"/api/v1/miners/{OTHER}/history?span=6h&worker=phase", "nobody")):
        answer = get(cluster, target)
        series = answer["series"]
        rows = cluster.query("SELECT extract(epoch FROM date_bin('1 minute', s.time, '1970-01-01Z'))::bigint, count(*), sum(s.work)::text FROM shares s JOIN workers w ON w.id = s.worker_id"
                             " JOIN miners m ON m.id = w.miner_id WHERE m.address LIKE %s GROUP BY 1 ORDER BY 1", who)
        steps = [(start, shares, work) for start, shares, work in zip(series["start"], series["shares"], series["work"]) if shares]
        assert steps == rows, target
        assert [rate for rate in series["hashrate"] if rate] == pytest.approx([int(work) / 60 for _, _, work in rows])
    blocks = get(cluster, "/api/v1/history?span=6h")
    assert ids(blocks["blocks"], "hash") == found
    (proven,), = cluster.query("SELECT sum(work)::text FROM coherence_proofs")
    assert str(sum(int(work or 0) for work in blocks["coherence_work"])) == proven
    sums = "SELECT count(*), max(s.share_difficulty), sum(s.work) FROM shares s JOIN workers w ON w.id = s.worker_id JOIN miners m ON m.id = w.miner_id WHERE m.address = %s AND w.name LIKE %s"
    for miner in get(cluster, "/api/v1/miners")["miners"]:
        (count, best, work), = cluster.query(sums, miner["address"], "%")
        assert (miner["shares_1d"], miner["best_share_difficulty"]) == (count, best)
        for worker in get(cluster, f"/api/v1/workers?address={miner['address']}")["workers"]:
            (count, best, work), = cluster.query(sums, miner["address"], worker["name"])
            assert (worker["shares_1d"], worker["best_share_difficulty"]) == (count, best or 0)
            # Of a day and of what has passed of the running minute.
            assert (work or 0) / 86460 <= worker["hashrate"]["1d"] <= (work or 0) / 86400
            assert sum(worker["rejects_1d"].values()) == worker["rejected_1d"]


def check_payouts(cluster, found):
    payouts = get(cluster, "/api/v1/payouts")
    (reward, fee, digest), = cluster.query("SELECT reward_sats, fee_sats, encode(digest, 'hex') FROM payout_runs")
    run, = payouts["runs"]
    assert (run["reward_sats"], run["fee_sats"], run["digest"], run["block"]) == (reward, fee, digest, found[0])
    assert payouts["totals"]["owed_sats"] == cluster.query("SELECT sum(balance_sats) FROM miner_balances")[0][0]
    assert payouts["scheme"]["scheme"] == "pplns" and payouts["scheme"]["pplns_window"] == "2"
    detail = get(cluster, "/api/v1/payouts/1")
    assert detail["run"] == run and sum(ids(detail["items"], "sats")) + fee == reward
    ask(cluster, "/api/v1/payouts/2", 404)
    preview = get(cluster, "/api/v1/payouts/preview")
    rows = cluster.query("SELECT address, pplns_sats, pplns_work::text, prop_sats, pps_sats::bigint, solo_sats FROM payout_preview()")
    assert [(m["address"], m["pplns_sats"], m["pplns_work"], m["prop_sats"], m["pps_sats"], m["solo_sats"]) for m in preview["miners"]] == rows
    page = get(cluster, "/api/v1/payouts/preview?per_page=1&page=2")
    assert page["miners"] == preview["miners"][1:2] and page["total"] == len(rows)


def check_chain(cluster):
    chain = get(cluster, "/api/v1/coherence/chain")
    assert ids(chain["blocks"], "height") == [1, 0] and chain["next"] is None
    assert get(cluster, "/api/v1/coherence/chain?before=1")["blocks"] == chain["blocks"][1:]
    assert get(cluster, "/api/v1/coherence/chain?limit=1")["next"] == 1
    block = get(cluster, "/api/v1/coherence/blocks/1")
    (header, certificate, extranonce), = cluster.query(
        "SELECT encode(p.header, 'hex'), encode(p.certificate, 'hex'), p.extranonce FROM coherence_proofs p JOIN coherence_chain c ON c.proof_id = p.id WHERE c.height = 1")
    proof = block["proof"]
    assert (proof["header92"], proof["certificate"], int(proof["extranonce"], 16)) == (header, certificate, int(extranonce))
    assert block["prev_hash"] == chain["blocks"][1]["hash"] and header.startswith(block["header"])
    line = cluster.folder / "proof.jsonl"
    line.write_text(json.dumps(proof) + "\n")
    done = subprocess.run([BIN / "phasepool", "verify", "coherence", line], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, f"what the API gives is what the verifier takes: {done.stdout}{done.stderr}"
    epochs = get(cluster, "/api/v1/coherence/epochs")
    rules, = cluster.query("SELECT retarget_blocks, block_seconds FROM coherence_rules")
    assert (epochs["retarget_blocks"], epochs["block_seconds"]) == rules
    (first, count), = cluster.query("SELECT extract(epoch FROM min(time) FILTER (WHERE height = 0))::bigint, count(*) FROM coherence_chain")
    assert [(epoch["epoch"], epoch["height"], epoch["blocks"], epoch["time"]) for epoch in epochs["epochs"]] == [(0, 0, count, first)]
    now = get(cluster, "/api/v1/coherence")
    assert now["reward_ppm"] == 5000 and now["difficulty"]["rounds_per_bloom"] == 1346
    ask(cluster, "/api/v1/coherence/blocks/2", 404)


def check_ckpool(cluster):
    status = [json.loads(line) for line in ask(cluster, "/pool/pool.status").body.decode().splitlines()]
    assert [sorted(line)[0] for line in status] == ["Disconnected", "hashrate15m", "SPS15m"]
    assert status[0]["Workers"] == get(cluster, "/api/v1/pool")["workers"]
    wait_until(lambda: get(cluster, f"/users/{OTHER}")["workers"] == 2, 60, "both connected workers", poll=0.2)
    user = get(cluster, f"/users/{OTHER}")
    assert ids(user["worker"], "workername") == [f"{OTHER}.<b>&\"x", f"{OTHER}.phase"]
    (whole, best), = cluster.query("SELECT div(sum(s.work), 4295032833)::bigint, max(s.share_difficulty) FROM shares s JOIN workers w ON w.id = s.worker_id JOIN miners m ON m.id = w.miner_id"
                                   " WHERE m.address = %s", OTHER)
    assert user["shares"] == whole and user["bestever"] == pytest.approx(best, abs=1)


def check_events(cluster):
    shown = get(cluster, "/api/v1/events?limit=200")["events"]
    rows = cluster.query("SELECT id, micros(time), severity, component FROM events ORDER BY id DESC LIMIT 200")
    known = [(event["id"], event["time_us"], event["severity"], event["component"]) for event in shown]
    assert known == [row for row in rows if row[0] <= max((event["id"] for event in shown), default=0)]


def check_caching(cluster, found):
    for target in ("/api/v1/openapi.json", f"/api/v1/blocks/{found[0]}/proof", "/api/v1/coherence/blocks/0", "/api/v1/payouts/1"):
        first = ask(cluster, target)
        again = ask(cluster, target, 304, {"If-None-Match": first.headers["etag"]})
        assert again.headers["etag"] == first.headers["etag"]
        assert ask(cluster, target, 200, {"If-None-Match": '"other"'}).body == first.body
    head = openapi.request(cluster.pool.http_port, "/api/v1/payouts/1", "HEAD")
    assert head.body == b"" and int(head.headers["content-length"]) == len(ask(cluster, "/api/v1/payouts/1").body)


def test_without_the_database(cluster):
    """What needs it says so, and goes on when it is back; the rest answers as before."""
    cluster.start()
    client = cluster.client()
    assert client.submit(client.find_share(block=False))
    wait_until(lambda: cluster.query("SELECT count(*) FROM shares") == [(1,)], 60, "the share in the database")
    cluster.postgres.stop()
    target = "/api/v1/events?limit=7"  # nobody has asked that, so that no answer is kept
    wait_until(lambda: openapi.request(cluster.pool.http_port, target).status == 503, 60, "the database to be missed")
    answer = ask(cluster, target, 503)
    assert answer.headers["retry-after"] and str(cluster.postgres.sockets) not in answer.body.decode()
    ask(cluster, "/api/v1/pool")
    ask(cluster, "/api/v1/nodes")
    cluster.postgres.start()
    wait_until(lambda: openapi.request(cluster.pool.http_port, target).status == 200, 60, "the API to find it again")
