"""The schema without a pool: a cluster whose database `phasepool` was migrated from sql/migrations, and copies of it.

The migrations are applied by psql, so that no build is needed. The role that migrates is no superuser, and not `phasepool`, so that the
pool's roles are the migrations' own; it is a member of each of them. pgTAP is in schema `tap`.
"""

import contextlib
import hashlib
import pathlib
import re
import tempfile

from .postgres import Postgres
from .util import ROOT

MIGRATIONS = sorted((ROOT / "sql" / "migrations").glob("*.sql"))
# A time zone that is far from UTC and has odd minutes: whatever takes the session's for UTC shows.
ELSEWHERE = {"PGOPTIONS": "-c TimeZone=Asia/Kathmandu", "PGTZ": "Asia/Kathmandu"}
MIGRATIONS_TABLE = """CREATE TABLE schema_migrations (version integer PRIMARY KEY, name text NOT NULL, sha256 text NOT NULL,
                      applied_at timestamptz NOT NULL DEFAULT now());"""


def apply_migrations(postgres: Postgres, database: str, first: int = 1, before: int = 1000):
    """As `phasepool migrate` does it: each in a transaction, with its row."""
    statements = [MIGRATIONS_TABLE] if first == 1 else []
    for path in MIGRATIONS:
        version, name = path.stem.split("_", 1)
        if not first <= int(version) < before:
            continue
        digest = hashlib.sha256(path.read_bytes()).hexdigest()
        statements.append(f"\\echo {path.name}\nBEGIN;\n\\i {path}\n"
                          f"INSERT INTO schema_migrations VALUES ({int(version)}, '{name}', '{digest}');\nCOMMIT;")
    with tempfile.NamedTemporaryFile("w", suffix=".sql") as script:
        script.write("\n".join(statements))
        script.flush()
        done = postgres.run_psql(["-q", "-f", script.name], database)
    assert done.returncode == 0, f"migrations up to {done.stdout.strip()}:\n{done.stderr}"


@contextlib.contextmanager
def cluster(tap: bool = True):
    """A cluster whose database `phasepool` has the schema, and pgTAP, for copies to be made of."""
    with tempfile.TemporaryDirectory(prefix="phasepool-sql-") as folder:
        pathlib.Path(folder).chmod(0o711)
        postgres = Postgres(pathlib.Path(folder), durable=False, owner="pool_owner")
        try:
            postgres.start()
            apply_migrations(postgres, "phasepool")
            if tap:
                postgres.psql("CREATE SCHEMA tap; CREATE EXTENSION pgtap SCHEMA tap; GRANT USAGE ON SCHEMA tap TO PUBLIC", user="postgres")
            for role in postgres.psql("SELECT rolname FROM pg_roles WHERE rolname LIKE 'phasepool%'").split():
                postgres.psql(f"GRANT {role} TO pool_owner", user="postgres")
            yield postgres
        finally:
            postgres.destroy()


def copy(postgres: Postgres, name: str) -> str:
    """A copy of the migrated database."""
    database = re.sub(r"\W", "_", name.lower())
    postgres.create_database(database, "phasepool")
    postgres.psql(f"ALTER DATABASE {database} SET search_path = public, tap", user="postgres")
    return database
