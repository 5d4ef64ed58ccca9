"""A whole pool in one temporary folder: node, PostgreSQL, phasepool, and whoever mines on it."""

import atexit
import contextlib
import functools
import os
import pathlib
import shutil
import tempfile

import psycopg2

from .miner import Miner
from .node import Node
from .pool import EASIEST, Pool
from .postgres import Postgres
from .stratum_client import StratumClient


@functools.cache
def postgres_template() -> pathlib.Path:
    """A stopped cluster with our role and database, made once per run of the tests."""
    folder = pathlib.Path(tempfile.mkdtemp(prefix="phasepool-template-"))
    os.chmod(folder, 0o711)
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    postgres = Postgres(folder, durable=False).start()
    postgres.close()
    return postgres.data


class Cluster:
    """Parts start when a test asks for them; close() stops, by pid, what was started, the last first."""

    def __init__(self, name: str):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix=f"phasepool-{name[:40]}-"))
        os.chmod(self.folder, 0o711)  # user postgres passes through it
        self.node = self.postgres = self.pool = None
        self._others = []

    # -- parts

    def start_postgres(self) -> Postgres:
        self.postgres = Postgres(self.folder / "postgres", durable=False, template=postgres_template()).start()
        return self.postgres

    def start_node(self, segwit: bool = False, blocks: int = 1) -> Node:
        """A node with at least one fresh block, so that it is out of its initial download."""
        self.node = Node(self.folder / "node").start()
        if segwit:
            self.node.activate_segwit()
        missing = blocks - self.node.height()
        if missing > 0:
            self.node.mine(missing)
        return self.node

    def add_node(self, **options) -> Node:
        """Another one, connected to the first and with the same chain."""
        node = Node(self.folder / f"node{len(self._others)}", peer=self.node, **options).start()
        self._others.append(node)
        return node

    def make_pool(self, difficulty: float = EASIEST) -> Pool:
        """Configured for our node and database, not started."""
        self.pool = Pool(self.folder / "pool", [self.node.config()], self.postgres.url(), difficulty)
        return self.pool

    def start(self, difficulty: float = EASIEST, segwit: bool = False, blocks: int = 1) -> Pool:
        """Everything, with the schema applied."""
        self.start_postgres()
        self.start_node(segwit, blocks)
        self.make_pool(difficulty).migrate()
        return self.pool.start()

    def client(self, login: bool = True, **options) -> StratumClient:
        client = StratumClient(self.pool.stratum_port, **options)
        self._others.append(client)
        return client.login() if login else client

    def miner(self, **options) -> Miner:
        miner = Miner(self.folder / f"miner{len(self._others)}", self.pool.stratum_port, **options).start()
        self._others.append(miner)
        return miner

    def also_close(self, part):
        """`part.close()` is called at the end, before node and database stop; returns it."""
        self._others.append(part)
        return part

    # -- the database, as a test sees it

    def query(self, statement: str, *parameters) -> list:
        connection = psycopg2.connect(self.postgres.url())
        try:
            connection.autocommit = True
            with connection.cursor() as cursor:
                cursor.execute(statement, parameters)
                return cursor.fetchall()
        finally:
            connection.close()

    def change(self, statement: str, *parameters):
        """As the database's owner, behind the pool's back."""
        connection = psycopg2.connect(self.postgres.url())
        try:
            with connection, connection.cursor() as cursor:
                cursor.execute(statement, parameters)
        finally:
            connection.close()

    @contextlib.contextmanager
    def locked(self, table: str):
        """Whoever reads the table waits."""
        connection = psycopg2.connect(self.postgres.url())
        try:
            with connection.cursor() as cursor:
                cursor.execute(f"LOCK TABLE {table} IN ACCESS EXCLUSIVE MODE")
            yield
        finally:
            connection.rollback()
            connection.close()

    # -- the end

    def close(self, keep: bool):
        with contextlib.ExitStack() as ends:  # calls the last first, and the others when one raises
            if not keep:
                ends.callback(shutil.rmtree, self.folder, ignore_errors=True)
                if self.postgres:
                    ends.callback(shutil.rmtree, self.postgres.data, ignore_errors=True)
            if self.postgres:
                ends.callback(self.postgres.close)
            if self.node:
                ends.callback(self.node.stop)
            if self.pool:
                ends.callback(self.pool.close)
            for part in self._others:
                ends.callback(part.close)

    def stored_hashes(self) -> list:
        """The header hash of every stored share, internal order, in no particular order."""
        return [bytes(row[0])[::-1] for row in self.query("SELECT hash FROM shares")]

    def blocks(self) -> dict:
        """Display hash to status of every block candidate in the database."""
        return dict(self.query("SELECT encode(hash, 'hex'), status FROM blocks"))
