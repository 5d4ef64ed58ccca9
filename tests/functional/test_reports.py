"""sql/reports: every report runs on an empty database, says the right figures of a filled one, and of a real pool's; and
says clearly what is wrong with a variable."""

import datetime
import subprocess
from decimal import Decimal
from fractions import Fraction

import pytest

from framework import reports
from framework.util import ROOT

SHARES, WORKERS, BLOCKS = reports.SHARES, reports.WORKERS, reports.BLOCKS
TIMELESS = ("balances", "hashrate", "preview")  # have no `from`
BY = {name: by for name, by in reports.BY.items() if name in reports.NAMES}


@pytest.fixture(scope="module")
def postgres():
    with reports.filled_cluster() as made:
        yield made


@pytest.fixture
def filled(postgres):
    with reports.asking(postgres, "filled") as ask:
        yield ask


@pytest.mark.parametrize("name, by", reports.EVERY)
def test_a_new_pool_has_no_figures(postgres, name, by):
    if name == "preview":
        done = reports.run(postgres, "phasepool", name)
        assert (done.returncode, done.stdout) == (3, "") and "payout scheme in force" in done.stderr and "HINT" in done.stderr
        return
    rows = reports.rows(postgres, "phasepool", name, **({"by": by} if by else {}))
    if name == "reconciliation":
        assert [row["closing_sats"] for row in rows] == ["0"] * len(rows)
    else:
        assert all(row["shares"] == "0" for row in rows)
        assert len(rows) == (25 if name == "system_hourly" else 0)


@pytest.mark.parametrize("name, by", reports.EVERY)
def test_text_has_a_title_and_csv_has_not(postgres, name, by):
    variables = {"by": by} if by else {}
    text = reports.run(postgres, "filled", name, **variables)
    assert (text.returncode, text.stderr) == (0, "")
    assert "20" in text.stdout.splitlines()[0] or name == "reconciliation"
    page = reports.run(postgres, "filled", name, "--html", "-o", "/dev/stdout", **variables)
    assert page.stdout.startswith("<table")
    reports.rows(postgres, "filled", name, **variables)


@pytest.mark.parametrize("name, variables, code, said", [
    *[(name, {"from_": "2026-13-01"}, "PH411", 'from: "2026-13-01" is not a time') for name in reports.NAMES if name not in TIMELESS],
    *[(name, {"to": "1970-01-01"}, "PH411", "to: 1970-01-01 is not between 2009-01-03") for name in reports.NAMES if name != "preview"],
    *[(name, {"from_": "2026-02-02", "to": "2026-02-01"}, "PH412", "the period has no length") for name in reports.NAMES
      if name not in TIMELESS],
    *[(name, {"address": "bcrt1qnobody"}, "PH413", '"bcrt1qnobody" is not known') for name in reports.NAMES
      if name not in ("effort", "reconciliation", "system_hourly")],
    *[(name, {"by": "moon"}, "PH414", 'by: "moon" is not one of') for name in BY],
    ("payouts", {"scheme": "fpps"}, "PH414", 'scheme: "fpps" is not one of pplns, prop, pps, solo, all'),
    ("payouts", {"scheme": "' OR true --"}, "PH414", "is not one of"),
    ("hashrate", {"unit": "parsec"}, "PH414", 'unit: "parsec" is not one of'),
    ("preview", {"reward": "-5"}, "PH415", 'reward: "-5" is not a number from 0 to'),
    ("coherence", {"watts": "-5"}, "PH415", 'watts: "-5" is not a number from 0.001 to 1000000'),
    ("system_hourly", {"from_": "2010-01-01"}, "PH415", "to - from in days"),
])
def test_a_bad_variable_is_named(postgres, name, variables, code, said):
    done = reports.run(postgres, "filled", name, "-v", "VERBOSITY=verbose", **variables)
    assert done.returncode == 3
    assert done.stdout == ""
    assert f"ERROR:  {code}: " in done.stderr and said in done.stderr and "HINT:  " in done.stderr


def test_reports_change_nothing(postgres):
    """Even as the owner: the transaction is read-only."""
    script = "\\ir begin.psql\nDELETE FROM events;\n"
    path = reports.FOLDER / "begin.psql"
    done = subprocess.run([postgres.bin / "psql", "-X", "-h", postgres.sockets, "-U", "pool_owner", "-d", "filled", "-f", "-"],
                          input=script, cwd=path.parent, capture_output=True, text=True, timeout=30, check=False)
    assert done.returncode == 3 and "read-only transaction" in done.stderr


# -- figures, each found another way


def test_payouts_add_up(postgres, filled):
    by_block = reports.rows(postgres, "filled", "payouts", by="block")
    confirmed = filled("SELECT encode(hash, 'hex'), reward FROM blocks WHERE status = 'confirmed' ORDER BY time")
    assert len(confirmed) >= 2
    assert [(row["block"], int(row["coinbase_sats"])) for row in by_block] == confirmed
    for row in by_block:
        assert int(row["fee_sats"]) == int(row["reward_sats"]) * 10000 // 1_000_000
        assert int(row["fee_sats"]) + int(row["miners_sats"]) == int(row["reward_sats"])
    items = reports.rows(postgres, "filled", "payouts")
    for row in by_block:
        own = [item for item in items if item["run"] == row["run"]]
        assert sum(int(item["amount_sats"]) for item in own) == int(row["miners_sats"])
        assert sum(int(item["work"]) for item in own) == int(row["work"])
        for item in own:  # a share of the reward is the share of the work, to a satoshi
            part = Fraction(int(row["miners_sats"]) * int(item["work"]), int(row["work"]))
            assert abs(int(item["amount_sats"]) - part) < 1
    by_miner = {row["address"]: int(row["amount_sats"]) for row in reports.rows(postgres, "filled", "payouts", by="miner")}
    balances = {row["address"]: row for row in reports.rows(postgres, "filled", "balances")}
    assert by_miner == {address: int(row["balance_sats"]) for address, row in balances.items()}
    assert all((row["payable"] == "t") == (int(row["balance_sats"]) >= 100000) for row in balances.values())
    address = max(by_miner, key=by_miner.get)
    alone = reports.rows(postgres, "filled", "payouts", address=address.upper())
    assert {row["address"] for row in alone} == {address} and sum(int(row["amount_sats"]) for row in alone) == by_miner[address]
    assert reports.rows(postgres, "filled", "payouts", scheme="pps") == []


def test_a_preview_divides_the_reward_by_every_scheme(postgres):
    reward = 312_345_678
    rows = reports.rows(postgres, "filled", "preview", reward=str(reward))
    divided = reward - reward * 10000 // 1_000_000
    for scheme in ("pplns", "prop"):
        assert sum(int(row[f"{scheme}_sats"]) for row in rows) == divided
        assert sum(int(row[f"{scheme}_work"]) for row in rows) > 0
    assert {int(row["solo_sats"]) for row in rows} == {divided}
    open_round = reports.rows(postgres, "filled", "effort")[-1]
    assert sum(int(row["prop_work"]) for row in rows) == int(open_round["work"])
    alone, = reports.rows(postgres, "filled", "preview", reward=str(reward), address=rows[0]["address"])
    assert alone == rows[0]


def test_rounds_have_every_share_once(postgres, filled):
    rounds = reports.rows(postgres, "filled", "effort", from_="2009-01-03")
    (shares, work), = filled("SELECT count(*), sum(work) FROM shares")
    assert sum(int(row["shares"]) for row in rounds) == shares == SHARES
    assert sum(int(row["work"]) for row in rounds) == work
    assert rounds[-1]["ended"] == "" and all(row["exact"] == "t" for row in rounds)
    expected = sum(Fraction(int(row["work"]), int(row["network_work"])) for row in rounds)
    assert abs(Fraction(Decimal(rounds[-1]["expected_blocks"])) - expected) < Fraction(1, 1000)
    assert int(rounds[-1]["blocks"]) == len(rounds) - 1 == BLOCKS - 1  # one was orphaned
    blocks = {row["height"]: row for row in reports.rows(postgres, "filled", "blocks")}
    assert len(blocks) == BLOCKS and {row["status"] for row in blocks.values()} == {"confirmed", "accepted", "orphaned"}
    for row in rounds[:-1]:
        block = blocks[row["height"]]
        assert (block["round_work"], block["effort_percent"]) == (row["work"], row["effort_percent"])


def test_hash_rates_are_work_over_time(postgres, filled):
    (end,), = filled("SELECT max(start) FROM share_sums WHERE span = 'minute'")
    end += datetime.timedelta(minutes=1)
    pool, = reports.rows(postgres, "filled", "hashrate", by="pool", to=end.isoformat(), unit="H")
    for name, seconds in (("10m", 600), ("1h", 3600), ("1d", 86400), ("7d", 7 * 86400)):
        (work,), = filled("SELECT sum(work) FROM shares WHERE time >= %s AND time < %s", end - datetime.timedelta(seconds=seconds), end)
        assert abs(Decimal(pool[f"rate_{name}"]) - work / seconds) <= Decimal("0.001")
    workers = reports.rows(postgres, "filled", "hashrate", to=end.isoformat(), unit="H")
    assert len(workers) == WORKERS
    assert abs(sum(Decimal(row["rate_1d"]) for row in workers) - Decimal(pool["rate_1d"])) < 1
    assert abs(sum(Decimal(row["percent_1d"]) for row in workers) - 100) < Decimal("0.01")
    miners = reports.rows(postgres, "filled", "hashrate", by="miner", to=end.isoformat(), unit="H")
    assert sum(int(row["shares_1d"]) for row in miners) == sum(int(row["shares_1d"]) for row in workers)
    in_tera = reports.rows(postgres, "filled", "hashrate", by="pool", to=end.isoformat())[0]
    assert in_tera["unit"] == "TH/s" and abs(Decimal(in_tera["rate_1d"]) * 10**12 - Decimal(pool["rate_1d"])) < 10**9


def test_hours_and_rejects(postgres, filled):
    (first,), = filled("SELECT date_trunc('hour', min(time)) FROM shares")
    hours = reports.rows(postgres, "filled", "system_hourly", from_=first.isoformat())
    assert sum(int(row["shares"]) for row in hours) == SHARES
    assert sum(int(row["blocks"]) for row in hours) == BLOCKS - 1 and sum(int(row["lost_blocks"]) for row in hours) == 1
    (total,), = filled("SELECT sum(rejects) FROM reject_sums")
    assert sum(int(row["rejects"]) for row in hours) == total
    whole = hours[3]
    (workers, miners, work), = filled(
        "SELECT count(DISTINCT w.id), count(DISTINCT w.miner_id), sum(s.work) FROM shares s JOIN workers w ON w.id = s.worker_id"
        " WHERE date_trunc('hour', s.time) = %s", whole["hour"])
    assert (int(whole["workers"]), int(whole["miners"]), int(whole["work"])) == (workers, miners, work)
    assert int(whole["hashes_per_second"]) == work // 3600
    for by in ("worker", "miner", "reason"):
        rows = reports.rows(postgres, "filled", "rejects", by=by, from_=first.isoformat())
        assert sum(int(row["rejects"]) for row in rows) == total
    assert {row["reason"] for row in rows} == {"stale", "duplicate", "low_difficulty"}
    assert {row["accepted"] for row in rows} == {str(SHARES)}
    stale = next(row for row in rows if row["reason"] == "stale")
    assert Decimal(stale["percent"]) == round(100 * Decimal(stale["rejects"]) / (SHARES + total), 4)


def test_rejects_of_unknown_names_and_single_ones(postgres):
    postgres.create_database("refused", "phasepool")
    postgres.psql("""
      SELECT ensure_workers('{bcrt1qa}', '{rig}', now());
      SELECT add_rejects(1, ARRAY[date_trunc('hour', now()), date_trunc('hour', now())], '{bcrt1qa,bcrt1qghost}', ARRAY['rig', ''], '{stale,unauthorized}', '{3,4}');
      SELECT add_reject('bcrt1qa', 'rig', now(), 'stale', 'too late', 'agent/1', 'ff', 7, 250, 1, 2, NULL, 1700000000, 255, NULL, 10)""", "refused")
    rows = reports.rows(postgres, "refused", "rejects")
    assert [(row["address"], row["worker"], row["reason"], row["rejects"], row["percent"]) for row in rows] == [
        ("", "", "unauthorized", "4", "100.0000"), ("bcrt1qa", "rig", "stale", "3", "100.0000")]
    assert [row["rejects"] for row in reports.rows(postgres, "refused", "rejects", address="bcrt1qa")] == ["3"]
    single, = reports.rows(postgres, "refused", "rejects", by="last")
    assert (single["detail"], single["stale_ms"], single["nonce"], single["ntime"]) == ("too late", "250", "000000ff", "2023-11-14 22:13:20+00")


def test_coherence_energy(postgres):
    """E = P x N x T; a proof without a measured time has no energy."""
    postgres.create_database("coherence", "phasepool")
    zeros = "decode(repeat('00', 332), 'hex')"
    header = "'\\x01000000' || substr(zeros, 1, 64) || '\\x01000000ffff7f20'"  # time 1, bits that every second hash meets
    postgres.psql(f"""
      SELECT ensure_workers('{{bcrt1qa,bcrt1qb}}', '{{rig,rig}}', now());
      INSERT INTO coherence_proofs (time, journal, sequence, worker_id, chain_height, header, extranonce, attempt, params, target, bloom_start, bloom_end,
                                    r_q, psi_q, work, seconds, cert_hash, work_hash, certificate)
        SELECT now() - n * interval '1 minute', w.id, n, w.id, 0, {header} || substr(zeros, 1, 16), 0, n, 65538, substr(zeros, 1, 32), 0, 0, 0, 0,
               13312 * 4096, CASE WHEN n > 1 THEN 7.25 END, sha256(zeros), substr(sha256(int8send(n * 1000 + w.id)), 1, 31) || '\\x00', zeros
        FROM generate_series(1, 3) n, workers w, (SELECT {zeros} AS zeros) z;
      SELECT begin_coherence_chain(420, 123, 545259519, 0);
      SELECT append_coherence_block(now(), 0, work_hash, substr(header, 1, 76), params, substr(header, 5, 32), '{{}}', '{{}}', '{{}}', '{{}}', '{{}}')
        FROM coherence_proofs ORDER BY id LIMIT 1""", "coherence")
    for row in reports.rows(postgres, "coherence", "coherence", watts="126"):
        assert (row["proofs"], row["t_seconds"], row["n"], row["p_watts"]) == ("3", "14.500", "63", "2.000000")
        assert Decimal(row["energy_joules"]) == Decimal("2") * 63 * Decimal("14.5")  # P x N x T
        assert row["joules_per_proof"] == "913.500" and row["energy_kwh"] == "0.000508"
        assert int(row["expected_rounds"]) == 3 * 13312 * 4096
        assert float(row["landauer_joules"]) == pytest.approx(1.380649e-23 * 300 * 0.6931471805599453 * 16 * 63 * 3 * 13312 * 4096, rel=1e-9)
    assert sum(int(row["chain_blocks"]) for row in reports.rows(postgres, "coherence", "coherence")) == 1
    proofs = reports.rows(postgres, "coherence", "coherence", by="proof", watts="126")
    assert [row["energy_joules"] for row in proofs].count("") == 2 and {row["energy_joules"] for row in proofs} == {"", "913.500"}


def test_every_report_is_in_the_documentation():
    text = (ROOT / "docs" / "reports.md").read_text()
    assert [name for name in reports.NAMES if f"## {name}.sql" not in text] == []
