"""Payouts in SQL against an independent implementation, over random histories; and what must hold of any of them.

A failing history has its seed in the test's message: `ORACLE_SEED=17 ORACLE_HISTORIES=1` runs it alone.
"""

import dataclasses
import os
import random

import psycopg2
import pytest

from framework import payout_oracle as oracle
from framework import schema
from framework.payout_history import BASE, MINUTE, REGTEST_NBITS, History, Stored
from framework.payout_oracle import Scheme

FIRST = int(os.environ.get("ORACLE_SEED", "0"))
HISTORIES = int(os.environ.get("ORACLE_HISTORIES", "400"))
SHIFT = 31 * 60 * MINUTE + 17_345_678  # another minute, hour and day
TABLES = ("shares_default share_sums height_sums coherence_proofs coherence_sums miners workers blocks payout_schemes payout_runs payout_items "
          "payout_run_journals ledger_transactions ledger account_balances pps_pending pps_credits payout_late_work").split()
SCHEMES = ("pplns", "prop", "solo", "pps")
REWARDS = (0, 1, 2, 7, 312_500_000, 5_000_000_000, 2_100_000_000_000_000)
PARTS = ((0, 0), (10_000, 0), (10_000, 50_000), (0, 1_000_000), (999_999, 1), (333_333, 333_333), (1_000_000, 0))


@pytest.fixture(scope="module")
def database():
    """A connection to a database with every migration; each test rolls back."""
    with schema.cluster(tap=False) as postgres:
        connection = psycopg2.connect(postgres.url())
        with connection.cursor() as cursor:
            cursor.execute("SET TIME ZONE 'Asia/Kathmandu'; SET statement_timeout = '20s'")
        connection.commit()
        yield connection
        connection.close()


def alter(history: History, change: str):
    """The same history, told otherwise: what payouts must not see."""
    order = sorted(history.shares)
    if change == "order":
        history.shares = order[::-1]
        history.addresses.reverse()  # other ids
    elif change == "journals":  # all through one, which keeps their order
        history.shares = [dataclasses.replace(share, journal=1, sequence=number) for number, share in enumerate(order, 1)]
    elif change == "minutes":
        history.shares = [dataclasses.replace(share, time=share.time + SHIFT) for share in history.shares]
        history.proofs = [dataclasses.replace(proof, time=proof.time + SHIFT) for proof in history.proofs]
        history.moments = [moment + SHIFT for moment in history.moments]


class Case:
    """A history in the database, seen by one transaction alone, with schemes, parts and two blocks chosen by its seed."""

    def __init__(self, database, seed: int, change: str = ""):
        self.seed = seed
        self.history = history = History(seed)
        self.pick = pick = history.random
        alter(history, change)
        self.world = world = Stored(database.cursor(), history)
        world.add(pick.sample(history.shares, len(history.shares)))
        world.add(history.proofs, "coherence_proofs")
        self.window = history.window()
        self.parts = pick.choice(PARTS)
        self.reward = pick.choice(REWARDS)
        self.schemes = {name: world.scheme(name, self.window, *self.parts) for name in SCHEMES}
        times = sorted(share.time for share in history.shares)
        self.end = pick.choice(times)
        self.finder = pick.choice(history.addresses)
        self.previous = pick.choice([None, pick.choice(times), pick.choice(history.moments)])
        if self.previous is not None:
            status = pick.choice(["submitted", "accepted", "confirmed", "rejected", "orphaned"])
            world.block(self.previous, (self.finder, ""), 1, status=status)
            if status in ("rejected", "orphaned") or self.previous > self.end:
                self.previous = None
        self.block = world.block(self.end, (self.finder, "rig"), self.reward, direct=pick.choice([0, 5]), height=101)

    def scheme(self, name: str) -> Scheme:
        return Scheme(name, self.window, *self.parts)

    def expected(self, name: str):
        return oracle.block_run(self.scheme(name), self.history.shares, self.history.proofs, self.end, self.reward, REGTEST_NBITS,
                                self.finder, self.previous)

    def run(self, name: str):
        """The run's id, or None where there is nothing to divide by."""
        refused = self.refused("SELECT create_block_run(%s, %s, true)", self.block, self.schemes[name])
        assert refused in (None, "PH114"), self.where(name, refused)
        return None if refused else self.world.cursor.fetchone()[0]

    def execute(self, statement: str, *parameters):
        self.world.cursor.execute(statement, parameters)

    def refused(self, statement: str, *parameters):
        """The SQLSTATE of an error that the statement ends with, undone; None if it doesn't."""
        self.execute("SAVEPOINT before_it")
        try:
            self.execute(statement, *parameters)
        except psycopg2.Error as error:
            self.execute("ROLLBACK TO before_it")
            return error.pgcode
        return None

    def late(self, count: int):
        """Shares and proofs that come after the runs, with times in their windows."""
        shares = [self.history.share() for _ in range(count)]
        self.world.add(shares)
        proofs = [self.history.share() for _ in range(count)]
        self.world.add(proofs, "coherence_proofs")
        return shares, proofs

    def where(self, *what) -> str:
        return f"ORACLE_SEED={self.seed} ORACLE_HISTORIES=1: {what}"


@pytest.fixture
def cases(database):
    def each(count):
        for seed in range(FIRST, FIRST + min(count, HISTORIES)):
            try:
                yield Case(database, seed)
            finally:
                database.rollback()
            if seed % 40 == 0:
                vacuum(database)
    return each


def vacuum(database):
    """What was rolled back is still read past, and makes each history slower than the one before."""
    database.autocommit = True
    database.cursor().execute("VACUUM " + ", ".join(TABLES))
    database.autocommit = False


def test_blocks(cases):
    """PPLNS, PROP and SOLO; then the same bytes again: from the shares, with others that came late, and when they are dropped."""
    sources = set()
    for case in cases(HISTORIES):
        runs = {}
        for name in ("pplns", "prop", "solo"):
            expected = case.expected(name)
            run = case.run(name)
            if expected is None:  # a run all the same where fee or coherence part leave nothing for shares
                assert run is None or case.reward == 0 or sum(case.parts) == oracle.MILLION, case.where(name)
            else:
                assert case.world.result(run) == expected, case.where(name)
            if run is None:
                continue
            case.execute("SELECT reverse_run(%s, 'another scheme')", run)
            runs[name] = run
        for name, run in runs.items():
            assert case.world.recomputed(run) == ("shares", True, None), case.where(name, "again")
        case.late(case.pick.randint(1, 4))
        name = case.pick.choice(sorted(runs) or [None])
        if name is None:
            continue
        assert case.world.recomputed(runs[name]) == ("shares", True, None), case.where(name, "late")
        case.execute("DELETE FROM shares WHERE random() < 2" if case.pick.random() < 0.5 else f"DELETE FROM shares WHERE time <= to_timestamp({case.end // 10**6})")
        case.execute("DELETE FROM coherence_proofs")
        source, equal, problem = case.world.recomputed(runs[name])
        assert (equal, problem) == (True, None), case.where(name, "dropped", source, problem)
        sources.add(source)
        case.execute("SELECT coalesce(sum(amount_sats), 0) FROM ledger")
        assert case.world.cursor.fetchone()[0] == 0
        case.execute("SET CONSTRAINTS ALL IMMEDIATE")
    assert sources == {"shares", "sums"} or HISTORIES < 20


def window_of_what_is_left(case, minutes_from: int, shares_from: int):
    """PPLNS's works where single shares before one time, and sums of minutes before another, were dropped."""
    want = int(case.window * oracle.network_work(REGTEST_NBITS))
    window, since = oracle.pplns_window(case.history.shares, case.end, want)
    first = window[-1][0].time if window else None
    if since is None or first >= shares_from:
        return oracle.add_up((share.address, counts) for share, counts in window), since
    # The finest that is left: with all its work it counts in proportion.
    unit = MINUTE if first >= minutes_from else 60 * MINUTE
    low = first // unit * unit
    whole = [(share.address, counts) for share, counts in window if share.time >= low + unit]
    part = oracle.add_up((share.address, share.work) for share in case.history.shares if low <= share.time < low + unit)
    rest = oracle.split(want - sum(counts for _, counts in whole), part)
    return oracle.add_up([*whole, *rest.items()]), low


def test_windows_that_reach_behind_dropped_shares(cases):
    kinds = set()
    for case in cases(HISTORIES // 3):
        hour = 60 * MINUTE
        shares_from = case.pick.choice([share.time for share in case.history.shares if share.time <= case.end]) // MINUTE * MINUTE
        minutes_from = case.pick.choice([BASE, shares_from // hour * hour])
        case.execute("DELETE FROM shares WHERE time < timestamptz 'epoch' + %s * interval '1 us'", shares_from)
        case.execute("DELETE FROM share_sums WHERE span = 'minute' AND start < timestamptz 'epoch' + %s * interval '1 us'", minutes_from)
        works, since = window_of_what_is_left(case, minutes_from, shares_from)
        run = case.run("pplns")
        if not works:
            continue
        coherence = oracle.add_up((proof.address, proof.work) for proof in case.history.proofs
                                  if proof.time <= case.end and (since is None or proof.time >= since))
        expected = oracle.divide(case.scheme("pplns"), case.reward, works, coherence if case.parts[1] else {})
        assert case.world.result(run) == expected, case.where(shares_from, minutes_from)
        assert case.world.recomputed(run)[1:] == (True, None), case.where("again")
        case.late(3)
        assert case.world.recomputed(run)[1:] == (True, None), case.where("late")
        case.execute("SELECT start_kind FROM payout_runs WHERE id = %s", run)
        kinds.add(case.world.cursor.fetchone()[0])
    assert kinds == {"all", "share", "minute", "hour"} or HISTORIES < 300


def check_pps_coherence(case, run: int, proofs: list):
    """The coherence part of a PPS run: by the proofs behind the last run's end, up to its own, that are stored by now."""
    case.execute("SELECT (extract(epoch FROM start_time) * 1000000)::bigint, (extract(epoch FROM end_time) * 1000000)::bigint, reward_sats,"
                 " coherence_sats FROM payout_runs WHERE id = %s", run)
    start, end, reward, sats = case.world.cursor.fetchone()
    works = oracle.add_up((proof.address, proof.work) for proof in proofs if start < proof.time <= end) if case.parts[1] else {}
    expected = reward * case.parts[1] // oracle.MILLION if works else 0
    parts = oracle.split(expected, works) if works else {}
    case.execute("SELECT address, coherence_work, coherence_sats FROM payout_items WHERE run_id = %s AND coherence_work > 0", run)
    assert sats == expected, case.where(run, "coherence part")
    assert {address: (work, given) for address, work, given in case.world.cursor.fetchall()} == {
        address: (work, parts[address]) for address, work in works.items()}, case.where(run, "coherence")


def test_pps(cases):
    """However often runs are made, and whatever comes late: in the end each miner has the value of all its work, rounded down per height."""
    for case in cases(HISTORIES // 3):
        pick, world = case.pick, case.world
        nbits = pick.choice([REGTEST_NBITS, 0x1D00FFFF, 0x1B0404CB])
        heights = {height: (nbits, pick.choice([0, 1, 5_000_000_000])) for height in range(100, 106)}
        for number, (height, (_, subsidy)) in enumerate({**heights, 106: (nbits, 1)}.items()):
            world.height(height, nbits, subsidy, BASE - 10 + number * case.history.reach // 6)
        # Proofs of the very moments in which runs begin and end.
        edges = [dataclasses.replace(case.history.share(), time=BASE - 10 + number * case.history.reach // 6) for number in range(7)]
        world.add(edges, "coherence_proofs")
        runs = []
        shares, proofs = list(case.history.shares), case.history.proofs + edges
        for last in sorted(pick.choices(range(100, 106), k=3)) + [105]:
            credited = oracle.pps_values(shares, heights, 100, last)
            refused = case.refused("SELECT create_pps_run(%s, %s, 100, true)", last, case.schemes["pps"])
            if sum(credited.values()) > 2_100_000_000_000_000:
                assert refused in ("PH111", "PH106"), case.where(last, refused)
                break
            assert refused in (None, "PH106"), case.where(last, refused)
            if not refused:
                runs += world.cursor.fetchone()
                check_pps_coherence(case, runs[-1], proofs)
            case.execute("SELECT address, sum(value_sats) FROM payout_items GROUP BY 1 HAVING sum(value_sats) > 0")
            assert dict(world.cursor.fetchall()) == credited, case.where(last)
            late = case.late(pick.randint(0, 2)) if last < 105 else ([], [])
            shares, proofs = shares + late[0], proofs + late[1]
        case.execute("SELECT sum(fee_sats + coherence_sats + share_sats) = sum(reward_sats) AND bool_and(fee_sats = div(reward_sats::numeric * fee_ppm, 1000000))"
                     " FROM payout_runs r, LATERAL (SELECT coalesce(sum(share_sats), 0) AS share_sats FROM payout_items WHERE run_id = r.id) i")
        assert world.cursor.fetchone()[0] in (True, None), case.where("sums")
        for run in runs:
            assert world.recomputed(run) == ("shares", True, None), case.where(run)
        case.execute("DELETE FROM shares")
        for run in runs:
            assert world.recomputed(run)[1:] == (True, None), case.where(run, "dropped")


def test_preview(cases):
    for case in cases(HISTORIES // 3):
        if not sum(share.work for share in case.history.shares if share.time <= case.end):
            continue
        case.world.height(100, REGTEST_NBITS, 50, BASE)
        case.execute("DELETE FROM blocks WHERE time = timestamptz 'epoch' + %s * interval '1 us' AND height = 101", case.end)
        expected = {name: case.expected(name) for name in ("pplns", "prop")}
        case.execute("SELECT address, pplns_work, pplns_sats, prop_work, prop_sats FROM payout_preview(timestamptz 'epoch' + %s * interval '1 us', %s)",
                     case.end, case.reward)
        rows = case.world.cursor.fetchall()
        for name, work, sats in (("pplns", 1, 2), ("prop", 3, 4)):
            if expected[name]:
                wanted = {address: (item[0], item[2] + item[3]) for address, item in expected[name]["items"].items() if item[0] or item[2] + item[3]}
                assert {row[0]: (row[work], row[sats]) for row in rows if row[work] or row[sats]} == wanted, case.where(name)


@pytest.mark.parametrize("change", ["order", "journals", "minutes"])
def test_what_must_not_matter(database, change):
    """The order of rows, which journals shares came through, where in a minute, hour or day they lie."""
    for seed in range(FIRST, FIRST + HISTORIES // 10):
        results = []
        for changed in (False, True):
            case = Case(database, seed) if not changed else Case(database, seed, change)
            for name in ("pplns", "prop"):
                run = case.run(name)
                results.append(run and case.world.result(run)["items"])
                if run:
                    case.execute("SELECT reverse_run(%s, 'another scheme')", run)
            database.rollback()
        assert results[:2] == results[2:], case.where(change)


@pytest.mark.parametrize("name", ["pplns", "prop"])
def test_more_work_never_earns_less(cases, name):
    for case in cases(HISTORIES // 10):
        before = case.expected(name)
        run = case.run(name)
        if run is None or before is None:
            continue
        address = case.pick.choice(sorted(before["items"]))
        case.execute("SELECT reverse_run(%s, 'once more')", run)
        case.history.sequence += 1
        more = oracle.Share(case.end, 1, case.history.sequence, address, "rig", case.pick.choice([1, 2, 10**9]), 100)
        case.world.add([more])
        after = case.world.result(case.run(name))["items"]
        assert after[address][2] >= before["items"][address][2], case.where(address)
        for other in set(before["items"]) & set(after) - {address}:
            assert after[other][2] <= before["items"][other][2] + 1, case.where(other)


def test_splits(database):
    """Thousands of them at once, with weights that tie, differ by one, or by powers."""
    pick = random.Random(FIRST)
    for _ in range(max(1, HISTORIES // 100)):
        wanted, rows = [], []
        for _ in range(500):
            weights = {f"bc1{pick.choice('abAB_z')}{n}": pick.choice([0, 1, 1, 2, 3, 10**9, 10**9 + 1, 2**pick.randint(0, 250)]) for n in range(pick.randint(1, 9))}
            amount = pick.choice([0, 1, 5, 99, 312_500_000, 21 * 10**14]) if any(weights.values()) else 0
            rows.append((amount, list(weights), [str(weight) for weight in weights.values()]))
            wanted.append(list(oracle.split(amount, weights).values()))
        with database.cursor() as cursor:
            values = b", ".join(cursor.mogrify("(%s::numeric, %s::text[], %s::numeric[], %s)", (*row, number)) for number, row in enumerate(rows))
            cursor.execute(b"SELECT split_by_largest_remainder(a, k, w) FROM (VALUES " + values + b") v (a, k, w, n) ORDER BY n")
            assert [row[0] for row in cursor.fetchall()] == wanted
        database.rollback()
