"""What a coherence client may get wrong, or make up: each has its code and its text, and costs nobody else anything.

The proofs are found by framework/coh1.py, which shares no code with the pool; the forged ones as well. At level 0
and a hash difficulty of 2 a proof takes Python a fraction of a second.
"""

import dataclasses
import hashlib

import pytest

from framework import coh1
from framework.coherence_client import Claim, CoherenceClient, CoherenceJob, find
from framework.stratum_client import rejection
from framework.util import wait_until


@pytest.fixture
def client(cluster):
    cluster.start_postgres()
    cluster.start_node()
    cluster.make_pool().config["coherence"] = {
        "level": 0, "initial_bits": "1f00ffff", "start_difficulty": 2, "min_difficulty": 2, "verify_threads": 1}
    cluster.pool.migrate()
    cluster.pool.start()
    return connect(cluster)


def connect(cluster) -> CoherenceClient:
    return cluster.also_close(CoherenceClient(cluster.pool.stratum_port)).login_for_proofs()


def proofs_stored(cluster) -> list:
    return [bytes(row[0]) for row in cluster.query("SELECT work_hash FROM coherence_proofs ORDER BY id")]


def test_the_client_finds_the_second_known_answer():
    """The first is test_verify_coherence.py's."""
    job = CoherenceJob("", bytes(range(76)), 0x0123456789ABCDEF, 0x00010003, 2**253, True, 0)
    claim, _ = find(job, 1001)
    cert_hash = bytes.fromhex("f102162a89a3b9c000e7bcd02d0537ce344821f846cf265a68ba8d4486cdefb8")
    assert claim == Claim(1001, 9425, 57233, 29191, cert_hash)
    assert claim.work_hash(job).hex() == "3facfffd5bcedbde7a24e76f04eeb8b4fe7736c4fc16e030f5c0e2e386e9a611"


def test_a_good_proof_is_stored_with_all_of_its_certificate(cluster, client):
    job = client.wait_for_coherence_job()
    claimed, bloom = find(job)
    assert client.submit_claim(job, claimed) is True
    wait_until(lambda: proofs_stored(cluster) == [claimed.work_hash(job)], 20, "the proof in PostgreSQL")
    (row,) = cluster.query("SELECT certificate, extranonce, attempt, params, bloom_start, bloom_end, r_q, psi_q, work, encode(target, 'hex') "
                           "FROM coherence_proofs")
    assert bytes(row[0]) == coh1.certificate_of(bloom)
    assert [int(field) for field in row[1:9]] == [
        job.extranonce, claimed.attempt, job.params, bloom.end - 6, bloom.end, claimed.r_q, claimed.psi_q,
        coh1.ROUNDS_PER_BLOOM[0] * 2**256 // job.target]
    assert int(row[9], 16) == job.target


HASH = "00" * 32
# Which of [user, job, attempt, bloom_end, r_q, psi_q, cert_hash], what is sent instead, and how the answer names it.
FIELDS = [
    (0, None, "worker_name: null"), (0, 7, "worker_name: 7"), (1, 1, "job_id: 1"), (1, None, "job_id: null"),
    (2, None, "attempt: null"), (2, 1001, "attempt: 1001"), (2, "3e9", "attempt: "), (2, "00000000000003E9", "attempt: "),
    (2, "0x000000000003e9", "attempt: "), (2, "-0000000000003e9", "attempt: "), (2, "00000000000003e9 ", "attempt: "),
    (2, "", "attempt: "), (2, "00000000000000000", "attempt: "), (2, ["00000000000003e9"], "attempt: "),
    (3, None, "bloom_end: null"), (3, "1000", "bloom_end: "), (3, -1, "bloom_end: -1"), (3, 1000.0, "bloom_end: 1000.0"),
    (3, 2**32, "bloom_end: 4294967296"), (3, True, "bloom_end: true"), (3, 5, "bloom_end: 5 is not from 6 to 15126"),
    (3, 15127, "bloom_end: 15127 is not from 6 to 15126"), (3, 2**32 - 1, "bloom_end: 4294967295 is not from"),
    (4, None, "r_q: null"), (4, "60000", "r_q: "), (4, -1, "r_q: -1"), (4, 56754, "r_q: 56754 is not from 56755 to 65535"),
    (4, 65536, "r_q: 65536 is not from 56755 to 65535"), (4, {}, "r_q: {}"),
    (5, None, "psi_q: null"), (5, "1", "psi_q: "), (5, -1, "psi_q: -1"), (5, 65536, "psi_q: 65536 is not from 0 to 65535"),
    (5, 1e3, "psi_q: 1000.0"), (6, None, "cert_hash: null"), (6, HASH[2:], "cert_hash: "), (6, HASH + "00", "cert_hash: "),
    (6, "AB" * 32, "cert_hash: "), (6, "zz" * 32, "cert_hash: "), (6, 0, "cert_hash: 0"),
]


def test_every_field_that_is_wrong_is_named_and_the_connection_goes_on(cluster, client):
    job = client.wait_for_coherence_job()
    claimed, _ = find(job)
    good = client.submit_params(job, claimed)
    for which, wrong, named in FIELDS:
        params = [wrong if i == which else value for i, value in enumerate(good)]
        refused = rejection(client.call, "coherence.submit", *params)
        assert refused.code == 20 and named in refused.text, (wrong, refused.text)
    for count in (0, 1, 6, 8):
        refused = rejection(client.call, "coherence.submit", *(good + [1])[:count])
        assert refused.code == 20 and f"{count} values, expected 7" in refused.text
    assert client.submit_claim(job, claimed) is True, "and the good one is taken"
    wait_until(lambda: len(proofs_stored(cluster)) == 1, 20, "the one good proof")


def test_mistakes_have_their_codes(cluster, client):
    job = client.wait_for_coherence_job()
    claimed, _ = find(job)
    refused = rejection(client.submit_claim, dataclasses.replace(job, job_id="00000000ffffffff"), claimed)
    assert (refused.code, refused.text) == (21, "Job not found")
    assert rejection(client.submit_claim, dataclasses.replace(job, job_id="nonsense"), claimed).code == 21
    assert rejection(client.call, "coherence.submit", "somebody", *client.submit_params(job, claimed)[1:]).code == 24

    above, _ = find(job, meets=False)
    assert rejection(client.submit_claim, job, above).code == 23

    assert client.submit_claim(job, claimed) is True
    assert rejection(client.submit_claim, job, claimed).code == 22

    another, _ = find(job, claimed.attempt + 1)
    cluster.node.mine()
    client.wait_for_coherence_job(besides=job.job_id, clean=True)
    refused = rejection(client.submit_claim, job, another)
    assert (refused.code, refused.text) == (21, "Stale share")
    assert not client.closed


def test_an_absurd_attempt_is_an_attempt_like_any_other(client):
    job = client.wait_for_coherence_job()
    for first in (2**63, 2**64 - 50):
        claimed, _ = find(job, first)
        assert client.submit_claim(job, claimed) is True


def test_who_never_asked_for_it_can_not_submit(cluster, client):
    job = client.wait_for_coherence_job()
    claimed, _ = find(job)
    plain = cluster.client()
    refused = rejection(plain.call, "coherence.submit", *client.submit_params(job, claimed))
    assert refused.code == 20 and "mining.configure" in refused.text
    share = plain.find_share(block=False)
    assert plain.submit(share) is True, "and its other work goes on"


def forgeries(job, claimed, bloom):
    """(name, claim, what the pool says of it), none of which was worked for."""
    equal = coh1.Bloom(6, [(31500, 0)] * 7, [0] * 63)
    yield "63 equal phases", Claim.of(claimed.attempt, equal), "no bloom up to bloom_end"
    yield "a bloom_end too late", dataclasses.replace(claimed, bloom_end=claimed.bloom_end + 1), "bloomed before bloom_end"
    later = job.bloom(claimed.attempt, earliest=bloom.end + 1)
    yield "an earlier bloom hidden", Claim.of(claimed.attempt, later), "bloomed before bloom_end"
    yield "another connection's extranonce", find(dataclasses.replace(job, extranonce=job.extranonce + 1), 1000)[0], ""
    made_up = dataclasses.replace(claimed, cert_hash=hashlib.sha256(b"x").digest())
    yield "another certificate", made_up, "certificate is not that of the replay"


def test_forged_proofs_are_found_out_and_end_the_connection(cluster, client):
    honest = client
    told = 0
    while True:
        liar = connect(cluster)
        job = liar.wait_for_coherence_job()
        found = list(forgeries(job, *find(job)))
        if told == len(found):
            break
        name, claimed, why = found[told]
        if not claimed.meets(job):  # every second made-up hash is above the target: another connection, another extranonce
            liar.close()
            continue
        refused = rejection(liar.submit_claim, job, claimed)
        assert refused.code == 20 and refused.text.startswith("False proof: ") and why in refused.text, (name, refused.text)
        wait_until(lambda connection=liar: connection.closed, 10, f"the end of the connection that sent {name}")
        told += 1
    job = honest.wait_for_coherence_job()
    claimed, _ = find(job)
    assert honest.submit_claim(job, claimed) is True, "and nobody else is troubled"
    wait_until(lambda: proofs_stored(cluster) == [claimed.work_hash(job)], 20, "the honest proof, alone")


def test_a_proof_is_replayed_for_its_own_connection_alone(cluster, client):
    job = client.wait_for_coherence_job()
    claimed, _ = find(job)
    assert client.submit_claim(job, claimed) is True
    thief = connect(cluster)
    refused = rejection(thief.submit_claim, thief.wait_for_coherence_job(), claimed)
    assert refused.code in (20, 23)  # a forgery there, or above the target of that job
    assert rejection(client.submit_claim, job, claimed).code == 22
