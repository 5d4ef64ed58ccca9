"""The proof chain with several pools at one database: sessions that truly race for a height, and what they are told."""

import select
import threading

import psycopg2
import psycopg2.extensions
import pytest

from framework import proof_chain, schema
from framework.proof_chain import ZEROS, header76, work_hash
from framework.util import wait_until

WAITS = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"


@pytest.fixture(scope="module")
def postgres():
    with schema.cluster(tap=False) as made:
        yield made


class Pools:
    """A database with a chain that has begun, and a session for each pool."""

    def __init__(self, postgres, name: str, count: int):
        self.database = schema.copy(postgres, name)
        self.url = postgres.url(self.database)
        self.sessions = [psycopg2.connect(self.url) for _ in range(count)]
        self.watcher = psycopg2.connect(self.url)
        self.watcher.autocommit = True
        self.query("SELECT count(*) FROM ensure_workers('{bcrt1qa}', '{rig}', now())")
        with self.watcher.cursor() as cursor:
            proof_chain.begin(cursor)

    def query(self, statement: str):
        with self.watcher.cursor() as cursor:
            cursor.execute(statement)
            return cursor.fetchall()

    def one(self, statement: str):
        return self.query(statement)[0][0]

    def chain(self) -> list:
        """The blocks' hashes, the first first."""
        return [bytes(row[0]) for row in self.query("SELECT hash FROM coherence_chain ORDER BY height")]

    def append(self, pool: int, name: str, height: int, prev: bytes, time: int = 0) -> str:
        """In the pool's open transaction, with its proof; another pool may have to wait."""
        with self.sessions[pool].cursor() as cursor:
            header = header76(prev, time or 1000 + height)
            proof_chain.prove(cursor, name, header, journal=pool, sequence=height + 1000 * len(name))
            return proof_chain.append(cursor, name, height, header)

    def append_later(self, pool: int, *block):
        """On a thread of its own; the answer, once there is one, by calling what this returns."""
        answer = []
        thread = threading.Thread(target=lambda: answer.append(self.append(pool, *block)), daemon=True)
        thread.start()

        def join():
            thread.join(20)
            assert answer, "no answer after 20 s"
            return answer[0]
        return join

    def close(self):
        for session in [*self.sessions, self.watcher]:
            session.close()


@pytest.fixture
def pools(postgres, request):
    made = Pools(postgres, request.node.name, 2)
    yield made
    made.close()


def wait_for_waiting(pools: Pools, count: int = 1):
    wait_until(lambda: pools.one(WAITS) == count, 10, f"{count} sessions waiting for another's transaction")


def test_who_comes_second_waits_and_adds_nothing(pools):
    assert pools.append(0, "a0", 0, ZEROS) == "appended"
    second = pools.append_later(1, "b0", 0, ZEROS)
    wait_for_waiting(pools)
    pools.sessions[0].commit()
    assert second() == "late"
    pools.sessions[1].commit()  # and the rest of its batch is stored: nothing was aborted
    assert pools.chain() == [work_hash("a0")]
    assert pools.one("SELECT count(*) FROM coherence_proofs") == 2
    assert pools.query("SELECT severity, component FROM events") == [("low", "coherence")]


def test_if_the_first_is_undone_the_second_is_the_block(pools):
    assert pools.append(0, "a0", 0, ZEROS) == "appended"
    second = pools.append_later(1, "b0", 0, ZEROS)
    wait_for_waiting(pools)
    pools.sessions[0].rollback()
    assert second() == "appended"
    pools.sessions[1].commit()
    assert pools.chain() == [work_hash("b0")]
    assert pools.one("SELECT count(*) FROM events") == 0


def test_two_heights_in_one_transaction(pools):
    """A batch after an outage: the other's first block loses, and what it built on that one is late as well."""
    assert pools.append(0, "a0", 0, ZEROS) == "appended"
    assert pools.append(0, "a1", 1, work_hash("a0")) == "appended"
    second = pools.append_later(1, "b0", 0, ZEROS)
    wait_for_waiting(pools)
    pools.sessions[0].commit()
    assert second() == "late"
    assert pools.append(1, "b1", 1, work_hash("b0")) == "late"
    assert pools.append(1, "b2", 2, work_hash("a1")) == "appended"
    pools.sessions[1].commit()
    assert pools.chain() == [work_hash(name) for name in ("a0", "a1", "b2")]


def test_many_pools_make_one_chain(postgres):
    """Eight sessions, each of which appends to whatever tip it sees until there are forty blocks."""
    pools = Pools(postgres, "many_pools", 8)
    counts = {"appended": 0, "late": 0}
    lock, begin = threading.Lock(), threading.Barrier(8)

    def mine(number: int):
        session = pools.sessions[number]
        begin.wait(20)
        for attempt in range(1000):
            with session.cursor() as cursor:
                cursor.execute("SELECT height, hash FROM coherence_tip()")
                tip = cursor.fetchone()
            session.commit()
            height, prev = (tip[0] + 1, bytes(tip[1])) if tip else (0, ZEROS)
            if height >= 40:
                return
            answer = pools.append(number, f"{number} {attempt}", height, prev)
            session.commit()
            with lock:
                counts[answer] += 1

    threads = [threading.Thread(target=mine, args=(number,), daemon=True) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert not any(thread.is_alive() for thread in threads)
    assert counts["appended"] == 40 and counts["late"] > 0, counts
    assert pools.one("SELECT count(*) FROM coherence_chain c LEFT JOIN coherence_chain p ON p.hash = c.prev_hash AND p.height = c.height - 1"
                     " WHERE c.height > 0 AND p.height IS NULL") == 0
    assert pools.one("SELECT count(*) FROM coherence_proofs") == counts["appended"] + counts["late"]
    assert pools.one("SELECT count(*) FROM events WHERE severity = 'low'") == counts["late"]
    pools.close()


def test_the_first_pool_sets_the_rules(postgres):
    database = schema.copy(postgres, "rules")
    sessions = [psycopg2.connect(postgres.url(database)) for _ in range(2)]
    with sessions[0].cursor() as first, sessions[1].cursor() as second:
        assert proof_chain.begin(first, retarget_blocks=5) == (420, 5, proof_chain.INITIAL_BITS, 900)
        answer = []
        thread = threading.Thread(target=lambda: answer.append(proof_chain.begin(second, retarget_blocks=7)), daemon=True)
        thread.start()
        wait_until(lambda: postgres.psql(WAITS, database) == "1", 10, "the second pool waiting for the first")
        sessions[0].commit()
        thread.join(20)
        assert answer == [(420, 5, proof_chain.INITIAL_BITS, 900)]
        sessions[1].commit()
    for session in sessions:
        session.close()


def notified(connection) -> list:
    """Payloads that have come; waits for the first."""
    if not connection.notifies:
        select.select([connection], [], [], 10)
        connection.poll()
    payloads = [notice.payload for notice in connection.notifies]
    connection.notifies.clear()
    return payloads


def test_a_new_tip_is_told_when_it_is_committed(pools):
    with pools.watcher.cursor() as cursor:
        cursor.execute("LISTEN coherence_chain")
    assert pools.append(0, "undone", 0, ZEROS) == "appended"
    pools.sessions[0].rollback()
    assert pools.append(0, "a0", 0, ZEROS) == "appended"
    pools.sessions[0].commit()
    assert notified(pools.watcher) == ["0"]
    assert pools.append(1, "b0", 0, ZEROS) == "late"
    assert pools.append(1, "b1", 1, work_hash("a0")) == "appended"
    pools.sessions[1].commit()
    assert notified(pools.watcher) == ["1"]


def test_as_the_role_of_a_pool(postgres):
    """The least rights: begin, append, publish, read; and nothing else."""
    database = schema.copy(postgres, "rights")
    postgres.psql("SELECT count(*) FROM ensure_workers('{bcrt1qa}', '{rig}', now())", database)
    session = psycopg2.connect(postgres.url(database))
    session.autocommit = True
    with session.cursor() as cursor:
        cursor.execute("SET ROLE phasepool")
        proof_chain.begin(cursor)
        header = header76(ZEROS, 1000)
        journal = "11111111-1111-4111-8111-111111111111"
        proof_chain.prove(cursor, "a0", header)
        assert proof_chain.append(cursor, "a0", 0, header, [(1, journal, 1, 7)]) == "appended"
        cursor.execute("SELECT publish_coherence_head(2, %s, 8, sha256('8'))", (journal,))
        cursor.execute("SELECT publish_coherence_head(1, %s, 9, sha256('9'))", (journal,))
        cursor.execute("SELECT tip_height, pool, committed_sequence, head_sequence FROM coherence_state(%s)", (journal,))
        assert cursor.fetchall() == [(0, 1, 7, 9)]
        for statement in ("UPDATE coherence_chain SET level = 1", "DELETE FROM coherence_stretches", "UPDATE coherence_rules SET block_seconds = 1",
                          "DELETE FROM coherence_proofs", "UPDATE coherence_proofs SET work = 1"):
            with pytest.raises(psycopg2.errors.InsufficientPrivilege):
                cursor.execute(statement)
    session.close()
