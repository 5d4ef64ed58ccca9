"""Every refusal has its code, its text and its counter, and the connection goes on.

Codes are Stratum's: 20 other, 21 job not found or stale, 22 duplicate, 23 low difficulty, 24 unauthorized,
25 not subscribed. At the pool's easiest difficulty half of all hashes are shares that are no blocks, so a test can
have accepted and refused shares without moving the chain.
"""

import dataclasses

import pytest

from framework import bitcoin
from framework.stratum_client import rejection
from framework.util import wait_until


@pytest.fixture
def client(cluster):
    cluster.start()
    return cluster.client()


def test_low_difficulty(cluster, client):
    share = client.find_share(block=False, meets_share_target=False)
    refused = rejection(client.submit, share)
    assert refused.code == 23 and refused.text
    assert client.submit(client.find_share(block=False)), "and the next good share is taken"
    wait_until(lambda: cluster.pool.api()["shares"]["rejects"]["low_difficulty"] == 1, 10, "the reject's counter")


def test_duplicate(cluster, client):
    share = client.find_share(block=False)
    assert client.submit(share)
    assert rejection(client.submit, share).code == 22
    # Another spelling of the same share is the same share.
    client_id = client.request("mining.submit", client.user, share.job_id, share.extranonce2.hex().upper(), f"{share.ntime:08X}",
                               f"{share.nonce:x}")
    assert rejection(client.answer, client_id).code == 22
    wait_until(lambda: cluster.pool.api()["shares"]["rejects"]["duplicate"] == 2, 10, "the rejects' counter")
    wait_until(lambda: cluster.stored_hashes() == [share.hash], 20, "the share, once, in PostgreSQL")


def test_duplicate_block_is_submitted_once(cluster, client):
    share = client.find_share(block=True)
    first, second = client.submit_later(share), client.submit_later(share)
    assert client.answer(first) is True
    assert rejection(client.answer, second).code in (21, 22)
    wait_until(lambda: cluster.node.tip() == bitcoin.display(share.hash), 10, "the block as the tip")
    wait_until(lambda: list(cluster.blocks().values()) == ["accepted"], 20, "one block in PostgreSQL")


def test_stale(cluster, client):
    share = client.find_share(block=False)
    client.wait_for_job(cluster.node.mine())
    assert rejection(client.submit, share).code == 21
    wait_until(lambda: cluster.pool.api()["shares"]["rejects"]["stale"] == 1, 10, "the reject's counter")


def test_unknown_job(client):
    share = client.find_share(block=False)
    assert rejection(client.submit, dataclasses.replace(share, job_id="7fffffffffffffff")).code == 21
    assert rejection(client.submit, dataclasses.replace(share, job_id="no-such-job")).code == 21


def test_malformed_submits(client):
    share = client.find_share(block=False)
    good = share.params(client.user)
    for why, position, value in (("extranonce2 too short", 2, "00"), ("extranonce2 too long", 2, "00" * 9), ("extranonce2 not hex", 2, "zz" * 8),
                                 ("ntime not hex", 3, "12345678x"), ("ntime far in the future", 3, f"{share.ntime + 9000:08x}"),
                                 ("ntime before the past blocks", 3, "00000001"), ("nonce too long", 4, "0123456789"), ("nonce empty", 4, "")):
        params = good[:position] + [value] + good[position + 1 :]
        assert rejection(client.call, "mining.submit", *params).code == 20, why
    assert rejection(client.call, "mining.submit", *good[:4]).code == 20, "a parameter is missing"
    assert client.call("mining.submit", *good) is True, "and the good one is still taken"
    # Last, since another version is another hash, which may be a block.
    assert rejection(client.call, "mining.submit", *good, "1fffe000").code == 20, "version bits that were not negotiated"


def test_unauthorized_worker(client):
    share = client.find_share(block=False)
    client.user = bitcoin.PAYOUT_ADDRESS + ".somebody-else"
    assert rejection(client.submit, share).code == 24


@pytest.mark.parametrize("why, user", [
    ("an address of mainnet", "bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4"),
    ("an address of testnet", "tb1qw508d6qejxtdg4y5r3zarvary0c5xw7kxpjzsx"),
    ("a broken checksum", "bcrt1qw508d6qejxtdg4y5r3zarvary0c5xw7kygt081"),
    ("no address", "worker1"),
    ("nothing", ""),
])
def test_authorize_wants_an_address_of_this_network(cluster, why, user):
    cluster.start()
    client = cluster.client(login=False)
    client.call("mining.subscribe")
    refused = rejection(client.call, "mining.authorize", user, "x")
    assert refused.code == 24 and refused.text, why
    assert client.call("mining.authorize", bitcoin.PAYOUT_ADDRESS, "x") is True, "a second try on the same connection"


def test_not_subscribed(cluster):
    cluster.start()
    client = cluster.client(login=False)
    refused = rejection(client.call, "mining.submit", client.user, "1", "00" * 8, "00000000", "00000000")
    assert refused.code == 25


def test_unknown_method(client):
    assert rejection(client.call, "mining.dig_deeper").code == 20
    assert client.submit(client.find_share(block=False))


def test_version_rolling(client):
    granted = client.call("mining.configure", ["version-rolling"], {"version-rolling.mask": "ffffffff"})
    assert granted == {"version-rolling": True, "version-rolling.mask": "1fffe000"}
    bits = 0x00002000
    job = client.job
    target = bitcoin.target_of_difficulty(client.difficulty)
    header = job.header(client.extranonce1, b"\x00" * 8, job.ntime, bits)
    block_target = bitcoin.target_of_nbits(job.nbits)
    nonce = next(n for n in range(1 << 20)
                 if block_target < bitcoin.hash_value(bitcoin.sha256d(header + n.to_bytes(4, "little"))) <= target)
    submit = ["mining.submit", client.user, job.job_id, "00" * 8, f"{job.ntime:08x}", f"{nonce:08x}"]
    assert client.call(*submit, f"{bits:08x}") is True
    # Last, since another version is another hash, which may be a block.
    assert rejection(client.call, *submit, "e0000000").code == 20, "bits outside the mask"
