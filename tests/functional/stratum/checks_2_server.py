"""Sections 2.2 and 2.3: what the pool says by itself, and the form and code of its errors."""

import json
import re
import time

from framework import bitcoin

from .check import PLAIN, check, every
from .rig import ADDRESS, USER, accepted, refused, swap_words

NUMBER = re.compile(rb'\{"id":null,"method":"mining\.set_difficulty","params":\[((?:0|[1-9][0-9]*)(?:\.[0-9]+)?)\]\}')

# A difficulty a miner suggests, and how set_difficulty must print it.
PRINTED = [("one", "1", "1"), ("an integer", "1024", "1024"), ("65536", "65536", "65536"), ("a million, no exponent", "1e6", "1000000"),
           ("2 to the 40", "1099511627776", "1099511627776"), ("a half", "0.5", "0.5"), ("2 to the -12", "0.000244140625", "0.000244140625"),
           ("NerdMiner's", "0.00015", "0.00015"), ("a tenth of a thousandth", "1e-4", "0.0001"), ("just below one", "0.9999", "0.9999")]


@every("2.2", "set_difficulty is a plain decimal: no exponent, no .0, the shortest that reads back", PRINTED)
def difficulty_is_printed(stage, suggested, printed):
    rig = stage.variant("hard network").rig()
    rig.send(f'{{"id":1,"method":"mining.suggest_difficulty","params":[{suggested}]}}\n')
    rig.response_line()
    rig.login()
    line = next(line for line in rig.seen if b"set_difficulty" in line and b'"method"' in line)
    match = NUMBER.fullmatch(line)
    assert match and match[1].decode() == printed, f"{line!r}, expected {printed}"


@check("2.2", "the pool's easiest difficulty is printed in full, and read back exactly")
def smallest_difficulty_is_printed(stage):
    rig = stage.rig().login()
    line = next(line for line in rig.seen if b'"mining.set_difficulty","params"' in line)
    match = NUMBER.fullmatch(line)
    assert match and float(match[1]) == 2.0**-32, line


NOTIFY = re.compile(rb'\{"id":null,"method":"mining\.notify","params":\["([0-9a-f]{1,16})","([0-9a-f]{64})","((?:[0-9a-f]{2})+)","((?:[0-9a-f]{2})+)",'
                    rb'\[((?:"[0-9a-f]{64}"(?:,(?="))?)*)\],"([0-9a-f]{8})","([0-9a-f]{8})","([0-9a-f]{8})",(true|false)\]\}')


@check("2.2", "mining.notify has nine params, each in its form, to the byte")
def notify_form(stage):
    rig = stage.rig().login()
    for line in [line for line in rig.seen if b'"mining.notify","params"' in line]:
        assert NOTIFY.fullmatch(line), line


@check("2.2", "prevhash is the tip's hash with each 4-byte word swapped")
def notify_prevhash(stage):
    rig = stage.rig().login()
    tip = stage.node.tip()
    rig.wait_tip(tip)
    assert rig.job[1] == swap_words(bytes.fromhex(tip)[::-1]).hex()
    words = [tip[at : at + 8] for at in range(0, 64, 8)]
    assert rig.job[1] == "".join(reversed(words)), "equivalently: the display hash with its words in reversed order"


@check("2.2", "version, nbits and ntime are those of the node's template")
def notify_numbers(stage):
    rig = stage.rig().login()
    rig.wait_tip(stage.node.tip())
    template = stage.node.template()
    assert rig.job[6] == template["bits"]
    assert int(rig.job[5], 16) == template["version"] & ~0x1FFFE000 & 0xFFFFFFFF
    assert abs(int(rig.job[7], 16) - template["curtime"]) < 120 and int(rig.job[7], 16) >= template.get("mintime", 0)


@check("2.2", "coinb1, extranonces and coinb2 are one legacy transaction that pays the template's value")
def notify_coinbase(stage):
    rig = stage.rig().login()
    rig.wait_tip(stage.node.tip())
    raw = bytes.fromhex(rig.job[2] + rig.en1 + "00" * rig.en2_size + rig.job[3])
    coinbase, end = bitcoin.parse_tx(raw, 0)
    assert end == len(raw) and raw[4:6] != b"\0\1", "without witness"
    assert coinbase.legacy() == raw and len(coinbase.inputs) == 1
    assert coinbase.inputs[0].txid == bytes(32) and coinbase.inputs[0].index == 0xFFFFFFFF
    assert sum(out.value for out in coinbase.outputs) == stage.node.template()["coinbasevalue"]


@check("2.2", "the first job cleans; one on a new block cleans; each has a fresh id", transports=(PLAIN,))
def clean_jobs(stage):
    rig = stage.rig().login()
    assert rig.job[8] is True
    for _ in range(3):
        seen = len(rig.jobs)
        tip = stage.node.mine()
        rig.wait_tip(tip)
        on_tip = [job for job in rig.jobs[seen:] if job[1] == rig.job[1]]
        assert on_tip[0][8] is True, on_tip[0]
    assert len({job[0] for job in rig.jobs}) == len(rig.jobs)


@check("2.2", "set_version_mask comes once, after authorize's answer, only to who negotiated; set_extranonce to nobody else")
def set_version_mask(stage):
    rig = stage.rig().roll_versions("0fffe000").login()
    assert rig.masks == ["0fffe000"]
    names = [json.loads(line).get("method") or "answer" for line in rig.seen]
    assert names == ["answer"] * 3 + ["mining.set_version_mask", "mining.set_difficulty", "mining.notify"]
    plain = stage.rig().login()
    assert plain.masks == []
    assert not any(b"set_extranonce" in line for line in rig.seen + plain.seen)


@check("2.2", "a set_difficulty that is followed by another one has a notify between", transports=(PLAIN,))
def one_difficulty_between_notifies(stage):
    rig = stage.rig().login()
    for exponent in (31, 30, 29, 28, 20, 31):
        rig.request("d", "mining.suggest_difficulty", 2.0**-exponent)
    stage.node.mine()
    rig.wait_tip(stage.node.tip())
    rig.fence()
    names = "".join({"mining.set_difficulty": "d", "mining.notify": "n"}.get(json.loads(line).get("method"), "") for line in rig.seen)
    assert "dd" not in names and not names.endswith("d"), names


# ---------------------------------------------------------------- 2.3

@check("2.3", "20: malformed; 21: no such job; 22: duplicate; 23: low difficulty; 24: unauthorized; 25: not subscribed", transports=(PLAIN,))
def error_codes(stage):
    stranger = stage.rig()
    refused(stranger.submit_params(USER, "1", "00" * 8, "00000000", "00000000"), 25)
    stranger.subscribe()
    refused(stranger.submit_params(USER, "1", "00" * 8, "00000000", "00000000"), 24)
    rig = stage.rig().suggest().login()
    refused(rig.submit_params(USER), 20)
    refused(rig.submit(rig.find().but(job_id="7fffffffffffffff")), 21)
    share = rig.find()
    accepted(rig.submit(share))
    assert "uplicate" in refused(rig.submit(share), 22)
    assert "ifficulty" in refused(rig.submit(rig.low()), 23)
    refused(rig.submit(rig.find(), ADDRESS + ".nobody"), 24)


@check("2.3", "each reason has a counter", transports=(PLAIN,))
def reasons_are_counted(stage):
    before = stage.rejects()
    rig = stage.rig().suggest().login()
    share = rig.find()
    accepted(rig.submit(share))
    refused(rig.submit(share), 22)
    refused(rig.submit(rig.low()), 23)
    refused(rig.submit(rig.find(), ADDRESS + ".nobody"), 24)
    refused(rig.submit(rig.find().but(job_id="7fffffffffffffff")), 21)
    wanted = {"duplicate": 1, "low_difficulty": 1, "unauthorized": 1, "job_not_found": 1}
    stage.wait_until(lambda: all(stage.rejects()[name] >= before[name] + more for name, more in wanted.items()), what="the counters")


@check("2.3", "an unauthorized submit is error 24; after ten of them the connection ends")
def unauthorized_submits_end(stage):
    rig = stage.rig()
    rig.subscribe()
    for number in range(9):
        refused(rig.submit_params(USER, "1", "00" * 8, "00000000", "00000000"), 24)
    rig.request("last", "mining.submit", USER, "1", "00" * 8, "00000000", "00000000")
    started = time.monotonic()
    rig.rest()
    assert time.monotonic() - started < 10


@check("2.3", "error texts stand at [1], short enough to show")
def error_texts(stage):
    rig = stage.rig().login()
    for params in ([], [USER, "no-such-job", "00" * 8, "00000000", "00000000"], [USER, rig.job[0], "0", "0", "0"], ["x" * 2500] * 5):
        answer = rig.submit_params(*params)
        assert len(answer["error"][1]) < 200, answer
