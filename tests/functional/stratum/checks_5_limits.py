"""Sections 5.1 to 5.4 and 5.7: what clients can hold, extranonces, job ids, and when jobs clean."""

import time

from framework import bitcoin

from .check import check, every
from .rig import accepted, swap_words

TIERS = [  # agent, longest coinbase it can take
    ("NerdMinerV2/V1.8.3", 255), ("NiceHash/1.0.0", 500), ("Antminer S19/1.0", 755), ("Antminer S19j Pro/1.0", 755), ("suite/1.0", 755),
    ("Antminer S21/1.0", 2250), ("bosminer-plus-tuner 0.9", 2250), ("whatsminer/v1.0", 6500), ("xminer-1.2.6", 16_000), ("PowerPlay-BM/1.8", 16_000),
    ("bitaxe/BM1370/v2.9.0", 6500)]


def coinbase_of(rig) -> bytes:
    return bytes.fromhex(rig.job[2] + rig.en1 + "00" * rig.en2_size + rig.job[3])


@every("5.1", "the default coinbase is at most 230 bytes, for every miner", [(agent, agent) for agent, _ in TIERS])
def default_coinbase(stage, agent):
    rig = stage.rig(agent=agent).login()
    assert len(coinbase_of(rig)) <= 230


@every("5.1", "with many payouts, a coinbase no longer than the miner can take, all of the reward in it", [(agent, agent, most) for agent, most in TIERS])
def coinbase_by_client(stage, agent, most):
    rig = stage.variant("payouts").rig(agent=agent).login()
    raw = coinbase_of(rig)
    coinbase, end = bitcoin.parse_tx(raw, 0)
    assert end == len(raw) <= most, f"{len(raw)} bytes for {agent}"
    rig.wait_tip(stage.node.tip())
    coinbase, _ = bitcoin.parse_tx(coinbase_of(rig), 0)
    assert sum(out.value for out in coinbase.outputs) == stage.node.template()["coinbasevalue"]
    if most >= 6500 and "bitaxe" not in agent:  # of newer Bitaxe firmware, less is reported
        assert len(coinbase.outputs) > 50, "this miner can take all of them"
    assert max(len(line) for line in rig.seen) < (4096 if most <= 755 else 16_384)


@every("5.1", "each tier's coinbase makes a block that the node takes", [("NerdMiner", "NerdMinerV2/V1.8.3"), ("default", "suite/1.0"), ("WhatsMiner", "whatsminer/v1.0")])
def block_by_tier(stage, agent):
    rig = stage.variant("payouts").rig(agent=agent).login()
    rig.wait_tip(stage.node.tip())
    share = rig.find(block=True, upto=(1 << 256) - 1)
    rig.submit(share)
    stage.wait_until(lambda: stage.node.tip() == share.hash[::-1].hex(), 10, f"{agent}'s block as the tip")


@check("5.1", "clients of one tier get one and the same notify line")
def one_line_per_tier(stage):
    rigs = [stage.rig().login() for _ in range(5)]
    tip = stage.node.mine()
    for rig in rigs:
        rig.wait_tip(tip)
    assert len({str(job) for rig in rigs for job in [next(job for job in rig.jobs if job[1] == rig.job[1])]}) == 1


@check("5.2", "extranonce1 is 8 lowercase hex digits, extranonce2 is 8 bytes")
def extranonce_sizes(stage):
    rig = stage.rig()
    rig.subscribe()
    assert len(rig.en1) == 8 and rig.en1 == rig.en1.lower() and int(rig.en1, 16) >= 0
    assert rig.en2_size == 8 and isinstance(rig.en2_size, int)


@check("5.2", "an extranonce1 that was just given back is not handed to the next one")
def extranonce1_rests(stage):
    seen = []
    for _ in range(40):
        rig = stage.rig()
        rig.subscribe()
        seen.append(rig.en1)
        rig.close()
    assert len(set(seen)) == len(seen), "within a stale window an extranonce1 came twice"


@check("5.2", "the pool's number is the first byte of extranonce1")
def extranonce1_instance(stage):
    rig = stage.variant("instance 7").rig()
    rig.subscribe()
    assert rig.en1.startswith("07")


@check("5.3", "job ids are lowercase hex, at most 16, and never come twice; no two jobs look the same")
def job_ids(stage):
    rig = stage.rig().login()
    for number in range(12):
        jobs = len(rig.jobs)
        if number % 3:
            rig.call("d", "mining.suggest_difficulty", 2.0**-32 * (1 + number / 16))
        rig.wait_tip(stage.node.mine())
        assert len(rig.jobs) > jobs
    ids = [job[0] for job in rig.jobs]
    assert len(set(ids)) == len(ids), ids
    assert all(0 < len(text) <= 16 and set(text) <= set("0123456789abcdef") for text in ids)
    assert len({(job[1], job[2], job[3], str(job[4]), job[7]) for job in rig.jobs}) == len(rig.jobs), "same work under two ids"


@check("5.3", "connections that log in at the same job still never see an id again on theirs")
def job_ids_across_logins(stage):
    for _ in range(10):
        rig = stage.rig().login()
        rig.call("d", "mining.suggest_difficulty", 3e-10)
        rig.wait_tip(stage.node.mine())
        assert len({job[0] for job in rig.jobs}) == len(rig.jobs)


@check("5.4", "ntime may be rolled: from the template's mintime to two hours ahead")
def ntime_rolling(stage):
    rig = stage.rig().login()
    rig.wait_tip(stage.node.tip())
    now = int(time.time())
    for ntime in (int(rig.job[7], 16), int(rig.job[7], 16) + 60, now + 600, now + 7100):
        accepted(rig.submit(rig.find(ntime=f"{ntime:08x}")))


@check("5.4", "at most 32 branches, whatever the template")
def branches(stage):
    assert len(stage.rig().login().job[4]) <= 30


@check("5.7", "a new block's job reaches a hundred miners at once, clean, on the new tip")
def new_block_to_all(stage):
    rigs = [stage.rig().login() for _ in range(100)]
    tip = stage.node.mine()
    wanted = swap_words(bytes.fromhex(tip)[::-1]).hex()
    for rig in rigs:
        seen = len(rig.jobs)
        rig.wait_tip(tip)
        job = next(job for job in rig.jobs[seen:] if job[1] == wanted)
        assert job[8] is True


@check("5.7", "a job on the same tip does not clean, and the one before it is still good")
def refresh_does_not_clean(stage):
    rig = stage.variant("impatient").rig().login()
    before = rig.wait_tip(stage.node.tip())
    while rig.job[0] == before[0]:
        rig.wait_job(len(rig.jobs), 30)
    assert rig.job[1] != before[1] or rig.job[8] is False
    if rig.job[1] == before[1]:
        accepted(rig.submit(rig.find(job=before)))
        accepted(rig.submit(rig.find()))
