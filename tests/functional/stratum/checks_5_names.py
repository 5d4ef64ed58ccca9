"""Section 5.5: user names and passwords as miners in the field write them. What was understood is asked of the database."""

from framework import bitcoin

from .check import PLAIN, check, every
from .rig import ADDRESS, accepted, refused

P2PKH = "midSACfDe3qAxJZZXA9gkwBZgPqJJUpy1w"  # regtest and testnet share these
NAMES = [  # user name, address, worker
    (ADDRESS, ADDRESS, ""),
    (f"{ADDRESS}.dot", ADDRESS, "dot"),
    (f"{ADDRESS}.two.dots", ADDRESS, "two.dots"),
    (f"{ADDRESS}_underscore", ADDRESS, "underscore"),
    (f"{ADDRESS}+plus", ADDRESS, "plus"),
    (f"{ADDRESS}/slash", ADDRESS, "slash"),
    (f"{ADDRESS}-dash", ADDRESS, "dash"),
    (f"{ADDRESS.upper()}.upper", ADDRESS, "upper"),
    (f"  {ADDRESS}.blanks\t", ADDRESS, "blanks"),
    (f"{ADDRESS}%2Epercent", ADDRESS, "percent"),
    (f"{ADDRESS}.a%20space", ADDRESS, "a space"),
    (f"{ADDRESS}.percent%zz", ADDRESS, "percent%zz"),
    (f"{ADDRESS}.100%", ADDRESS, "100%"),
    (f"{ADDRESS}.", ADDRESS, ""),
    (f"{P2PKH}.base58", P2PKH, "base58"),
    (f"{ADDRESS}.under_score-in-worker", ADDRESS, "under_score-in-worker"),
]


def stored_workers(stage) -> set:
    return set(stage.world.query_in(stage, "SELECT m.address, w.name FROM workers w JOIN miners m ON m.id = w.miner_id"))


@check("5.5", "the forms of a user name: each is understood, and its shares are the right worker's")
def user_names(stage):
    for user, _, _ in NAMES:
        rig = stage.rig()
        rig.subscribe()
        answer = rig.authorize(user)
        assert answer["result"] is True, f"{user!r}: {answer}"
        rig.wait_job()
        accepted(rig.submit(rig.find(), user))
    wanted = {(address, worker) for _, address, worker in NAMES}
    stage.wait_until(lambda: wanted <= stored_workers(stage), 20, f"the workers {wanted}; missing {wanted - stored_workers(stage)}")


@every("5.5", "a name that is no address of this network is refused with 24", [
    ("mainnet bech32", "bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4.x"), ("mainnet base58", "1BvBMSEYstWetqTFn5Au4m4GFg7xJaNVN2"),
    ("mixed case", ADDRESS[:20].upper() + ADDRESS[20:]), ("a letter wrong", ADDRESS[:-1] + ("q" if ADDRESS[-1] != "q" else "p")), ("a worker alone", ".rig1"),
    ("separators", "._+/-"), ("percent signs", "%%%2"), ("no ASCII", "ärger.rig")])
def bad_name(stage, user):
    rig = stage.rig()
    rig.subscribe()
    refused(rig.authorize(user), 24)


@check("5.5", "control characters in a name reach neither log nor database")
def control_characters(stage):
    user = f"{ADDRESS}.bell\x07esc\x1b[31mnew\nline<script>"
    rig = stage.rig()
    rig.subscribe()
    assert rig.authorize(user)["result"] is True
    rig.wait_job()
    accepted(rig.submit(rig.find(), user))
    stage.wait_until(lambda: any("script" in name for _, name in stored_workers(stage)), 20, "the worker stored")
    name = next(name for _, name in stored_workers(stage) if "script" in name)
    assert name.isprintable(), repr(name)
    assert "\x07" not in stage.pool.log.read_text() and "\x1b" not in stage.pool.log.read_text()


@check("5.4", "a name of 256 bytes is taken, a longer one is answered, and at most 128 of it are kept")
def long_names(stage):
    rig = stage.rig()
    rig.subscribe()
    long = f"{ADDRESS}." + "l" * (255 - len(ADDRESS))
    assert len(long) == 256 and rig.authorize(long)["result"] is True
    rig.wait_job()
    accepted(rig.submit(rig.find(), long))
    refused(rig.authorize(f"{ADDRESS}." + "m" * 2000), 24)
    stage.wait_until(lambda: any(name.startswith("lll") for _, name in stored_workers(stage)), 20, "the worker stored")
    assert all(len(name) <= 128 for _, name in stored_workers(stage))


@check("5.5", "a submit may write its worker as authorize did, with the same blanks or percent signs", transports=(PLAIN,))
def name_in_submit(stage):
    user = f" {ADDRESS}%2Erig "
    rig = stage.rig()
    rig.subscribe()
    assert rig.authorize(user)["result"] is True
    rig.wait_job()
    accepted(rig.submit(rig.find(), user))
    accepted(rig.submit(rig.find(), user.strip()))


@check("5.5", "an address is known by its script: P2WSH and taproot miners too")
def other_addresses(stage):
    for address in (bitcoin.ANYONE_ADDRESS, bitcoin.segwit_address(b"\x02" * 32, version=1)):
        rig = stage.rig(user=address + ".x").login()
        accepted(rig.submit(rig.find()))
