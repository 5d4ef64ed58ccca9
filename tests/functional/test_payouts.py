"""Runs that are made while shares are stored, and by several at once: each counts what one moment held, and nothing is done twice."""

import dataclasses
import threading
import time

import psycopg2
import pytest

from framework import schema
from framework.payout_history import MINUTE, REGTEST_NBITS, TIME, History, Stored
from framework.payout_oracle import Share
from framework.util import wait_until

WINDOW = 1000


@pytest.fixture(scope="module")
def postgres():
    with schema.cluster(tap=False) as postgres:
        yield postgres


class Pool:
    """A database of its own with a small history, a scheme, and a block of three hours ago; connections to it."""

    def __init__(self, postgres, name: str):
        self.url = postgres.url(schema.copy(postgres, name))
        self.opened = []
        self.cursor = self.connect()
        self.history = History(1)
        self.history.journals = self.history.journals[:1]
        self.end = (int(time.time()) - 3 * 3600) * 10**6
        self.world = Stored(self.cursor, self.history)
        self.world.add([*(self.share() for _ in range(50)), dataclasses.replace(self.share(), time=self.end)])
        self.world.scheme("pplns", WINDOW, 10_000, 0, self.end - 10**9)
        self.block = self.world.block(self.end, (self.history.addresses[0], ""), 10**9)
        self.commit()

    def connect(self):
        connection = psycopg2.connect(self.url)
        self.opened.append(connection)
        cursor = connection.cursor()
        cursor.execute("SET statement_timeout = '30s'")
        connection.commit()
        return cursor

    def share(self, until: int | None = None) -> Share:
        pick = self.history.random
        self.history.sequence += 1
        return Share((until or self.end) - pick.randrange(20 * MINUTE), 1, self.history.sequence, pick.choice(self.history.addresses), "rig",
                     pick.randint(1, 100), 100)

    def store(self, cursor, *shares: Share):
        """As the store does; the transaction stays open."""
        writer = Stored.__new__(Stored)
        writer.cursor, writer.history, writer.workers = cursor, self.history, self.world.workers
        cursor.execute("SELECT FROM journal_positions FOR UPDATE")
        writer.add(list(shares))

    def commit(self):
        self.cursor.connection.commit()

    def value(self, statement: str, *parameters):
        self.cursor.execute(statement, parameters)
        return self.cursor.fetchone()[0]

    def close(self):
        for connection in self.opened:
            connection.close()


@pytest.fixture
def pool(postgres, request):
    pool = Pool(postgres, request.node.name)
    yield pool
    pool.close()


def test_runs_are_of_one_moment(pool):
    """Shares of the window are stored all the time while runs are made: in each, shares, sums and positions agree."""
    stop = threading.Event()
    stored = []

    def keep_storing():
        cursor = pool.connect()
        while not stop.is_set():
            pool.store(cursor, *[pool.share() for _ in range(7)])
            cursor.connection.commit()
            stored.append(7)

    writer = threading.Thread(target=keep_storing)
    writer.start()
    runs = []
    try:
        while len(runs) < 15 or len(stored) < 15:
            runs.append(pool.world.run(pool.block))
            pool.commit()
            pool.value("SELECT reverse_run(%s, 'once more')", runs[-1])
            pool.commit()
    finally:
        stop.set()
        writer.join(60)
    counted = pool.value("SELECT count(DISTINCT digest) FROM payout_runs")
    assert counted > 5, "the shares that came meanwhile must have been seen"
    for run in runs:
        assert pool.world.recomputed(run) == ("shares", True, None)
    pool.cursor.execute("DELETE FROM shares")
    for run in runs:
        assert pool.world.recomputed(run) == ("sums", True, None)


def test_late_work_waits_for_a_run_that_is_being_made(pool):
    run = pool.world.run(pool.block)  # not committed
    other = pool.connect()
    storing = threading.Thread(target=lambda: (pool.store(other, pool.share()), other.connection.commit()))
    storing.start()
    watcher = psycopg2.connect(pool.url)
    watcher.autocommit = True
    pool.opened.append(watcher)

    def waiting():
        with watcher.cursor() as cursor:
            cursor.execute("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted")
            return cursor.fetchone()[0] == 1
    wait_until(waiting, 20, "the batch to wait for the run")
    pool.commit()
    storing.join(20)
    assert pool.value("SELECT count(*) FROM payout_late_work WHERE run_id = %s", run) <= 1
    pool.cursor.execute("DELETE FROM shares")
    assert pool.world.recomputed(run) == ("sums", True, None)


@pytest.mark.parametrize("first", ["batch", "run"])
def test_pps_credits_what_was_being_stored_in_the_next_run(pool, first):
    for height in (99, 100, 101):
        pool.world.height(height, REGTEST_NBITS, 4, pool.end + height)
    scheme = pool.world.scheme("pps", WINDOW, 0, 0, pool.end - 10**9)
    pool.commit()
    before = pool.value("SELECT sum(work) FROM shares")
    other = pool.connect()
    late = pool.share(int(time.time()) * 10**6)  # of this hour: an older one would wait for the run in any case
    if first == "batch":
        pool.store(other, late)
    pool.cursor.execute("SELECT create_pps_run(100, %s, 99)", (scheme,))
    if first == "run":
        other.execute("SET lock_timeout = '50ms'")  # it may wait for the run, and must then come after it
        try:
            pool.store(other, late)
        except psycopg2.errors.LockNotAvailable:
            other.connection.rollback()
            pool.commit()
            pool.store(other, late)
    pool.commit()
    other.connection.commit()
    assert pool.value("SELECT sum(value_sats) FROM pps_credits") == before * 2
    pool.cursor.execute("SELECT create_pps_run(100, %s, 99)", (scheme,))
    assert pool.value("SELECT sum(value_sats) FROM pps_credits") == (before + late.work) * 2
    assert pool.value("SELECT count(*) FROM pps_pending") == 0


def test_two_that_bring_the_ledger_in_line(pool):
    other = pool.connect()
    assert pool.value("SELECT update_ledger()") == 1
    other.execute("SELECT update_ledger()")
    assert other.fetchone() == (0,), "it does not wait for somebody who is at it"
    other.connection.commit()
    pool.commit()
    other.execute("SELECT update_ledger()")
    assert other.fetchone() == (0,)
    assert pool.value("SELECT count(*) FROM payout_runs") == 1


def test_one_of_two_runs_for_a_block_is_refused(pool):
    other = pool.connect()
    other.execute("SELECT pg_backend_pid()")
    refused = []

    def second():
        try:
            other.execute("SELECT create_block_run(%s, NULL, true)", (pool.block,))
        except psycopg2.Error as error:
            refused.append(error.pgcode)
    pool.world.run(pool.block)
    thread = threading.Thread(target=second)
    thread.start()
    thread.join(0.2)
    assert thread.is_alive(), "it waits for the first"
    pool.commit()
    thread.join(20)
    assert refused == ["PH104"]
    assert pool.value("SELECT sum(balance_sats) FROM account_balances WHERE account = 'miners'") == 990_000_000
