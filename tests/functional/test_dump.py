"""A dump of a pool's database is the whole of it: pg_dump, then psql into an empty database.

What restores sets an empty search_path and fills the tables while their checks are in force: a check whose function finds another only by
that path loses the table's rows.
"""

import subprocess

import psycopg2
import pytest

from framework import proof_chain, schema
from framework.proof_chain import ZEROS, header76, work_hash

JOURNALS = ("11111111-1111-4111-8111-111111111111", "22222222-2222-4222-8222-222222222222")


@pytest.fixture(scope="module")
def postgres():
    with schema.cluster(tap=False) as made:
        yield made


def add_chain(postgres, database: str):
    """Two blocks, which commit to two journals."""
    session = psycopg2.connect(postgres.url(database))
    with session, session.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM ensure_workers('{bcrt1qa}', '{rig}', now())")
        proof_chain.begin(cursor)
        prev = ZEROS
        for height in range(2):
            header = header76(prev, 1000 + height)
            proof_chain.prove(cursor, f"b{height}", header, sequence=1 + height)
            stretches = [(pool, journal, 1 + 10 * height, 10 + 10 * height) for pool, journal in enumerate(JOURNALS)]
            assert proof_chain.append(cursor, f"b{height}", height, header, stretches) == "appended"
            prev = work_hash(f"b{height}")
        cursor.execute("SELECT publish_coherence_head(1, %s, 30, sha256('30'))", (JOURNALS[0],))
    session.close()


def contents(postgres, database: str) -> dict:
    """Every table's rows, as text."""
    tables = postgres.psql("SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind = 'r' ORDER BY 1", database)
    return {name: postgres.psql(f"SELECT t::text FROM {name} t ORDER BY 1", database) for name in tables.split()}


def test_a_restored_database_holds_every_row(postgres):
    database = schema.copy(postgres, "dumped")
    add_chain(postgres, database)
    dumped = subprocess.run([postgres.bin / "pg_dump", "-h", postgres.sockets, "-U", "postgres", database],
                            capture_output=True, text=True, timeout=120, check=True).stdout
    postgres.create_database("restored", "template0")
    restored = subprocess.run([postgres.bin / "psql", "-X", "-q", "-h", postgres.sockets, "-U", "postgres", "-d", "restored"], input=dumped,
                              capture_output=True, text=True, timeout=120, check=True)
    assert restored.stderr == ""
    before = contents(postgres, database)
    assert before["coherence_chain"].count("\n") == 1 and before["coherence_stretches"].count("\n") == 3
    assert contents(postgres, "restored") == before
