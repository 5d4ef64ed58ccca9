"""Coherence work from end to end: jobs follow both tips, proofs are verified, stored, and make one chain.

Level 0 and easy bits (framework/proving_client.py), so that a proof takes milliseconds and every second one is a block.
"""

import hashlib
import json
import signal
import threading

import pytest

from framework import bitcoin
from framework.bitcoin import sha256d
from framework.proving_client import EASY, ProvingClient
from framework.node import bitcoind_path
from framework.pool import Pool
from framework.stratum_client import Rejected, rejection
from framework.util import wait_until

NO_BLOCKS = EASY | {"initial_bits": "1d00ffff"}  # no proof of these tests meets it


def start(cluster, coherence: dict | None = None, **options) -> Pool:
    cluster.start_postgres()
    cluster.start_node(**options)
    pool = cluster.make_pool()
    pool.config["coherence"] = coherence or EASY
    pool.config["stratum"]["instance"] = 1
    pool.migrate()
    pool.start()
    wait_until(lambda: pool.api("coherence").get("job"), 60, "the chain, begun with our rules")
    return pool


def client_of(cluster, pool=None, name: str = "c", **options) -> ProvingClient:
    user = f"{bitcoin.PAYOUT_ADDRESS}.{name}"
    return cluster.also_close(ProvingClient((pool or cluster.pool).stratum_port, user=user)).login(**options)


def chain(cluster) -> list:
    """(height, hash, prev_hash) of every block, the first first."""
    return [(height, bytes(block), bytes(before)) for height, block, before in
            cluster.query("SELECT height, hash, prev_hash FROM coherence_chain ORDER BY height")]


def check_chain(cluster) -> list:
    blocks = chain(cluster)
    before = bytes(32)
    for place, (height, block, prev_hash) in enumerate(blocks):
        assert (height, prev_hash) == (place, before)
        before = block
    return blocks


def proofs(cluster) -> list:
    return [bytes(row[0]) for row in cluster.query("SELECT work_hash FROM coherence_proofs")]


def coherence(cluster) -> dict:
    return cluster.pool.api("coherence")


def works_on(cluster) -> str | None:
    """The Bitcoin tip (display hex) of the job that miners have, as the API says it."""
    return (coherence(cluster)["job"] or {}).get("bitcoin_tip")


# -------------------------------------------------------------------------------------------- jobs

def test_proofs_make_a_chain(cluster):
    pool = start(cluster)
    client = client_of(cluster)
    first = client.coherence_job
    assert (first.height, first.prev_hash, first.clean) == (0, bytes(32), True)
    job, found = first, []
    for _ in range(3):
        ordinary = client.find_proof(block=False, job=job)
        assert client.prove(ordinary)
        proof = client.find_proof(block=True, job=job)
        assert client.prove(proof)
        found += [ordinary.work_hash, proof.work_hash]
        job = client.wait_for_coherence_job(job)
        while job.prev_hash != proof.work_hash:
            job = client.wait_for_coherence_job(job)
        assert job.clean and job.height == proof.job.height + 1 and job.time > proof.job.time
    blocks = check_chain(cluster)
    assert [block for _, block, _ in blocks] == found[1::2]
    assert sorted(proofs(cluster)) == sorted(found), "every proof is stored once"

    shown = wait_until(lambda: len(coherence(cluster).get("blocks") or []) == 3 and coherence(cluster), 20, "the chain in the API")
    assert [(block["height"], block["hash"], block["prev_hash"]) for block in reversed(shown["blocks"])] == [
        (height, block.hex(), before.hex()) for height, block, before in blocks]
    wait_until(lambda: coherence(cluster)["tip"]["hash"] == blocks[-1][1].hex(), 10, "the tip in the API")
    wait_until(lambda: coherence(cluster)["verifiers"]["verified"] == 6, 10, "the verifiers' count")
    shown = wait_until(lambda: coherence(cluster)["proofs"]["accepted"] == 6 and coherence(cluster), 10, "the shards' count")
    assert shown["error"] is None and shown["rules"]["initial_bits"] == EASY["initial_bits"]
    assert pool.api()["coherence"]["chain_height"] == 2
    # Each block commits to our own journal, without a gap between one block's stretch and the next one's.
    stretches = cluster.query("SELECT pool, first_sequence, last_sequence FROM coherence_stretches ORDER BY height")
    assert {pool_number for pool_number, _, _ in stretches} == {1}
    assert stretches[0][1] == 1
    for (_, _, last), (_, following, _) in zip(stretches, stretches[1:], strict=False):
        assert following == last + 1
    assert pool.stop() == 0


def test_both_kinds_of_miner_on_one_port(cluster):
    start(cluster, EASY | {"initial_bits": "1f7fffff"})
    miner = cluster.miner(worker="waves", extra=["--algo", "coherence"])
    ordinary = cluster.client()
    wait_until(lambda: len(chain(cluster)) >= 3, 60, "three blocks of the proof chain")
    assert ordinary.submit(ordinary.find_share(block=False))
    wait_until(lambda: cluster.query("SELECT count(*) FROM shares") == [(1,)], 20, "the share in PostgreSQL")
    assert miner.stop() == 0
    check_chain(cluster)
    assert cluster.query("SELECT count(*) FROM coherence_proofs p JOIN workers w ON w.id = p.worker_id WHERE w.name <> 'waves'") == [(0,)]


def test_a_job_commits_to_the_bitcoin_tip(cluster):
    """Without the journal's stretches the root would be the tip's leaf alone; with one, it is their parent."""
    start(cluster)
    client = client_of(cluster)
    proof = client.find_proof(block=True)
    assert client.prove(proof)
    wait_until(lambda: chain(cluster), 20, "the block")
    (tip, root), = cluster.query("SELECT encode(bitcoin_tip, 'hex'), merkle_root FROM coherence_chain")
    assert tip == cluster.node.tip()
    (number, first, last, head), = cluster.query("SELECT pool, first_sequence, last_sequence, head FROM coherence_stretches")
    leaves = [sha256d(b"COH1tip" + bytes.fromhex(tip)[::-1]),
              sha256d(b"COH1seg" + int(number).to_bytes(4, "little") + first.to_bytes(8, "little") + last.to_bytes(8, "little") + bytes(head))]
    assert sha256d(leaves[0] + leaves[1]) == bytes(root) == proof.job.merkle_root


def test_a_new_bitcoin_tip_replaces_the_job(cluster):
    start(cluster, NO_BLOCKS)
    client = client_of(cluster)
    for _ in range(3):
        before = client.coherence_job
        late = client.find_proof(job=before)
        tip = cluster.node.mine()
        job = client.wait_for_coherence_job(before)
        assert job.clean
        wait_until(lambda tip=tip: works_on(cluster) == tip, 20, "work on the new tip")
        assert job.merkle_root != before.merkle_root and job.prev_hash == before.prev_hash
        assert rejection(client.prove, late).code == 21
        assert client.prove(client.find_proof())


def test_a_reorganisation_replaces_the_job(cluster):
    """A longer branch, which every node follows."""
    start(cluster, NO_BLOCKS, blocks=3)
    node, client = cluster.node, client_of(cluster)
    before = node.template()
    ours = node.mine()
    wait_until(lambda: works_on(cluster) == ours, 20, "work on our block")
    job, late = client.coherence_job, client.find_proof()
    parent = before["previousblockhash"]
    for number in range(2):
        block, block_hash = bitcoin.block_from_template(
            {**before, "previousblockhash": parent, "height": before["height"] + number, "curtime": before["curtime"] + 1 + number},
            bitcoin.ANYONE_CAN_SPEND, bitcoin.segwit_in(before), tag=b"branch")
        node.rpc("submitblock", block.hex())
        parent = bitcoin.display(block_hash)
    wait_until(lambda: works_on(cluster) == parent, 20, "work on the branch")
    following = client.coherence_jobs[client.coherence_jobs.index(job) + 1:]
    assert following and following[0].clean
    assert rejection(client.prove, late).code == 21
    assert client.prove(client.find_proof())


@pytest.mark.skipif(not bitcoind_path(), reason="bcoin's template stays on a block that was invalidated")
def test_an_invalidated_block_replaces_the_job(cluster):
    start(cluster, NO_BLOCKS, blocks=3)
    node, client = cluster.node, client_of(cluster)
    parent = node.tip()
    ours = node.mine()
    wait_until(lambda: works_on(cluster) == ours, 20, "work on our block")
    job = client.coherence_job
    node.invalidate(ours)
    assert client.wait_for_coherence_job(job).clean
    wait_until(lambda: works_on(cluster) == parent, 20, "work on the block before, again")
    assert client.prove(client.find_proof())


def test_coinbases_hold_the_tip(cluster):
    start(cluster)
    client, ordinary = client_of(cluster), cluster.client()
    assert client.prove(client.find_proof(block=True))
    wait_until(lambda: chain(cluster), 20, "the first block")
    tip = chain(cluster)[0][1]
    wait_until(lambda: coherence(cluster)["tip"], 10, "the pool to know it")
    node_tip = cluster.node.mine()  # other work, which holds it from the start
    job = ordinary.wait_for_first_job(node_tip)
    assert b"\x10" + tip[:16] in job.coinb1
    share = ordinary.find_share(block=True, job=job)
    assert ordinary.submit(share)
    wait_until(lambda: cluster.node.tip() == bitcoin.display(share.hash), 10, "the block as the node's tip")
    assert tip[:16].hex() in cluster.node.rpc("getblock", cluster.node.tip(), 0)


# -------------------------------------------------------------------------------------------- several pools

def test_two_pools_have_one_chain(cluster):
    first = start(cluster)
    second = Pool(cluster.folder / "second", [cluster.node.config()], cluster.postgres.url())
    second.config["coherence"] = EASY
    second.config["stratum"]["instance"] = 2
    cluster.also_close(second.start())
    clients = [client_of(cluster, pool, name) for pool, name in ((first, "one"), (second, "two"))]
    for turn in range(4):
        finder, other = clients[turn % 2], clients[1 - turn % 2]
        job = finder.coherence_job
        rival = other.find_proof(block=True, job=other.coherence_job)
        proof = finder.find_proof(block=True, job=job)
        assert rival.job.prev_hash == proof.job.prev_hash
        answers = [finder.request("coherence.submit", *proof.params(finder.user)),
                   other.request("coherence.submit", *rival.params(other.user))]
        assert finder.answer(answers[0]) and other.answer(answers[1]), "both are good proofs"
        for client in clients:
            wait_until(lambda client=client: client.coherence_job.height == turn + 1, 30, "both on the next height")
        assert clients[0].coherence_job.prev_hash == clients[1].coherence_job.prev_hash
    assert len(check_chain(cluster)) == 4
    wait_until(lambda: len(proofs(cluster)) == 8, 20, "those that came too late to be credited all the same")
    wait_until(lambda: cluster.query("SELECT count(*) FROM events WHERE component = 'coherence' AND message LIKE '%%too late%%'") == [(4,)], 20,
               "an event for each of them")
    pools = {row[0] for row in cluster.query("SELECT DISTINCT pool FROM coherence_stretches")}
    assert pools == {1, 2}, "blocks commit to both journals"


def test_other_rules_offer_no_work(cluster):
    first = start(cluster)
    second = Pool(cluster.folder / "second", [cluster.node.config()], cluster.postgres.url())
    second.config["coherence"] = EASY | {"block_seconds": 60}
    second.config["stratum"]["instance"] = 2
    cluster.also_close(second.start())
    wait_until(lambda: "coherence.block_seconds is 60" in (second.api("coherence")["error"] or ""), 20, "the API to say which key differs")
    with ProvingClient(second.stratum_port) as client:
        answer = client.call("mining.configure", ["coherence"], {"coherence.version": 1})
        assert answer["coherence"] is False
    wait_until(lambda: cluster.query("SELECT count(*) FROM events WHERE severity = 'high' AND message LIKE 'no coherence work is offered:%%'") == [(1,)],
               20, "one event")
    assert first.api("coherence")["error"] is None
    cluster.pool, second_pool = second, first
    ordinary = cluster.client()
    assert ordinary.submit(ordinary.find_share(block=False)), "all else goes on"
    cluster.pool = second_pool


# -------------------------------------------------------------------------------------------- what may fail

@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGQUIT], ids=["stopped", "crashed"])
def test_postgres_away(cluster, how):
    pool = start(cluster)
    client = client_of(cluster)
    first = client.find_proof(block=True)
    assert client.prove(first)
    wait_until(lambda: client.coherence_job.height == 1, 20, "work on the first block")
    cluster.postgres.stop(how)
    wait_until(lambda: not coherence(cluster)["database"], 20, "the API to say that the chain can't be read")
    job = client.coherence_job
    taken = [client.find_proof(block=block, job=job) for block in (False, True, True, False)]
    for proof in taken:
        assert client.prove(proof), "verified, journalled, credited"
    tip = cluster.node.mine()
    wait_until(lambda: works_on(cluster) == tip, 20, "jobs to go on")
    assert client.coherence_job.height == 1 and client.coherence_job.prev_hash == first.work_hash, "the chain's tip stays"
    cluster.postgres.start()
    wait_until(lambda: client.coherence_job.height == 2, 60, "the first block among them in the chain")
    assert client.coherence_job.prev_hash == taken[1].work_hash
    wait_until(lambda: len(proofs(cluster)) == 5, 20, "every proof in PostgreSQL")
    assert sorted(proofs(cluster)) == sorted([first.work_hash, *(proof.work_hash for proof in taken)])
    assert len(check_chain(cluster)) == 2
    assert pool.stop() == 0


def test_a_database_never_seen_since_the_start(cluster):
    """There is no coherence work until it is seen, and then there is."""
    pool = start(cluster)
    assert pool.stop() == 0
    cluster.postgres.stop()
    pool.start()
    ordinary = cluster.client()
    assert ordinary.submit(ordinary.find_share(block=False))
    wait_until(lambda: coherence(cluster)["error"] == "the database has not told of the proof chain yet", 20, "the API to say so")
    client = cluster.also_close(ProvingClient(pool.stratum_port))
    login = threading.Thread(target=client.login, daemon=True)
    login.start()
    wait_until(lambda: coherence(cluster)["clients"] == 1, 20, "a client that waits for work")
    assert not client.coherence_jobs
    cluster.postgres.start()
    wait_until(lambda: client.coherence_jobs, 60, "work")
    login.join(20)
    assert client.prove(client.find_proof())


def test_killed_pool_loses_no_proof(cluster):
    pool = start(cluster)
    client = client_of(cluster)
    accepted, sent = [], []

    def prove():
        try:
            while True:
                proof = client.find_proof()
                sent.append(proof.work_hash)
                try:
                    if client.prove(proof):
                        accepted.append(proof.work_hash)
                except Rejected:  # a block of the chain came between
                    pass
        except (OSError, AssertionError):
            pass

    thread = threading.Thread(target=prove, daemon=True)
    thread.start()
    wait_until(lambda: len(accepted) >= 20 or not thread.is_alive(), 60, "proofs")
    pool.kill()
    thread.join(60)
    assert len(accepted) >= 20
    pool.start()
    wait_until(lambda: set(accepted) <= set(proofs(cluster)), 60, "every accepted proof in PostgreSQL")
    stored = proofs(cluster)
    assert len(stored) == len(set(stored)) and set(stored) <= set(sent)
    check_chain(cluster)


def test_more_proofs_than_verifiers_take(cluster):
    """Those that find no room are to be submitted again, and then none is lost; shares are not kept waiting."""
    start(cluster, NO_BLOCKS | {"verify_threads": 1})
    client, ordinary = client_of(cluster), cluster.client()
    waiting = {}
    burst = [client.find_proof() for _ in range(150)]
    numbers = range(10_000, 10_000 + len(burst))
    lines = [json.dumps({"id": number, "method": "coherence.submit", "params": proof.params(client.user)})
             for number, proof in zip(numbers, burst, strict=True)]
    client.send_raw("".join(line + "\n" for line in lines).encode())
    assert ordinary.submit(ordinary.find_share(block=False), timeout=5)
    busy = 0
    for number, proof in zip(numbers, burst, strict=True):
        try:
            assert client.answer(number)
        except Rejected as rejected:
            assert rejected.code == 20 and "again" in rejected.text, rejected
            busy += 1
            waiting[number] = proof
    assert busy > 0, "more were sent at once than a connection may have waiting"
    for proof in waiting.values():
        assert client.prove_until_taken(proof)
    wait_until(lambda: len(proofs(cluster)) >= len(burst), 30, "all of them in PostgreSQL")
    assert sorted(proofs(cluster)) == sorted(proof.work_hash for proof in burst)
    counted = wait_until(lambda: coherence(cluster)["proofs"]["accepted"] == len(burst) and coherence(cluster), 10, "the counts")
    assert counted["proofs"]["rejects"]["verifier_busy"] >= busy


def test_a_false_proof_ends_the_connection(cluster):
    start(cluster, NO_BLOCKS)
    client, other = client_of(cluster), client_of(cluster, name="other")
    proof = client.find_proof()
    false = proof.params(client.user)
    false[6] = hashlib.sha256(b"made up").hexdigest()
    number = client.request("coherence.submit", *false)
    assert rejection(client.answer, number).code == 20
    wait_until(lambda: client.closed, 10, "the connection to end")
    assert other.prove(other.find_proof()), "nobody else is bothered"
    wait_until(lambda: coherence(cluster)["verifiers"]["false"] == 1, 10, "the count")
    wait_until(lambda: cluster.query("SELECT count(*) FROM events WHERE component = 'coherence' AND message LIKE '%%were false%%'") == [(1,)], 20,
               "one event")
    assert false[6] not in json.dumps(cluster.query("SELECT encode(cert_hash, 'hex') FROM coherence_proofs"))
