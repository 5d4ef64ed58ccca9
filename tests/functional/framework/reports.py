"""sql/reports run as an operator runs them: plain `psql -f`, as role phasepool_reports, in whatever time zone; and a database
whose figures can be found another way.
"""

import contextlib
import csv
import io
import subprocess
import sys

import psycopg2

from . import schema
from .postgres import Postgres
from .util import ROOT

FOLDER = ROOT / "sql" / "reports"
NAMES = sorted(path.stem for path in FOLDER.glob("*.sql"))
BY = {"payouts": ["item", "block", "miner"], "hashrate": ["worker", "miner", "pool"], "rejects": ["worker", "miner", "reason", "last"],
      "coherence": ["worker", "proof"], "payments": ["payment", "output"]}
EVERY = [(name, by) for name in NAMES for by in BY.get(name, [""])]  # each report in each form
SHARES, WORKERS, BLOCKS = 60_000, 60, 6  # of `filled`


def run(postgres: Postgres, database: str, name: str, *options: str, **variables) -> subprocess.CompletedProcess:
    """psql's own options come first; `from_` stands for the variable `from`."""
    settings = [part for key, value in variables.items() for part in ("-v", f"{key.rstrip('_')}={value}")]
    return postgres.run_psql([*options, *settings, "-f", str(FOLDER / f"{name}.sql")], database, "postgres",
                             {"PGOPTIONS": "-c role=phasepool_reports -c TimeZone=Asia/Kathmandu"})


def rows(postgres: Postgres, database: str, name: str, **variables) -> list:
    """The report's rows as CSV says them; nothing else may be on standard output or standard error."""
    done = run(postgres, database, name, "--csv", **variables)
    assert (done.returncode, done.stderr) == (0, ""), f"{name} {variables}: {done.stderr}"
    return list(csv.DictReader(io.StringIO(done.stdout), strict=True))


def fill(postgres: Postgres, database: str):
    subprocess.run([sys.executable, ROOT / "tests/bench/fill_database.py", postgres.url(database), f"--shares={SHARES}", "--days=2",
                    f"--workers={WORKERS}", f"--blocks={BLOCKS}"], check=True, timeout=120, stdout=subprocess.DEVNULL)


@contextlib.contextmanager
def filled_cluster():
    """A migrated database `phasepool` and another, `filled`: two days of shares, blocks, and the payouts that can be made of them."""
    with schema.cluster(tap=False) as postgres:
        postgres.create_database("filled", "phasepool")
        postgres.psql("SELECT note_payout_scheme(now() - interval '3 days', 'pplns', 1, 10000, 0, 100000)", "filled")
        fill(postgres, "filled")
        postgres.psql("SELECT update_ledger()", "filled")
        yield postgres


@contextlib.contextmanager
def asking(postgres: Postgres, database: str):
    """A function that asks the database, in UTC, for the rows of a statement."""
    connection = psycopg2.connect(postgres.url(database), options="-c TimeZone=UTC")

    def ask(statement: str, *parameters) -> list:
        with connection, connection.cursor() as cursor:
            cursor.execute(statement, parameters)
            return cursor.fetchall()

    try:
        yield ask
    finally:
        connection.close()
