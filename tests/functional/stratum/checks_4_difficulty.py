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
        rig = stage.variant("hard network").rig()
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


@check("4.3", "after a raise, jobs of before and the first job after are judged by the old difficulty, later ones by the new")
def raise_spares_shares_on_their_way(stage):
    rig = stage.rig().login()
    before = rig.job
    raised(rig, HARDER)
    first = rig.job
    easy = {"above": target_of(HARDER), "upto": target_of(EASIEST)}
    accepted(rig.submit(rig.find(job=before, **easy)))
    accepted(rig.submit(rig.find(job=first, **easy)))
    next_tip(stage, rig)
    refused(rig.submit(rig.find(**easy)), 23)
    accepted(rig.submit(rig.find()))


@check("4.3", "after a raise, a share that missed the old difficulty too is low")
def raise_is_no_amnesty(stage):
    rig = stage.rig()
    rig.call("d", "mining.suggest_difficulty", 1.2 * EASIEST)
    rig.login()
    before = rig.job
    raised(rig, HARDER)
    refused(rig.submit(rig.find(job=before, above=target_of(1.2 * EASIEST), upto=(1 << 256) - 1)), 23)


@check("4.3", "a lowered difficulty is in force at once, for jobs of before too")
def lowering_is_immediate(stage):
    rig = stage.rig()
    rig.call("d", "mining.suggest_difficulty", HARDER)
    rig.login()
    before = rig.job
    raised(rig, 1.1 * EASIEST)
    accepted(rig.submit(rig.find(job=before, above=target_of(HARDER), upto=target_of(1.1 * EASIEST))))
    accepted(rig.submit(rig.find(above=target_of(HARDER), upto=target_of(1.1 * EASIEST))))


@check("4.3", "set_difficulty goes right before a notify, and that notify has a new id and another coinbase or time")
def change_comes_with_a_new_job(stage):
    rig = stage.rig().login()
    raised(rig, HARDER)
    names = [json.loads(line).get("method") for line in rig.seen]
    assert names[-2:] == ["mining.set_difficulty", "mining.notify"], names
    old, new = rig.jobs[-2:]
    assert old[0] != new[0] and (old[2], old[3], old[7]) != (new[2], new[3], new[7])


PASSWORDS = [("d=512", 512), ("x,d=512", 512), ("d=512;foo", 512), ("foo d=512", 512), ("a&d=512&b", 512), ("diff=512", 512), ("D=512", 512), ("fd=512", 512),
             ("md=512", 512), ("d=0.5", 0.5), ("d=1024,md=16", 1024)]
PLAIN_PASSWORDS = ["", "x", "123", "d=", "d=-1", "d=0", "d=nan", "d=inf", "d=1e999", "d=abc", "md=", "th=", "th=-3", "th=0", "fd=", "=", ",,,", "d==5", "dd=512",
                   "d" * 1000, "Ã¼=3", "password=d", "x;y&z"]


@every("4.4", "a password's option sets the difficulty", [(password, password, difficulty) for password, difficulty in PASSWORDS])
def password_option(stage, password, difficulty):
    rig = stage.variant("hard network").rig().login(password=password)
    assert rig.difficulty == difficulty and len(rig.difficulties) == 1, rig.difficulties


@check("4.4", "th= sets the difficulty of that many terahashes a second")
def password_terahashes(stage):
    one, hundred = (stage.variant("hard network").rig().login(password=f"th={th}").difficulty for th in (1, 100))
    # A share every 10 s at 1 TH/s is difficulty 2328; pools differ in the rate, not in the proportion.
    assert 200 <= one <= 20_000 and 30 <= hundred / one <= 300, (one, hundred)


@check("4.4", "no password fails a login, and one that says nothing changes nothing")
def harmless_passwords(stage):
    for password in PLAIN_PASSWORDS:
        rig = stage.rig().login(password=password)
        assert rig.difficulty == EASIEST, (password, rig.difficulties)


@check("4.4", "a password's d= comes before a suggestion, a suggestion before a port's start")
def precedence(stage):
    rig = stage.variant("hard network").rig()
    rig.call("s", "mining.suggest_difficulty", 64)
    rig.login(password="d=512")
    assert rig.difficulty == 512, rig.difficulties
    rig = stage.variant("hard network").rig().login(password="d=512")
    rig.call("s", "mining.suggest_difficulty", 64)
    next_tip(stage, rig)
    assert rig.difficulty == 512, rig.difficulties


@check("4.4", "fd= is fixed: neither suggestion nor minimum changes it")
def fixed_difficulty(stage):
    rig = stage.variant("hard network").rig().login(password=f"fd={HARDER:.40f}")
    assert rig.difficulty == HARDER
    rig.call("s", "mining.suggest_difficulty", 64)
    rig.configure("minimum-difficulty", **{"minimum-difficulty.value": 128})
    next_tip(stage, rig)
    rig.fence()
    assert rig.difficulty == HARDER, rig.difficulties


def mines_until_raised(stage, rig):
    """Submits as fast as it is answered until the difficulty has changed."""
    started = time.monotonic()
    while len(rig.difficulties) < 2:
        assert time.monotonic() < started + 2 * rig.patience, f"shares by the thousand, and still {rig.difficulties}"
        for number in range(50):
            rig.request(number, "mining.submit", *rig.find().params(rig.user))
        for _ in range(50):
            rig.response_line()
        rig.fence()


@check("4.5", "a fast miner's difficulty goes up by itself, far enough at once, and with a notify")
def vardiff_raises(stage):
    variant = stage.variant("hard vardiff")
    rig = variant.rig().login()
    mines_until_raised(variant, rig)
    rig.wait_job(rig.difficulties[1][1])
    assert rig.difficulty >= 16 * EASIEST, f"hundreds of times too fast, and only {rig.difficulties}"
    names = "".join({"mining.set_difficulty": "d", "mining.notify": "n"}.get(json.loads(line).get("method"), "") for line in rig.seen)
    assert "dd" not in names and not names.endswith("d"), names


@check("4.5", "no share is asked to be harder than a block, whoever asks for it")
def never_above_the_network(stage):
    rig = stage.variant("hard network").rig().suggest(2.0**60).login(password=f"d={2**60}")
    assert rig.difficulty <= 2.0**48, rig.difficulties


@check("4.5", "the difficulty of a worker is remembered across a reconnect")
def vardiff_remembers(stage):
    variant = stage.variant("hard vardiff")
    rig = variant.rig(user=USER + "-memory").login()
    mines_until_raised(variant, rig)
    for _ in range(3):
        accepted(rig.submit(rig.find(upto=target_of(rig.difficulty))))
    raised_to = rig.difficulty
    rig.close()
    again = variant.rig(user=USER + "-memory").login()
    assert again.difficulty >= raised_to / 4, f"{again.difficulties}, was {raised_to}"
