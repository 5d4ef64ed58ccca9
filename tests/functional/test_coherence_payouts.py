"""Coherence work and money: proofs of real miners, through the journal into PostgreSQL, into every scheme's payouts, reports, and out again.

The expected amounts are computed once more from the rows of shares and proofs, by framework/payout_oracle.py; what is exported is verified
on another directory by the program alone.
"""

import json
import shutil
import subprocess
from fractions import Fraction

import pytest

from framework import bitcoin, payout_oracle, reports
from framework.payout_oracle import Scheme, Share
from framework.stratum_client import Load
from framework.util import wait_until

# Hash difficulty 64 for a block of the proof chain and 8 for a proof, with a retarget now and then.
COHERENCE = {"level": 0, "block_seconds": 1, "retarget_blocks": 10, "initial_bits": "20040000", "start_difficulty": 8, "min_difficulty": 8,
             "shares_per_minute": 60}
FEE, PART, WINDOW = 10_000, 100_000, Fraction("60.5")
MINERS = [bitcoin.segwit_address(bytes([number] * 20)) for number in range(1, 4)]  # of shares; of both; of proofs
MICROS = "(extract(epoch FROM {}) * 1000000)::bigint"


def one(cluster, statement: str, *parameters):
    return cluster.query(statement, *parameters)[0][0]


def rows_of(cluster, table: str, height: str) -> list:
    return [Share(time, journal, sequence, address, worker, int(work), at) for time, journal, sequence, address, worker, work, at in cluster.query(
        f"SELECT {MICROS.format('s.time')}, s.journal, s.sequence, m.address, w.name, s.work, s.{height}"
        f" FROM {table} s JOIN workers w ON w.id = s.worker_id JOIN miners m ON m.id = w.miner_id")]


def mine_for_a_while(cluster, name: str, proofs: int):
    """Two who find shares, two who find proofs, until there are so many more proofs, and blocks of the proof chain."""
    before, chain = (one(cluster, f"SELECT count(*) FROM {table}") for table in ("coherence_proofs", "coherence_chain"))
    loads = [Load(cluster.client(user=f"{miner}.{name}"), in_flight=in_flight) for miner, in_flight in ((MINERS[0], 2), (MINERS[1], 1))]
    miners = [cluster.miner(address=address, worker=f"waves{name}", extra=["--algo", "coherence"]) for address in MINERS[1:]]
    wait_until(lambda: one(cluster, "SELECT count(*) FROM coherence_proofs") >= before + proofs
               and one(cluster, "SELECT count(*) FROM coherence_chain") > chain
               and one(cluster, "SELECT count(DISTINCT worker_id) FROM coherence_proofs") >= 2 and all(load.accepted for load in loads), 120, "proofs")
    for load in loads:
        load.stop()
        load.client.close()
    for miner in miners:
        assert miner.stop() == 0


def find_block(cluster) -> bytes:
    client = cluster.client(user=f"{MINERS[0]}.finder")
    share = client.find_share(block=True, job=client.wait_for_job(cluster.node.tip()))
    assert client.submit(share)
    wait_until(lambda: cluster.node.tip() == bitcoin.display(share.hash), 10, "the block as the tip")
    client.close()
    return share.hash[::-1]


@pytest.fixture
def world(cluster):
    """Two blocks, with mining of both kinds before, between and after; both mature and divided by PPLNS."""
    cluster.start_postgres()
    cluster.start_node()
    pool = cluster.make_pool()
    pool.config["coherence"] = COHERENCE
    pool.config["payout"] = {"pplns_window": float(WINDOW), "fee_ppm": FEE, "coherence_ppm": PART}
    pool.config["journal"] = {"segment_bytes": 65536, "keep_days": 1}
    pool.migrate()
    pool.start()
    cluster.pplns_blocks = []
    for name in ("first", "second"):
        mine_for_a_while(cluster, name, 20)
        cluster.pplns_blocks.append(find_block(cluster))
    mine_for_a_while(cluster, "after", 5)
    cluster.node.mine(101)
    wait_until(lambda: one(cluster, "SELECT count(*) FROM payout_runs") == 2, 60, "a run for each block", poll=0.2)
    return cluster


def make_runs(cluster) -> dict:
    """By every scheme; the runs that the pool made by PPLNS are taken back where a block is divided anew."""
    runs = {("pplns", block): one(cluster, "SELECT id FROM payout_runs WHERE block_hash = %s", block) for block in cluster.pplns_blocks}
    for scheme in ("prop", "solo"):
        row = one(cluster, "INSERT INTO payout_schemes (valid_from, last_noted, scheme, pplns_window, fee_ppm, coherence_ppm, minimum_sats)"
                  " VALUES ('2009-01-04', '2009-01-04', %s, 1, %s, %s, 0) RETURNING id", scheme, FEE, PART)
        block = cluster.pplns_blocks[1]
        one(cluster, "SELECT count(reverse_run(id, 'another scheme')) FROM payout_runs WHERE block_hash = %s AND state = 'applied'", block)
        runs[scheme, block] = one(cluster, "SELECT create_block_run(%s, %s, true)", block, row)
    return runs


def check_amounts(cluster, runs: dict):
    shares, proofs = rows_of(cluster, "shares", "height"), rows_of(cluster, "coherence_proofs", "chain_height")
    times = {bytes(block): (time, finder) for block, time, finder in cluster.query(
        f"SELECT b.hash, {MICROS.format('b.time')}, m.address FROM blocks b JOIN workers w ON w.id = b.worker_id JOIN miners m ON m.id = w.miner_id")}
    for (scheme, block), run in runs.items():
        reward, nbits = cluster.query("SELECT pool_sats, header_nbits(header) FROM blocks WHERE hash = %s", block)[0]
        window = WINDOW if scheme == "pplns" else Fraction(1)
        end, finder = times[block]
        previous = times[cluster.pplns_blocks[0]][0] if block == cluster.pplns_blocks[1] else None
        expected = payout_oracle.block_run(Scheme(scheme, window, FEE, PART), shares, proofs, end, reward, nbits, finder, previous)
        fee, coherence = cluster.query("SELECT fee_sats, coherence_sats FROM payout_runs WHERE id = %s", run)[0]
        items = {address: tuple(int(value) for value in rest) for address, *rest in cluster.query(
            "SELECT address, work, coherence_work, share_sats, coherence_sats FROM payout_items WHERE run_id = %s", run)}
        assert {"fee": fee, "coherence": coherence, "items": items} == expected, (scheme, run)
        assert coherence == reward * PART // 10**6 and items[MINERS[2]][3] > 0, "somebody was paid for proofs"
        assert cluster.query("SELECT source, equal FROM recompute_run(%s)", run) == [("shares", True)]


def program(pool, *arguments) -> subprocess.CompletedProcess:
    return subprocess.run([pool.program, *map(str, arguments)], capture_output=True, text=True, timeout=120, stdin=subprocess.DEVNULL, check=False)


def check_export(cluster, runs: dict):
    pool = cluster.pool
    done = pool.command("export", *(f"--run={run}" for run in runs.values()), "--out", str(cluster.folder / "out"))
    assert done.returncode == 0, done.stderr
    out = cluster.folder / "elsewhere" / "copy"
    shutil.copytree(cluster.folder / "out", out)
    done = program(pool, "verify", "payout", out)
    assert done.returncode == 0, done.stdout + done.stderr
    for run in runs.values():
        line = next(line for line in done.stdout.splitlines() if line.startswith(f"ok    run        {run}: "))
        assert " coherence proofs, digest " in line
    proofs = out / "coherence_proofs.jsonl"
    done = program(pool, "verify", "coherence", proofs)
    assert done.returncode == 0, done.stdout
    lines = proofs.read_text().splitlines()
    hashes = {json.loads(line)["work_hash"] for line in lines}
    chain = {row[0] for row in cluster.query("SELECT encode(hash, 'hex') FROM coherence_chain")}
    assert len(hashes) == len(lines) and chain <= hashes
    assert len(lines) <= one(cluster, "SELECT count(*) FROM coherence_proofs")
    # A proof that says anything else is found.
    first = json.loads(lines[0])
    first["target"] = "0" * 64
    proofs.write_text("\n".join([json.dumps(first), *lines[1:]]) + "\n")
    assert program(pool, "verify", "coherence", proofs).returncode == 1
    # The whole period has every proof, and the chain verifies with the journals beside it.
    done = pool.command("export", "--from", "2009-01-03", "--to", "tomorrow", "--out", str(cluster.folder / "all"))
    assert done.returncode == 0, done.stderr
    assert len((cluster.folder / "all" / "coherence_proofs.jsonl").read_text().splitlines()) == one(cluster, "SELECT count(*) FROM coherence_proofs")
    done = program(pool, "verify", "chain", cluster.folder / "all")
    assert done.returncode == 0, done.stdout + done.stderr


def check_preview(cluster):
    """What a block would bring now: those who only made proofs are in it."""
    preview = {row[0]: row for row in cluster.query("SELECT address, pplns_work, pplns_sats, prop_work, prop_sats, solo_sats FROM payout_preview()")}
    proofs_only = preview[MINERS[2]]
    assert proofs_only[1] == 0 and proofs_only[2] > 0 and proofs_only[3] == 0 and proofs_only[4] > 0


def check_reports(cluster):
    by_worker = reports.rows(cluster.postgres, "phasepool", "coherence", watts="65")
    assert sum(int(row["proofs"]) for row in by_worker) == one(cluster, "SELECT count(*) FROM coherence_proofs")
    assert sum(int(row["chain_blocks"]) for row in by_worker) == one(cluster, "SELECT count(*) FROM coherence_chain")
    assert all(float(row["energy_joules"]) > 0 for row in by_worker)
    assert {row["address"] for row in by_worker} == set(MINERS[1:])
    proofs = reports.rows(cluster.postgres, "phasepool", "coherence", by="proof", address=MINERS[2])
    assert len(proofs) == one(cluster, "SELECT count(*) FROM coherence_proofs p JOIN workers w ON w.id = p.worker_id JOIN miners m ON m.id = w.miner_id"
                              " WHERE m.address = %s", MINERS[2])
    assert all(int(row["expected_rounds"]) > 0 and int(row["rounds"]) >= 6 for row in proofs)
    difference = reports.rows(cluster.postgres, "phasepool", "reconciliation")[-1]
    assert difference["item"] == "difference" and Fraction(difference["closing_sats"]) == 0


def test_proofs_are_paid_reported_and_verified(world):
    cluster = world
    assert one(cluster, "SELECT count(*) FROM events WHERE severity IN ('critical', 'high')") == 0
    wrong = cluster.query("""SELECT * FROM coherence_sums s FULL JOIN (SELECT span, date_trunc(span, time, 'UTC') AS start, worker_id, journal,
        count(*) AS n, sum(work) AS w FROM coherence_proofs, unnest(ARRAY['minute', 'hour', 'day']) span GROUP BY 1, 2, 3, 4) r
        USING (span, start, worker_id, journal) WHERE (s.proofs, s.work) IS DISTINCT FROM (r.n, r.w)""")
    assert wrong == []
    check_preview(cluster)
    runs = make_runs(cluster)
    check_amounts(cluster, runs)
    check_reports(cluster)
    check_export(cluster, runs)
