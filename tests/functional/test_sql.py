"""sql/tests/*.sql, each a case: pgTAP scripts on a database of their own, with every migration applied.

The migrations are applied by psql from sql/migrations, so that a script can be tried without a build; that `phasepool
migrate` makes the same schema is a case of its own. The scripts run as the role that migrated, which is no
superuser and is a member of every role of the pool, in a time zone that is far from UTC and has odd minutes:
whatever takes the session's zone for UTC shows.
"""

import functools
import subprocess

import psycopg2
import pytest

from framework import schema, tap
from framework.pool import Pool
from framework.postgres import Postgres
from framework.util import ROOT

SCRIPTS = sorted((ROOT / "sql" / "tests").glob("*.sql"))


@pytest.fixture(scope="module")
def postgres():
    with schema.cluster() as made:
        yield made


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: path.stem)
def test_script(postgres, script):
    database = schema.copy(postgres, f"script_{script.stem}")
    done = postgres.run_psql(["-q", "-A", "-t", "-f", str(script)], database, env=schema.ELSEWHERE, timeout=240)
    wrong = tap.complaints(done.stdout)
    if done.returncode:
        wrong.append(f"psql ended with {done.returncode}:\n{done.stderr.strip()}")
    assert not wrong, "\n".join([str(script.relative_to(ROOT)), *wrong])


def dump(postgres: Postgres, database: str) -> str:
    done = subprocess.run([postgres.bin / "pg_dump", "-s", "-N", "tap", "-h", postgres.sockets, "-U", "postgres", database],
                          capture_output=True, text=True, timeout=60, check=True)
    kept = [line for line in done.stdout.splitlines() if line and not line.startswith(("--", "\\")) and "EXTENSION" not in line]
    return "\n".join(kept)


def test_migrate_makes_the_same_schema(postgres, tmp_path):
    postgres.create_database("migrated")
    node = {"rpc": "http://127.0.0.1:1", "user": "u", "password": "p"}
    Pool(tmp_path, [node], postgres.url("migrated")).migrate()
    rows = "SELECT version, name, sha256 FROM schema_migrations ORDER BY version"
    assert postgres.psql(rows, "migrated") == postgres.psql(rows), "the program carries other migrations: build it again"
    assert dump(postgres, "migrated") == dump(postgres, "phasepool")


def test_shares_from_before_the_sums_are_counted(postgres):
    """A database of schema version 8 that holds shares: 009 sums them up."""
    postgres.create_database("older")
    schema.apply_migrations(postgres, "older", before=9)
    postgres.psql("""INSERT INTO shares SELECT timestamptz '2031-05-01T23:50:00Z' + n * interval '7 s', 1 + n % 2, n, 1 + n % 3,
                       800 + n / 100, 0, 1, n, 1000 + n, '\\x00' FROM generate_series(1, 300) n""", "older")
    schema.apply_migrations(postgres, "older", first=9)
    for span in ("minute", "hour", "day"):
        wrong = postgres.psql(f"""
          SELECT * FROM share_sums FULL JOIN
            (SELECT date_trunc('{span}', time, 'UTC') AS start, worker_id, journal, count(*) AS n, sum(work) AS w, max(share_difficulty) AS d
             FROM shares GROUP BY 1, 2, 3) s USING (start, worker_id, journal)
          WHERE span = '{span}' AND (shares, work, best_share_difficulty) IS DISTINCT FROM (n, w, d)""", "older")
        assert wrong == ""
    for table, where in (("share_sums", "WHERE span = 'minute'"), ("share_sums", "WHERE span = 'hour'"), ("share_sums", "WHERE span = 'day'"),
                         ("height_sums", "")):
        assert postgres.psql(f"SELECT sum(shares) FROM {table} {where}", "older") == "300"
    assert postgres.psql("SELECT count(*) FROM share_sums_minute_default", "older") == "0"


def test_retention_leaves_what_is_locked(postgres):
    """A long read of shares, as pg_dump's, does not fail retention, nor the store that calls it."""
    database = schema.copy(postgres, "locked")
    postgres.psql("SELECT ensure_share_partitions('2031-05-01', '2031-05-03') + ensure_share_sum_partitions('2031-05-01', '2031-05-03')", database)
    days = ["35000", "36500", "36500"]  # what is 35000 days old was in 1931: shares go up to day 0 of the years below
    postgres.psql("SELECT ensure_share_partitions('1925-05-01', '1925-05-03')", database)
    call = f"SELECT dropped, note FROM run_retention({', '.join(days)}) WHERE what = 'shares'"
    reader = psycopg2.connect(postgres.url(database))
    try:
        with reader.cursor() as cursor:
            cursor.execute("SELECT count(*) FROM shares")  # and the transaction stays open
            assert postgres.psql(call, database) == "0|locked by others; left for the next time"
            assert postgres.psql("SELECT count(*) FROM events WHERE component = 'retention'", database) == "1"
    finally:
        reader.close()
    assert postgres.psql(call, database) == "3|"


def test_every_script_has_a_line_in_the_readme():
    text = (ROOT / "sql" / "tests" / "README.md").read_text()
    assert [path.name for path in SCRIPTS if f"`{path.name}`" not in text] == []


@functools.cache
def broken(**changes) -> list:
    good = {"plan": "1..2", "first": "ok 1 - one", "second": "ok 2 - two"}
    return tap.complaints("\n".join({**good, **changes}.values()))


@pytest.mark.parametrize("changes, expected", [
    ({}, 0),
    ({"second": "not ok 2 - two # TODO later"}, 0),
    ({"second": "not ok 2 - two\n# Failed test 2"}, 2),
    ({"second": "ok 2 # SKIP no reason"}, 1),
    ({"second": ""}, 1),
    ({"second": "ok 3 - two"}, 1),
    ({"plan": ""}, 1),
    ({"plan": "1..3"}, 1),
    ({"plan": "1..2\n1..2"}, 1),
    ({"plan": "1..0", "first": "", "second": ""}, 1),
], ids=str)
def test_tap_is_judged_strictly(changes, expected):
    assert len(broken(**changes)) == expected
