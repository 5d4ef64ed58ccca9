"""Section 1.2: the handshake of every miner family, as it sends it and in every other shape that a network can give it.

A family's lines are replayed byte for byte; the answers are compared byte for byte (miners.py).
"""

import json

from .check import PLAIN, check, every
from .miners import FAMILIES, SUBSCRIBED, Family, fits
from .rig import USER

BY_NAME = [(family.name, family) for family in FAMILIES]
# Those that pipeline: the ones whose bytes must work however they are cut.
PIPELINED = [(family.name, family) for family in FAMILIES if any(len(phase) > 1 for phase in family.phases)]
CUTS_AT_ONCE = 40  # connections that are cut side by side


def read_answers(wire, family: Family):
    """Reads until every answer of the family and its first job are there, and what else came before a ping's answer."""
    wanted = sum(answer is not None for _, answer in family.requests())
    heard = {"answers": 0, "job": False}
    while heard["answers"] < wanted or not heard["job"]:
        message = json.loads(wire.line())
        heard["answers"] += "method" not in message
        heard["job"] |= message.get("method") == "mining.notify"
    wire.fence()
    del wire.seen[-1]  # the fence's own answer


def whole(family: Family, end: str = "\n") -> bytes:
    return "".join(line + end for line, _ in family.requests()).encode()


@every("1.2", "the handshake as the miner sends it, each phase answered before the next", BY_NAME)
def as_sent(stage, family):
    wire = stage.open()
    for phase in family.phases + family.after:
        wire.send("".join(line + "\n" for line, _ in phase))
        for _ in range(sum(answer is not None for _, answer in phase)):
            wire.response_line()
        if phase is family.phases[-1]:
            while not any(b'"method":"mining.notify"' in line for line in wire.seen):
                wire.line()
    wire.fence()
    del wire.seen[-1]
    fits(family, wire.seen)


@every("1.2", "the whole handshake in one segment is answered line by line, in order", BY_NAME)
def in_one_segment(stage, family):
    wire = stage.open()
    wire.send(whole(family))
    read_answers(wire, family)
    fits(family, wire.seen)


@every("1.2", "lines that end in CRLF, with empty lines between them", BY_NAME)
def with_crlf(stage, family):
    wire = stage.open()
    wire.send(b"\r\n \t\r\n" + whole(family, "\r\n\r\n\n"))
    read_answers(wire, family)
    fits(family, wire.seen)


@every("1.2", "a byte at a time", BY_NAME)
def byte_by_byte(stage, family):
    wire = stage.open()
    for byte in whole(family):
        wire.send(bytes([byte]))
    read_answers(wire, family)
    fits(family, wire.seen)


@every("1.2", "cut in two at every byte", PIPELINED, transports=(PLAIN,))
def cut_at_every_byte(stage, family):
    data = whole(family)
    for first in range(1, len(data), CUTS_AT_ONCE):
        cuts = range(first, min(first + CUTS_AT_ONCE, len(data)))
        wires = {cut: stage.open() for cut in cuts}
        for cut, wire in wires.items():
            wire.send(data[:cut])
        for cut, wire in wires.items():
            wire.send(data[cut:])
        for cut, wire in wires.items():
            read_answers(wire, family)
            try:
                fits(family, wire.seen)
            except AssertionError as error:
                raise AssertionError(f"cut at byte {cut}: {error}") from None
        stage.hang_up()


IDS = [("zero", "0"), ("a string", '"abc"'), ("an empty string", '""'), ("negative", "-7"), ("a float", "1.5"), ("an exponent", "1e3"),
       ("64 bits", "18446744073709551615"), ("thirty digits", "123456789012345678901234567890"), ("an escaped string", '"\\u0061\\n\\""'),
       ("true", "true")]


@every("1.1", "an id is echoed as it was written", IDS)
def id_echoed(stage, text):
    wire = stage.open()
    for method, params in (("mining.subscribe", '["suite/1.0"]'), ("mining.authorize", f'["{USER}","x"]'), ("mining.no_such_method", "[]")):
        wire.send(f'{{"id":{text},"method":"{method}","params":{params}}}\n')
        line = wire.response_line()
        assert line.startswith(f'{{"id":{text},"result":'.encode()), line


@every("1.1", "a request without an id, or with null, is carried out and not answered", [("null", '"id":null,'), ("missing", "")])
def no_id_no_answer(stage, member):
    wire = stage.open()
    wire.send(f'{{{member}"method":"mining.configure","params":[["version-rolling"],{{}}]}}\n'
              f'{{{member}"method":"mining.subscribe","params":["suite/1.0"]}}\n'
              f'{{{member}"method":"mining.no_such_method","params":[]}}\n'
              f'{{{member}"method":"mining.authorize","params":["{USER}","x"]}}\n')
    methods = [json.loads(wire.line()).get("method") for _ in range(3)]
    assert methods == ["mining.set_version_mask", "mining.set_difficulty", "mining.notify"], methods
    assert not [line for line in wire.fence() if b'"result"' in line]


@check("1.1", "ids need not be unique: pooler sends 4 for every submit, and each gets its answer in order")
def same_id_again(stage):
    wire = stage.open()
    wire.send('{"id":4,"method":"mining.no_such_method"}\n{"id":4,"method":"mining.ping"}\n'
              '{"id":4,"method":"mining.subscribe"}\n{"id":4,"method":"mining.extranonce.subscribe"}\n')
    results = [json.loads(wire.line()) for _ in range(4)]
    assert [message["id"] for message in results] == [4] * 4
    assert results[0]["error"][0] == 20 and results[1]["result"] == "pong"
    assert len(results[2]["result"]) == 3 and results[3]["result"] is True


@check("1.2", "configure, subscribe, authorize, suggestions in any order and again and again")
def any_order_any_number(stage):
    wire = stage.rig()
    lines = {"C": ("mining.configure", ["version-rolling"], {}), "A": ("mining.authorize", USER, "x"), "S": ("mining.subscribe",),
             "D": ("mining.suggest_difficulty", 2.0**-31), "X": ("mining.extranonce.subscribe",), "T": ("mining.suggest_target", "ff" * 32)}
    for number, letter in enumerate("ADXTCAASSCDXSCATA"):
        method, *params = lines[letter]
        answer = wire.call(number, method, *params)
        assert answer["error"] is None, f"{method}, request {number}: {answer}"
    assert wire.jobs


@check("1.2", "authorize before subscribe is legal: answered at once, mining starts when both are true")
def authorize_first(stage):
    rig = stage.rig()
    assert rig.authorize()["result"] is True
    assert rig.fence() == [], "nothing before subscribe"
    rig.subscribe()
    rig.wait_job()
    assert [len(rig.difficulties), len(rig.jobs)] == [1, 1]


@check("1.2", "a second subscribe on the connection gets the same extranonce1 again")
def second_subscribe(stage):
    rig = stage.rig()
    first = rig.subscribe()
    assert rig.subscribe("another agent", "0123") == first
    rig.login()
    assert rig.subscribe()[1:] == first[1:]


def family(name: str) -> Family:
    return next(one for one in FAMILIES if one.name == name)


@check("1.2", "every handshake of the reference is here with the form of its subscribe answer")
def table_is_complete(stage):
    assert all(SUBSCRIBED in [answer for _, answer in one.requests()] for one in FAMILIES)
    assert stage.pool.process.running()
