"""Payouts once more, by others: `phasepool export` writes the journal, `phasepool verify payout` computes the split from it.

Shares of four miners and blocks are real; each scheme divides one of the blocks. What was exported verifies with
nothing but its own files, and any change to them is found.
"""

import hashlib
import json
import shutil
import subprocess

from framework import bitcoin
from framework.stratum_client import Load
from framework.util import wait_until

MINERS = [bitcoin.segwit_address(bytes([number] * 20)) for number in range(1, 5)]


def verify(pool, folder) -> subprocess.CompletedProcess:
    return subprocess.run([pool.program, "verify", "payout", folder], capture_output=True, text=True, timeout=60,
                          stdin=subprocess.DEVNULL, check=False)


def find_block(cluster, user: str) -> bytes:
    """A block of the pool; its hash in display order."""
    client = cluster.client(user=user)
    share = client.find_share(block=True, job=client.wait_for_job(cluster.node.tip()))
    assert client.submit(share)
    wait_until(lambda: cluster.node.tip() == bitcoin.display(share.hash), 10, "the block as the tip")
    client.close()
    return share.hash[::-1]


def shares(cluster, count: int):
    """So many and more, of miners who are not equally fast."""
    loads = [Load(cluster.client(user=f"{miner}.rig"), in_flight=in_flight) for miner, in_flight in zip(MINERS, (1, 2, 4, 8))]
    wait_until(lambda: sum(len(load.accepted) for load in loads) >= count and all(load.accepted for load in loads), 60, "shares")
    for load in loads:
        load.stop()
        load.client.close()


def one(cluster, statement: str, *parameters):
    return cluster.query(statement, *parameters)[0][0]


def divide(cluster, blocks: list) -> dict:
    """A run by each scheme: the pool made those of the blocks by PPLNS; two are taken back for PROP and SOLO."""
    wait_until(lambda: one(cluster, "SELECT count(*) FROM payout_runs") == 3, 60, "a run for each block", poll=0.2)
    runs = {"pplns": one(cluster, "SELECT id FROM payout_runs WHERE block_hash = %s", blocks[0])}
    # The shared database's owner decides what the pool may not.
    for scheme, block in (("prop", blocks[1]), ("solo", blocks[2])):
        row = one(cluster, "INSERT INTO payout_schemes (valid_from, last_noted, scheme, pplns_window, fee_ppm, coherence_ppm, minimum_sats)"
                  " VALUES ('2009-01-04', '2009-01-04', %s, 1, 20000, 0, 0) RETURNING id", scheme)
        one(cluster, "SELECT reverse_run(id, 'another scheme') FROM payout_runs WHERE block_hash = %s", block)
        runs[scheme] = one(cluster, "SELECT create_block_run(%s, %s, true)", block, row)
    row = one(cluster, "INSERT INTO payout_schemes (valid_from, last_noted, scheme, pplns_window, fee_ppm, coherence_ppm, minimum_sats)"
              " VALUES ('2009-01-04', '2009-01-04', 'pps', 1, 12345, 0, 0) RETURNING id")
    first = one(cluster, "SELECT min(height) FROM heights")
    runs["pps"] = one(cluster, "SELECT create_pps_run(%s, %s, %s, true)", first, row, first)
    runs["pps later"] = one(cluster, "SELECT create_pps_run(%s, %s, %s, true)", first + 1, row, first)
    return runs


def export(pool, folder, *what) -> subprocess.CompletedProcess:
    return pool.command("export", *what, "--out", str(folder))


def test_export_and_verify(cluster):
    cluster.start_postgres()
    cluster.start_node()
    pool = cluster.make_pool()
    pool.config["payout"] = {"pplns_window": 150.5, "fee_ppm": 10000}
    pool.config["journal"] = {"segment_bytes": 65536, "keep_days": 1}
    pool.migrate()
    pool.start()
    blocks = []
    for miner in MINERS[:3]:
        shares(cluster, 400)
        blocks.append(find_block(cluster, miner))
    shares(cluster, 100)
    cluster.node.mine(101)
    runs = divide(cluster, blocks)

    out = cluster.folder / "out"
    done = export(pool, out, *(f"--run={run}" for run in runs.values()))
    assert done.returncode == 0, done.stderr
    done = verify(pool, out)
    assert done.returncode == 0, done.stdout + done.stderr
    for run in runs.values():
        digest = one(cluster, "SELECT encode(digest, 'hex') FROM payout_runs WHERE id = %s", run)
        assert f"ok    run        {run}: " in done.stdout and digest in done.stdout
    # A block that was divided by other terms than those its pool had noted is told.
    line = next(line for line in done.stdout.splitlines() if line.startswith(f"ok    run        {runs['prop']}: "))
    assert line.endswith("; the terms noted before it were others: pplns, fee 10000 ppm, coherence 0 ppm"), line
    # The proof chain is read before segments are copied, so that its newest blocks commit to nothing behind the copies: where it can't be
    # written, there are none.
    blocked = cluster.folder / "blocked"
    (blocked / "coherence_chain.jsonl.part").mkdir(parents=True)
    done = export(pool, blocked, f"--run={runs['prop']}")
    assert done.returncode == 1 and "coherence_chain.jsonl" in done.stderr, done.stderr
    assert not list(blocked.rglob("*.journal"))
    assert one(cluster, "SELECT count(DISTINCT miner_id) FROM payout_items WHERE run_id = %s", runs["pplns"]) == 4

    # A period holds the same runs, and those that were taken back.
    period = cluster.folder / "period"
    done = export(pool, period, "--from", "2009-01-03", "--to", "tomorrow")
    assert done.returncode == 0, done.stderr
    done = verify(pool, period)
    assert done.returncode == 0, done.stdout
    assert done.stdout.count("ok    run ") == len(runs) + 2 and "(withdrawn)" in done.stdout

    check_rights(cluster, pool, runs)
    check_lies_are_found(cluster, pool, out, runs)
    check_missing_segments(cluster, pool, runs)


def check_rights(cluster, pool, runs: dict):
    """Whoever may read reports may export, and so may the pool's own role; neither may do anything for it."""
    for role in ("phasepool_reports", "phasepool"):
        cluster.postgres.psql(f"CREATE ROLE login_{role} LOGIN IN ROLE {role}", user="postgres")
        url = f"postgresql:///phasepool?host={cluster.postgres.sockets}&user=login_{role}"
        out = cluster.folder / f"by_{role}"
        assert export(pool, out, *(f"--run={run}" for run in runs.values()), "--database", url).stderr == ""
        assert verify(pool, out).returncode == 0


def check_lies_are_found(cluster, pool, out, runs: dict):
    inputs = json.loads((out / "payout_inputs.json").read_text())

    def told(change, part: str):
        lie = cluster.folder / "lie"
        shutil.copytree(out, lie)
        changed = json.loads(json.dumps(inputs))
        change(changed, lie)
        (lie / "payout_inputs.json").write_text(json.dumps(changed))
        done = verify(pool, lie)
        shutil.rmtree(lie)
        assert done.returncode == 1 and part in done.stdout, done.stdout
        return done.stdout

    def rewrite(number: str, old: str, new: str):
        def change(changed, _):
            run = next(run for run in changed["runs"] if run["id"] == runs[number])
            assert old in run["text"]
            run["text"] = run["text"].replace(old, new, 1)
            run["digest"] = hashlib.sha256(run["text"].encode()).hexdigest()
        return change

    def field(name: str, value):
        def change(changed, _):
            next(run for run in changed["runs"] if run["id"] == runs["pplns"])[name] = value
        return change

    items = dict(cluster.query("SELECT address, share_sats FROM payout_items WHERE run_id = %s", runs["pplns"]))
    for address, amount in list(items.items())[:2]:
        told(rewrite("pplns", f" 0 0 {amount} 0\n", f" 0 0 {amount + 1} 0\n"), "but the shares say \"miner ")
        assert address in items
    told(rewrite("prop", "fee_ppm 20000", "fee_ppm 20001"), "but the shares say \"fee_sats ")
    told(rewrite("solo", MINERS[2], MINERS[3]), f"but the shares say \"miner {MINERS[2]} ")
    told(rewrite("pplns", "start share 17", "start share 16"), "FAIL  run ")
    told(rewrite("pplns", "reward_sats 5", "reward_sats 4"), "but its block pays the pool")
    told(rewrite("pps", " 207fffff ", " 1d00ffff "), "FAIL  run ")
    for number in ("pplns", "prop"):
        text = next(run for run in inputs["runs"] if run["id"] == runs[number])["text"]
        end = int(text.split("\nend ")[1].split("\n")[0])
        told(rewrite(number, f"\nend {end}\n", f"\nend {end - 1}\n"), f"but its block was found at {end}")
    told(field("digest", "00" * 32), "but its digest is 0000")
    told(field("header", "00" * 80), "header has another hash")
    coinbase = next(run for run in inputs["runs"] if run["id"] == runs["pplns"])["coinbase"]
    told(field("coinbase", coinbase[:-1] + ("0" if coinbase[-1] != "0" else "1")), "coinbase is not in its block")

    def flip(changed, folder):
        segment = sorted((folder / changed["journals"][0]["uuid"]).glob("*.journal"))[0]
        data = bytearray(segment.read_bytes())
        data[len(data) // 2] ^= 1
        segment.write_bytes(data)
    told(flip, "FAIL  segment")

    def other_hash(changed, _):
        changed["journals"][0]["segments"][0]["sha256"] = "00" * 32
    told(other_hash, "as the database has it")


def check_missing_segments(cluster, pool, runs: dict):
    journal = cluster.folder / "pool" / "data" / "journal"
    oldest = sorted(journal.glob("*.journal"))[0]
    away = cluster.folder / "away"
    away.mkdir()
    shutil.move(oldest, away / oldest.name)
    done = export(pool, cluster.folder / "none", f"--run={runs['pps']}")
    assert done.returncode == 1 and oldest.name in done.stderr and "--journal" in done.stderr, done.stderr
    assert not (cluster.folder / "none" / "payout_inputs.json").exists()
    done = export(pool, cluster.folder / "found", f"--run={runs['pps']}", "--journal", str(away))
    assert done.returncode == 0, done.stderr
    assert verify(pool, cluster.folder / "found").returncode == 0
    done = export(pool, cluster.folder / "none", "--run=99999")
    assert done.returncode == 1 and "payout run 99999: there is none" in done.stderr
    assert export(pool, cluster.folder / "none").returncode == 2
