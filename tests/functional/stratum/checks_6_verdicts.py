"""Section 6: the verdict on a share: its order, blocks inside rejects, duplicates, races.

A block that is refused as a share must reach the node all the same; the node is asked for it."""

import json
import time

from framework import bitcoin
from framework.node import RpcError

from .check import check, every
from .rig import ADDRESS, USER, accepted, refused, target_of

HARDER = 1.5 * 2.0**-32
NOBODY = ADDRESS + ".nobody"
UNKNOWN_JOB = "7fffffffffffffff"


def node_has(stage, share) -> bool:
    try:
        return bool(stage.node.rpc("getblock", share.hash[::-1].hex(), 0))
    except RpcError:
        return False


def reaches_the_node(stage, share):
    stage.wait_until(lambda: node_has(stage, share), 10, f"the block {share.hash[::-1].hex()} at the node")


def on_the_tip(stage, rig):
    rig.wait_tip(stage.node.tip())
    return rig


# ---------------------------------------------------------------- the order

@check("6", "1 before 2: malformed is 20 even from who is not authorized or not subscribed")
def malformed_first(stage):
    rig = stage.rig()
    refused(rig.submit_params(USER, "1", "00" * 8, "00000000"), 20)
    rig.subscribe()
    refused(rig.submit_params(USER, "1", "00" * 8, "00000000", "not hex"), 20)


@check("6", "2 before 3: not subscribed is 25, not authorized 24, also for a job nobody knows")
def authorization_second(stage):
    rig = stage.rig()
    refused(rig.submit_params(USER, UNKNOWN_JOB, "00" * 8, "00000000", "00000000"), 25)
    rig.subscribe()
    refused(rig.submit_params(USER, UNKNOWN_JOB, "00" * 8, "00000000", "00000000"), 24)
    rig.login()
    refused(rig.submit_params(NOBODY, UNKNOWN_JOB, "00" * 8, "00000000", "00000000"), 24)


@check("6", "3: a job id that was never sent is 21, whatever its form")
def unknown_job_third(stage):
    rig = stage.rig().login()
    for job_id in (UNKNOWN_JOB, "0", "", "no such job", rig.job[0].upper() + "0", "f" * 17, "-1", rig.job[0][:-1], " " * 40):
        answer = rig.submit(rig.find().but(job_id=job_id))
        assert answer["error"] and answer["error"][0] in ((20, 21) if job_id in ("", " " * 40) else (21,)), (job_id, answer)


@check("6", "4: extranonce2 of another length is 20, and so are version bits outside the mask")
def lengths_and_masks_fourth(stage):
    rig = stage.rig().roll_versions("0000e000").login()
    refused(rig.submit(rig.find().but(en2="00" * 4)), 20)
    refused(rig.submit(rig.find(bits="10000000")), 20)
    accepted(rig.submit(rig.find(bits="0000e000")))
    refused(rig.submit(rig.find().but(bits="80000000")), 20)  # it may be a block, so it comes last


@check("6", "6 before 7 and 8: a stale share is 21, also with a foolish ntime and a low hash")
def stale_before_time_and_difficulty(stage):
    rig = on_the_tip(stage, stage.rig().suggest().login())
    shares = [rig.find(ntime="ffffffff"), rig.low(), rig.find()]
    rig.wait_tip(stage.node.mine())
    for share in shares:
        refused(rig.submit(share), 21)


@check("6", "7 before 8: a foolish ntime is 20, also with a low hash")
def time_before_difficulty(stage):
    rig = on_the_tip(stage, stage.rig().suggest().login())
    refused(rig.submit(rig.low(ntime="ffffffff")), 20)


@check("6", "8 before 9: a low share sent twice is low twice, and is not remembered")
def difficulty_before_duplicate(stage):
    rig = stage.rig().suggest().login()
    share = rig.low()
    refused(rig.submit(share), 23)
    refused(rig.submit(share), 23)


# ---------------------------------------------------------------- blocks inside rejects

@check("6", "5: a block with a low share difficulty goes to the node")
def block_inside_low_difficulty(stage):
    rig = on_the_tip(stage, stage.variant("high floor").rig().login())
    share = rig.low(block=True)
    refused(rig.submit(share), 23)
    stage.wait_until(lambda: stage.node.tip() == share.hash[::-1].hex(), 10, "the refused share's block as the tip")


@check("6", "5: a block on a job that went stale goes to the node")
def block_inside_stale(stage):
    rig = on_the_tip(stage, stage.rig().login())
    share = rig.find(block=True)
    rig.wait_tip(stage.node.mine())
    refused(rig.submit(share), 21)
    reaches_the_node(stage, share)


@check("6", "5: a block on a job that went stale several tips ago goes to the node")
def block_inside_very_stale(stage):
    rig = on_the_tip(stage, stage.rig().login())
    share = rig.find(block=True)
    for _ in range(4):
        rig.wait_tip(stage.node.mine())
    refused(rig.submit(share), 21)
    reaches_the_node(stage, share)


@check("6", "5: a block of a name that is not authorized goes to the node")
def block_inside_unauthorized(stage):
    rig = on_the_tip(stage, stage.rig().login())
    share = rig.find(block=True)
    refused(rig.submit(share, NOBODY), 24)
    reaches_the_node(stage, share)


@check("6", "5: a block with version bits outside the mask goes to the node")
def block_inside_bad_version_bits(stage):
    rig = on_the_tip(stage, stage.rig().login())
    share = rig.find(block=True, bits="00004000")
    refused(rig.submit(share), 20)
    reaches_the_node(stage, share)


@check("6", "5: a block with an ntime that the pool finds too new is offered to the node")
def block_inside_ntime(stage):
    rig = on_the_tip(stage, stage.rig().login())
    found = stage.counter("blocks_found") if has_counter(stage, "blocks_found") else None
    share = rig.find(block=True, ntime=f"{int(time.time()) + 7300:08x}")
    refused(rig.submit(share), 20)
    if found is not None:
        stage.wait_until(lambda: stage.counter("blocks_found") > found, 10, "the candidate in the counters")


def has_counter(stage, name: str) -> bool:
    try:
        stage.counter(name)
    except AssertionError:
        return False
    return True


@check("6", "5: two blocks on one job both go to the node")
def two_blocks_on_one_job(stage):
    rig = on_the_tip(stage, stage.rig().login())
    shares = [rig.find(block=True), rig.find(block=True)]
    for number, share in enumerate(shares):
        rig.request(number, "mining.submit", *share.params(USER))
    for share in shares:
        reaches_the_node(stage, share)


@check("6", "a submit that is still in the pool's buffer when the miner goes is carried out: its block is not lost")
def block_then_gone(stage):
    rig = on_the_tip(stage, stage.rig().login())
    share = rig.find(block=True)
    rig.send(json.dumps({"id": 1, "method": "mining.submit", "params": share.params(USER)}) + "\n")
    rig.close()
    reaches_the_node(stage, share)


@check("6", "a duplicate of a block is refused and not submitted again")
def duplicate_block(stage):
    rig = on_the_tip(stage, stage.rig().login())
    share = rig.find(block=True)
    for number in range(3):
        rig.request(number, "mining.submit", *share.params(USER))
    answers = [json.loads(rig.response_line()) for _ in range(3)]
    assert sum(answer["result"] is True for answer in answers) == 1, answers
    assert all(answer["error"][0] in (21, 22) for answer in answers if answer["error"]), answers
    reaches_the_node(stage, share)
    rows = stage.world.query_in(stage, "SELECT count(*) FROM blocks WHERE hash = %s", share.hash[::-1])
    stage.wait_until(lambda: stage.world.query_in(stage, "SELECT count(*) FROM blocks WHERE hash = %s", share.hash[::-1]) == [(1,)], 20, f"one block, not {rows}")


# ---------------------------------------------------------------- duplicates

@check("6", "9: the same header again is 22, in any spelling")
def duplicate(stage):
    rig = stage.rig().roll_versions().login()
    share = rig.find()
    accepted(rig.submit(share))
    params = share.params(USER)
    for again in (params, [*params, "00000000"], [*params[:2], params[2].upper(), params[3].upper(), params[4].upper()],
                  [*params[:3], int(params[3], 16), int(params[4], 16)], [*params[:4], params[4].lstrip("0")]):
        refused(rig.submit_params(*again), 22)


@check("6", "9: shares that differ in version bits alone are two shares")
def version_bits_make_a_share(stage):
    rig = stage.rig().roll_versions().login()
    network, job = bitcoin.target_of_nbits(int(rig.job[6], 16)), rig.job
    for nonce in range(1000):
        pair = [rig.share(nonce, job=job, bits=bits, en2="00" * 8) for bits in ("00000000", "00002000", "00004000")]
        if all(network < share.value <= target_of(rig.difficulty) for share in pair):
            break
    for share in pair:
        accepted(rig.submit(share))
    for share in pair:
        refused(rig.submit(share), 22)


@check("6", "9: shares that differ in ntime, extranonce2 or nonce alone are different shares")
def every_field_makes_a_share(stage):
    rig = stage.rig().login()
    job, network = rig.job, bitcoin.target_of_nbits(int(rig.job[6], 16))
    later = f"{int(job[7], 16) + 1:08x}"
    for nonce in range(1, 2000):
        shares = [rig.share(nonce, en2="00" * 8), rig.share(nonce + 1, en2="00" * 8), rig.share(nonce, en2="00" * 7 + "01"), rig.share(nonce, en2="00" * 8, ntime=later)]
        if all(network < share.value <= target_of(rig.difficulty) for share in shares):
            break
    for share in shares:
        accepted(rig.submit(share))


@check("6", "9: two miners' equal numbers are different shares, since their extranonce1 differs")
def no_duplicates_across_miners(stage):
    one, two = stage.rig().login(), stage.rig().login()
    network = bitcoin.target_of_nbits(int(one.job[6], 16))
    for nonce in range(2000):
        shares = [rig.share(nonce, en2="00" * 8) for rig in (one, two)]
        if all(network < share.value <= target_of(one.difficulty) for share in shares):
            break
    accepted(one.submit(shares[0]))
    accepted(two.submit(shares[1]))


@check("6", "9: a miner that starts over at extranonce2 zero with each job finds no duplicate")
def starting_over_is_no_duplicate(stage):
    rig = stage.rig().login()
    for number in range(4):
        accepted(rig.submit(rig.find(en2="00" * 8, first_nonce=0)))
        jobs = len(rig.jobs)
        if number == 0:  # one job that a changed difficulty brings, the others on new tips
            rig.suggest()
            rig.wait_job(jobs, 40)
        else:
            rig.wait_tip(stage.node.mine())


@check("6", "a thousand duplicates are a thousand times 22, and the next good share is taken")
def flood_of_duplicates(stage):
    rig = stage.rig().login()
    share = rig.find()
    accepted(rig.submit(share))
    line = json.dumps({"id": "x", "method": "mining.submit", "params": share.params(USER)}) + "\n"
    rig.send(line * 1000)
    for _ in range(1000):
        refused(json.loads(rig.response_line()), 22)
    accepted(rig.submit(rig.find()))


# ---------------------------------------------------------------- stale and late

@check("6", "stale: a share of the old tip is 21 once a new one is there, and counted")
def stale(stage):
    rig = on_the_tip(stage, stage.rig().login())
    share, before = rig.find(), stage.rejects()["stale"]
    rig.wait_tip(stage.node.mine())
    refused(rig.submit(share), 21)
    stage.wait_until(lambda: stage.rejects()["stale"] > before, what="the counter")


@check("6", "superseded on the same tip is not stale")
def superseded_is_not_stale(stage):
    rig = on_the_tip(stage, stage.rig().login())
    first = rig.job
    jobs = len(rig.jobs)
    rig.call("d", "mining.suggest_difficulty", 1.1 * 2.0**-32)
    rig.wait_job(jobs, 40)
    if rig.job[1] == first[1]:
        accepted(rig.submit(rig.find(job=first)))


@check("6", "grace: just after a new tip a share of the old one is still taken, but only for so long")
def stale_grace(stage):
    graceful = stage.variant("graceful")
    rig = on_the_tip(graceful, graceful.rig().login())
    early, late = rig.find(), rig.find()
    rig.wait_tip(stage.node.mine())
    accepted(rig.submit(early))
    started = time.monotonic()
    while rig.submit(late.but(en2="00" * 7 + "aa"))["result"] is True and time.monotonic() < started + 10:
        late = rig.find(job=next(job for job in rig.jobs if job[0] == late.job_id))
    assert time.monotonic() < started + 10, "grace without end"


@check("6", "7: ntime from the template's mintime to two hours ahead of now")
def ntime_window(stage):
    rig = on_the_tip(stage, stage.rig().login())
    template, now = stage.node.template(), int(time.time())
    for ntime in (template["mintime"], int(rig.job[7], 16), now + 7190):
        accepted(rig.submit(rig.find(ntime=f"{ntime:08x}")))
    for ntime in (template["mintime"] - 1, 0, 1, now + 7300, 0xFFFFFFFF):
        refused(rig.submit(rig.find(ntime=f"{ntime:08x}")), 20)


# ---------------------------------------------------------------- version masks

@check("6", "4: across a change of mask, jobs of before take old or new bits")
def mask_union(stage):
    rig = stage.rig().roll_versions("00006000").login()
    before = rig.job
    rig.configure("version-rolling", **{"version-rolling.mask": "10000000"})
    for bits in ("00002000", "10000000", "10006000"):
        accepted(rig.submit(rig.find(job=before, bits=bits)))
    refused(rig.submit(rig.find(job=before, bits="01000000")), 20)


ROLLS = [("every bit", "1fffe000"), ("the lowest", "00002000"), ("the highest", "10000000"), ("none", "00000000"), ("short", "2000")]


@every("6", "4: bits within the mask are taken", ROLLS)
def version_rolling(stage, bits):
    rig = stage.rig().roll_versions().login()
    accepted(rig.submit(rig.find(bits=bits)))


# ---------------------------------------------------------------- what is told of rejects

@check("6", "the last rejects of a worker are told in full", )
def rejects_are_told(stage):
    user = ADDRESS + ".unlucky"
    rig = on_the_tip(stage, stage.rig(user=user).suggest().login())
    share = rig.find()
    accepted(rig.submit(share, user))
    refused(rig.submit(share, user), 22)
    refused(rig.submit(rig.low(), user), 23)

    def told():
        text = json.dumps(stage.pool.api(f"rejects?user={user}"))
        return "duplicate" in text and "low_difficulty" in text and rig.job[0] in text and share.nonce in text

    stage.wait_until(told, 15, f"both rejects of {user} in the API")
    others = json.dumps(stage.pool.api(f"rejects?user={ADDRESS}.blameless"))
    assert "duplicate" not in others
