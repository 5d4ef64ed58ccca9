"""Section 4: targets exactly, fractions, and what a change of difficulty does to shares on their way.

On regtest a hash is a share and no block between two to the -32 and -31, which is where these difficulties lie."""

import json
import time

from .check import check, every
from .rig import USER, accepted, refused, target_of

EASIEST = 2.0**-32
HARDER = 1.5 * EASIEST  # T is two thirds of all hashes
PUBLISHED = [  # section 4.1's table: the first bytes of the target, from the top
    (1, "00000000ffff0000"), (8192, "000000000007fff8000"), (524288, "0000000000001fffe000"), (4294967296, "0000000000000000ffff0000"),
    (0.001, "000003e7fc17ffff"), (0.0001, "0000270fd8ef"), (0.00015, "00001a0a90a0")]


@check("4.1", "T is floor(0xffff * 2^208 / d) in exact integers: the suite's own function against published targets")
def published_targets(_stage):
    for difficulty, digits in PUBLISHED:
        assert f"{target_of(difficulty):064x}".startswith(digits), difficulty


def raised(rig, difficulty: float):
    """Suggests, and waits for set_difficulty and the job after it."""
    jobs, known = len(rig.jobs), len(rig.difficulties)
    assert rig.call("d", "mining.suggest_difficulty", difficulty)["result"] is True
    while len(rig.difficulties) == known:
        rig.line(40)
    rig.wait_job(jobs)
    assert rig.difficulty == difficulty, rig.difficulties


def next_tip(stage, rig):
    rig.wait_tip(stage.node.mine())


@check("4.1", "the hash decides, exactly: the closest of 40 000 hashes at or below the target is taken, the closest above is not")
def exact_target(stage):
    rig = stage.rig()
    rig.call("d", "mining.suggest_difficulty", HARDER)
    rig.login()
    target = target_of(HARDER)
    shares = [rig.share(nonce, en2="00" * 8) for nonce in range(40_000)]
    accepted(rig.submit(max((share for share in shares if share.value <= target), key=lambda share: share.value)))
    refused(rig.submit(min((share for share in shares if share.value > target), key=lambda share: share.value)), 23)


@check("4.1", "a share is credited with the difficulty it was validated against")
def credited_difficulty(stage):
    rig = stage.rig()
    rig.call("d", "mining.suggest_difficulty", HARDER)
    rig.login()
    share = rig.find()
    accepted(rig.submit(share))
    query = "SELECT difficulty FROM shares WHERE hash = %s"
    stage.wait_until(lambda: stage.world.query_in(stage, query, share.hash[::-1]) == [(HARDER,)], 20, "the share with its difficulty")


@check("4.2", "a suggestion above 1 becomes an integer, for those who read a uint32; below 1 it stays a fraction")
def integers_above_one(stage):
    for suggested, expected in ((1000.7, 1000), (1.5, 1), (0.75, 0.75), (3.0, 3)):
        rig = stage.rig()
        rig.call("d", "mining.suggest_difficulty", suggested)
        rig.login()
        assert rig.difficulty == expected, (suggested, rig.difficulties)


@check("4.2", "a difficulty below the pool's floor becomes the floor")
def pool_floor(stage):
    for suggested in (2.0**-40, 1e-300, 5e-324):
        rig = stage.rig()
        rig.call("d", "mining.suggest_difficulty", suggested)
        rig.login()
        assert rig.difficulty == EASIEST, rig.difficulties


PASSWORDS = [("d=512", 512), ("x,d=512", 512), ("d=512;foo", 512), ("foo d=512", 512), ("a&d=512&b", 512), ("diff=512", 512), ("D=512", 512), ("fd=512", 512),
             ("md=512", 512), ("d=0.5", 0.5), ("d=1024,md=16", 1024)]
PLAIN_PASSWORDS = ["", "x", "123", "d=", "d=-1", "d=0", "d=nan", "d=inf", "d=1e999", "d=abc", "md=", "th=", "th=-3", "th=0", "fd=", "=", ",,,", "d==5", "dd=512",
                   "d" * 1000, "Ã¼=3", "password=d", "x;y&z"]


@check("4.4", "no password fails a login, and one that says nothing changes nothing")
def harmless_passwords(stage):
    for password in PLAIN_PASSWORDS:
        rig = stage.rig().login(password=password)
        assert rig.difficulty == EASIEST, (password, rig.difficulties)


@check("4.5", "a fast miner's difficulty goes up by itself, with a notify, and never above the network's")
def vardiff_raises(stage):
    rig = stage.variant("vardiff").rig().login()
    first = rig.difficulty
    # One after the other, for a while: what comes within a moment is taken for a queue that was flushed.
    # The raise is too small to hurry, so it waits for the next job.
    started = time.monotonic()
    number = 0
    while time.monotonic() - started < 2:
        number += 1
        rig.request(number, "mining.submit", *rig.find(above=0).params(USER))
        rig.response_line()
    rig.wait_tip(stage.node.mine())
    assert rig.difficulties[0][0] == first and len(rig.difficulties) > 1, f"{number} shares, and still {rig.difficulties}"
    assert first < rig.difficulty <= 1.0001 * 2.0**-31, "above the network's difficulty a share would hide blocks"
    names = "".join({"mining.set_difficulty": "d", "mining.notify": "n"}.get(json.loads(line).get("method"), "") for line in rig.seen)
    assert "dd" not in names and not names.endswith("d")


