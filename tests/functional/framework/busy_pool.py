"""A pool that has something to show: workers of two addresses, good and refused shares, blocks, proofs and a proof chain."""

from . import bitcoin
from .cluster import Cluster
from .proving_client import EASY, ProvingClient
from .stratum_client import rejection
from .util import wait_until

OTHER_ADDRESS = "bcrt1qw508d6qejxtdg4y5r3zarvary0c5xw7kygt080"


class BusyPool:
    """`address` has two workers, OTHER_ADDRESS one. What was done is counted here."""

    address = bitcoin.PAYOUT_ADDRESS

    def __init__(self, cluster: Cluster, shares: int = 5, blocks: int = 2, proofs: int = 2):
        self.cluster = cluster
        cluster.start_postgres()
        cluster.start_node(blocks=3)
        self.pool = cluster.make_pool()
        self.pool.config["coherence"] = EASY
        self.pool.config["stratum"]["instance"] = 1
        self.pool.migrate()
        self.pool.start()
        self.accepted = self.rejected = self.blocks = 0
        self.rig = cluster.client(user=f"{self.address}.rig1")
        other = cluster.client(user=f"{OTHER_ADDRESS}.garage")
        second = cluster.client(user=f"{self.address}.rig2")
        for client in (self.rig, other, second):
            for _ in range(shares):
                self.share(client)
        self.refuse(self.rig)
        for _ in range(blocks):
            self.block(self.rig)
        self.prover = cluster.also_close(ProvingClient(self.pool.stratum_port, user=f"{self.address}.waves")).login()
        for _ in range(proofs):
            self.proof_block()
        self.settle()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.pool.http_port}"

    def share(self, client):
        assert client.submit(client.find_share(block=False))
        self.accepted += 1

    def refuse(self, client):
        """A duplicate."""
        share = client.find_share(block=False)
        assert client.submit(share)
        self.accepted += 1
        assert rejection(client.submit, share).code == 22
        self.rejected += 1

    def block(self, client):
        share = client.find_share(block=True)
        assert client.submit(share)
        self.accepted += 1
        self.blocks += 1
        client.wait_for_first_job(bitcoin.display(share.hash), timeout=60)

    def proof_block(self):
        """One block of the proof chain."""
        job = self.prover.coherence_jobs[-1]
        proof = self.prover.find_proof(block=True, job=job)
        assert self.prover.prove(proof)
        wait_until(lambda: any(later.prev_hash == proof.work_hash for later in self.prover.coherence_jobs), 60, "work on the new block of the proof chain")

    def settle(self):
        """The database has all of it, and the page has read the database."""
        wait_until(lambda: self.cluster.query("SELECT count(*) FROM shares")[0][0] == self.accepted, 60, "all shares in PostgreSQL")
        wait_until(lambda: self.cluster.query("SELECT count(*) FROM coherence_chain")[0][0] > 0, 60, "the proof chain in PostgreSQL")
        wait_until(lambda: sum(self.pool.api()["blocks"].values()) == self.blocks, 60, "all blocks in the API")
        wait_until(lambda: self.pool.api()["shares"]["accepted"] == self.accepted, 60, "all shares in the API")
