"""phaseminer's coherence work, end to end: on one port with an ordinary miner, both kinds on one connection, over a pool's death.

Level 0 and easy targets keep a proof at a fraction of a second. What the pool stored is replayed by `phaseminer coherence-attempt`,
which starts from the job alone, and the witness log is held against the chain in the database.
"""

import json
import pathlib
import subprocess

import pytest

from framework.miner import Miner
from framework.util import wait_until

# Hash difficulty 64 for a block (0x20040000) and 8 for a proof; no retarget within a test. Vardiff holds on to what it starts with
# for the moments that a test lasts.
COHERENCE = {"level": 0, "block_seconds": 1, "retarget_blocks": 1000, "initial_bits": "20040000", "start_difficulty": 8,
             "min_difficulty": 8, "shares_per_minute": 60}

HEADER_2 = bytes(range(76)).hex()
KEYS = ["seed", "bloom", "bloom_start", "bloom_end", "r_q", "psi_q", "certificate", "cert_hash", "work_hash"]


def attempt(header76: str, extranonce: int, number: int, level: int, *extra) -> subprocess.CompletedProcess:
    return subprocess.run([Miner.program, "coherence-attempt", "--header76", header76, "--extranonce", f"{extranonce:016x}", "--attempt",
                           f"{number:016x}", "--level", str(level), *extra], capture_output=True, text=True, timeout=60, check=False)


# -- coherence-attempt


@pytest.mark.parametrize("header, extranonce, number, level, start, work_hash", [
    ("00" * 76, 0, 0, 2, 5654, "c49efeb9cbaa2fce2261ca652993049a7e0571c651b4f2190cde7617129d840b"),
    (HEADER_2, 0x0123456789ABCDEF, 1001, 3, 9419, "3facfffd5bcedbde7a24e76f04eeb8b4fe7736c4fc16e030f5c0e2e386e9a611"),
])
def test_attempt_gives_the_known_answers(header, extranonce, number, level, start, work_hash):
    done = attempt(header, extranonce, number, level, "--json", "--progress")
    assert done.returncode == 0 and done.stderr == ""
    *progress, outcome = [json.loads(line) for line in done.stdout.splitlines()]
    assert list(outcome) == KEYS
    assert outcome["bloom"] is True and outcome["bloom_start"] == start and outcome["bloom_end"] == start + 6
    assert outcome["work_hash"] == work_hash and len(outcome["certificate"]) == 664
    assert [line["round"] for line in progress] == [*range(0, start + 6, 100), start + 6]
    assert progress[-1]["r"] == pytest.approx(outcome["r_q"] / 65536, abs=1e-5) and progress[-1]["r"] > 0.866


def test_attempt_that_is_void_ends_with_1():
    done = attempt("00" * 76, 0, 0, 5, "--json")
    outcome = json.loads(done.stdout)
    assert done.returncode == 1 and list(outcome) == KEYS
    assert outcome["bloom"] is False and [key for key in KEYS if outcome[key] is None] == KEYS[2:]


@pytest.mark.parametrize("option, value, expected", [
    ("--header76", "00" * 75, "152 hex digits"), ("--extranonce", "12", "16 hex digits"),
    ("--attempt", "-000000000000001", "16 hex digits"), ("--level", "6", "from 0 to 5"), ("--what", "1", "--help"),
])
def test_attempt_names_what_is_wrong(option, value, expected):
    options = {"--header76": "00" * 76, "--extranonce": "0" * 16, "--attempt": "0" * 16, "--level": "2", option: value}
    done = subprocess.run([Miner.program, "coherence-attempt", *(f"{name}={text}" for name, text in options.items())],
                          capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 2 and done.stdout == ""
    assert len(done.stderr.splitlines()) == 1 and option in done.stderr and expected in done.stderr


@pytest.mark.parametrize("flags", [[], ["--json"], ["--json", "--progress"]])
def test_attempt_whose_output_is_lost_says_so(flags):
    with open("/dev/full", "w", encoding="ascii") as full:
        done = subprocess.run([Miner.program, "coherence-attempt", "--header76", "00" * 76, "--extranonce", "0" * 16, "--attempt", "0" * 16,
                               "--level", "2", *flags], stdout=full, stderr=subprocess.PIPE, text=True, timeout=60, check=False)
    assert done.returncode == 3 and done.stderr == "phaseminer: the output can't be written\n"


# -- with a pool


@pytest.fixture
def pool(cluster):
    cluster.start_postgres()
    cluster.start_node()
    pool = cluster.make_pool(difficulty=0.001)  # a Bitcoin block every second or so
    pool.config["coherence"] = COHERENCE
    pool.migrate()
    return pool.start()


def said(miner: Miner) -> dict:
    """The newest of its --json lines; empty before the first."""
    return next((line for line in reversed(miner.lines) if "state" in line), {})


def coherence(miner: Miner) -> dict:
    """What it says there of its coherence work."""
    return said(miner).get("coherence", {})


def accepted(miner: Miner) -> int:
    return coherence(miner).get("accepted", 0)


def witness_lines(path: pathlib.Path) -> list:
    """(height, prev_hash) of each line."""
    lines = [line.split(" ") for line in path.read_text().splitlines()]
    assert all(len(line) == 3 and len(line[1]) == 64 and int(line[2]) > 1_600_000_000 for line in lines), lines
    return [(int(height), prev_hash) for height, prev_hash, _ in lines]


def chain(cluster) -> dict:
    return dict(cluster.query("SELECT height, encode(hash, 'hex') FROM coherence_chain ORDER BY height"))


def check_witness(cluster, path: pathlib.Path):
    """Every job that the miner was given was built on the block that the chain has at that height."""
    blocks = chain(cluster)
    seen = witness_lines(path)
    assert seen and all(prev_hash == (blocks[height - 1] if height else "00" * 32) for height, prev_hash in seen), (seen, blocks)
    heights = [height for height, _ in seen]
    assert heights == sorted(set(heights)), "a line for each block, once"
    verified = cluster.pool.command("verify", "chain", "--witness", path)
    assert verified.returncode == 0 and f"{len(seen)} jobs are of this chain, 0 are not" in verified.stdout, verified.stdout + verified.stderr
    return heights


def check_proofs(cluster, most: int = 5):
    """The stored proofs are those of the attempts they name, and none is there twice."""
    rows = cluster.query("SELECT encode(header, 'hex'), extranonce, attempt, params, encode(work_hash, 'hex'), encode(certificate, 'hex')"
                         " FROM coherence_proofs ORDER BY random()")
    assert len({row[4] for row in rows}) == len(rows)
    for header, extranonce, number, params, work_hash, certificate in rows[:most]:
        outcome = json.loads(attempt(header[:152], int(extranonce), int(number), params - 0x10000, "--json").stdout)
        assert (outcome["work_hash"], outcome["certificate"]) == (work_hash, certificate)


def finish(miner: Miner) -> dict:
    """Stops it, and returns its last words."""
    assert miner.stop() == 0
    assert miner.lines[-1].get("final"), miner.lines[-1]
    return miner.lines[-1]


def test_both_kinds_of_miner_on_one_port(cluster, pool):
    witness = cluster.folder / "witness.log"
    ordinary = cluster.miner(worker="hashes")
    blooms = cluster.miner(worker="blooms", extra=["--algo", "coherence", "--witness", witness, "--progress"])
    wait_until(lambda: accepted(blooms) >= 20 and witness.exists() and len(witness_lines(witness)) >= 4, 60,
               "twenty accepted proofs, and jobs on three blocks of the proof chain")
    wait_until(lambda: said(ordinary).get("accepted", 0) >= 5, 60, "shares of the ordinary miner")

    last = finish(blooms)
    mine = last["coherence"]
    assert last["threads"] == 0 and last["accepted"] == 0 and mine["threads"] == 1
    assert mine["wrong_blooms"] == 0 and mine["dropped_repeat"] == 0 and mine["blocks_accepted"] >= 3
    assert mine["rounds"] > mine["blooms"] * 500 and mine["attempts"] >= mine["blooms"] > mine["accepted"]
    progress = [line for line in blooms.lines if "round" in line]
    assert len(progress) >= 3 and all(0 < line["r"] < 1 and line["round"] < 15127 for line in progress)
    assert finish(ordinary)["accepted"] >= 5 and "coherence" not in ordinary.lines[-1]

    # What was submitted as the miner stopped may have been accepted without its knowing.
    most = mine["accepted"] + mine["unanswered_lost"]
    stored = wait_until(lambda: (rows := cluster.query("SELECT count(*) FROM coherence_proofs")[0][0]) >= mine["accepted"] and rows, 20,
                        "every accepted proof in PostgreSQL")
    seen = wait_until(lambda: (now := pool.api("coherence"))["proofs"]["accepted"] >= mine["accepted"] and now, 20, "every accepted proof in the API")
    assert stored <= most and seen["proofs"]["accepted"] <= most
    assert seen["proofs"]["rejects"]["false_proof"] == 0 and seen["verifiers"]["false"] == 0
    wait_until(lambda: (tip := pool.api("coherence")["tip"]) and chain(cluster)[tip["height"]] == tip["hash"], 20, "the API's tip to be the chain's")
    check_proofs(cluster)
    heights = check_witness(cluster, witness)
    assert heights[:4] == [0, 1, 2, 3]


def test_both_kinds_on_one_connection(cluster, pool):
    miner = cluster.miner(worker="both", threads=2, extra=["--algo", "both", "--coherence-threads", "1"])
    wait_until(lambda: accepted(miner) >= 10 and said(miner)["accepted"] >= 5, 60, "shares and proofs of one miner")
    assert said(miner)["threads"] == 1 and coherence(miner)["threads"] == 1
    assert pool.api()["connections"] == 1 and pool.api("coherence")["clients"] == 1
    last = finish(miner)
    assert last["coherence"]["wrong_blooms"] == 0 and last["reconnects"] == 0
    workers = cluster.query("SELECT w.name, count(*) FROM coherence_proofs p JOIN workers w ON w.id = p.worker_id GROUP BY 1")
    assert [name for name, _ in workers] == ["both"]
    check_proofs(cluster)


def test_the_pool_dies_and_comes_back_and_the_miner_goes_on(cluster, pool):
    witness = cluster.folder / "witness.log"
    miner = cluster.miner(worker="patient", extra=["--algo", "coherence", "--witness", witness, "--retry-pause", "1"])
    wait_until(lambda: accepted(miner) >= 10 and len(chain(cluster)) >= 1, 60, "proofs before")
    pool.kill()
    wait_until(lambda: said(miner)["state"] in ("disconnected", "connecting"), 20, "the miner to notice")
    before = accepted(miner)
    pool.start()
    wait_until(lambda: accepted(miner) >= before + 10, 60, "proofs after")
    last = finish(miner)
    assert last["reconnects"] >= 1 and last["coherence"]["dropped_repeat"] == 0
    # Answered means durable: none of those is gone.
    wait_until(lambda: cluster.query("SELECT count(*) FROM coherence_proofs")[0][0] >= last["coherence"]["accepted"], 20,
               "every accepted proof in PostgreSQL")
    check_proofs(cluster)
    check_witness(cluster, witness)
