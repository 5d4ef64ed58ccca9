"""Section 1.2: what each miner family sends first, byte for byte, and what the pool answers.

`phases` are groups of lines: a group goes out in one write, and the miner waits for its answers before the next.
An answer is the exact line, or SUBSCRIBED for the one that holds values of the pool's own, or None for a request
that gets none (id null). `rolls` says that version rolling was granted, so that one set_version_mask follows.
"""

import json
import re
from dataclasses import dataclass, field

from .rig import ADDRESS

SUBSCRIBED = object()
USER = ADDRESS + ".rig1"
GRANTED = '{"version-rolling":true,"version-rolling.mask":"1fffe000"}'


def ok(number, result: str = "true") -> bytes:
    return f'{{"id":{number},"result":{result},"error":null}}'.encode()


def subscribed(line: bytes, number: str) -> re.Match:
    """Section 2.1's form of a subscribe result, to the byte; groups: session id of notify, extranonce1."""
    pattern = (rb'\{"id":' + re.escape(number.encode()) + rb',"result":\[\[\["mining\.set_difficulty","[0-9a-zA-Z]{1,32}"\],'
               rb'\["mining\.notify","([0-9a-zA-Z]{1,32})"\]\],"([0-9a-f]{8})",8\],"error":null\}')
    match = re.fullmatch(pattern, line)
    assert match, f"not the documented answer to mining.subscribe: {line!r}"
    return match


@dataclass(frozen=True)
class Family:
    name: str
    phases: list  # of lists of (line, answer)
    rolls: bool = False
    after: list = field(default_factory=list)  # phases once it has its first job

    def requests(self) -> list:
        return [request for phase in self.phases + self.after for request in phase]


def subscribe(text: str) -> tuple:
    return text, SUBSCRIBED


BIP310_ALL = '{"id":1,"method":"mining.configure","params":[["version-rolling"],{"version-rolling.mask":"ffffffff"}]}'
BIP310_ASIC = ('{"id":0,"method":"mining.configure","params":[["version-rolling"],'
               '{"version-rolling.mask":"1fffe000","version-rolling.min-bit-count":16}]}')
ANTMINER = ('{"id":1,"method":"mining.configure","params":[["version-rolling","minimum-difficulty","subscribe-extranonce"],'
            '{"version-rolling.mask":"1fffe000","version-rolling.min-bit-count":16,"minimum-difficulty.value":2048}]}')
ANTMINER_9966 = ('{"id": 9966, "method": "mining.configure", "params": [["version-rolling", "subscribe-extranonce"], '
                 '{"version-rolling.mask": "1fffe000", "version-rolling.min-bit-count": 16}]}')
CGMINER_CONFIGURE = '{"id": 0, "method": "mining.configure", "params": [["version-rolling"], {"version-rolling.mask": "ffffffff"}]}'


def bip310_family(name: str, agent: str) -> Family:
    """Braiins OS, LuxOS, Vnish, ePIC: configure, subscribe, authorize, each waited for."""
    return Family(name, [[(BIP310_ASIC, ok(0, GRANTED))],
                         [subscribe(f'{{"id":1,"method":"mining.subscribe","params":["{agent}"]}}')],
                         [(f'{{"id":2,"method":"mining.authorize","params":["{USER}","x"]}}', ok(2))]], rolls=True)


FAMILIES = [
    Family("ESP-Miner", [[
        (BIP310_ALL, ok(1, GRANTED)),
        subscribe('{"id":2,"method":"mining.subscribe","params":["bitaxe/BM1370/v2.9.0"]}'),
        (f'{{"id":3,"method":"mining.authorize","params":["{USER}","x"]}}', ok(3)),
    ]], rolls=True, after=[[
        ('{"id":4,"method":"mining.suggest_difficulty","params":[1000]}', ok(4)),
        ('{"id":5,"method":"mining.extranonce.subscribe","params":[]}', ok(5)),
    ]]),
    Family("NerdQAxe", [[
        subscribe('{"id": 1, "method": "mining.subscribe", "params": ["NerdQAxe++/BM1370/v1.0.36"]}'),
        ('{"id": 2, "method": "mining.configure", "params": [["version-rolling"], {"version-rolling.mask": "1fffe000"}]}', ok(2, GRANTED)),
        (f'{{"id": 3, "method": "mining.authorize", "params": ["{USER}", "x"]}}', ok(3)),
        ('{"id": 4, "method": "mining.suggest_difficulty", "params": [1000]}', ok(4)),
        ('{"id": 5, "method": "mining.extranonce.subscribe", "params": []}', ok(5)),
    ]], rolls=True),
    Family("NerdMiner", [
        [subscribe('{"id": 1, "method": "mining.subscribe", "params": ["NerdMinerV2/V1.8.3"]}')],
        [(f'{{"params": ["{USER}", "x"], "id": 2, "method": "mining.authorize"}}', ok(2)),
         ('{"id": 3, "method": "mining.suggest_difficulty", "params": [0.00015]}', ok(3))]]),
    Family("cgminer", [
        [subscribe('{"id": 1, "method": "mining.subscribe", "params": ["cgminer/4.11.1"]}')],
        [(f'{{"id": 2, "method": "mining.authorize", "params": ["{USER}", "x"]}}', ok(2))]]),
    Family("cgminer with a mask", [
        [(CGMINER_CONFIGURE, ok(0, GRANTED))],
        [subscribe('{"id": 1, "method": "mining.subscribe", "params": ["cgminer/4.11.1", "5a5a5a5a"]}')],
        [(f'{{"id": 2, "method": "mining.authorize", "params": ["{USER}", "x"]}}', ok(2))]], rolls=True),
    Family("cgminer's second try", [
        [subscribe('{"id": 1, "method": "mining.subscribe", "params": []}')],
        [(f'{{"id": 2, "method": "mining.authorize", "params": ["{USER}", "x"]}}', ok(2))]]),
    Family("Avalon", [
        [(CGMINER_CONFIGURE, ok(0, GRANTED))],
        [subscribe('{"id": 1, "method": "mining.subscribe", "params": ["cgminer/4.12.0"]}')],
        [(f'{{"id": 2, "method": "mining.authorize", "params": ["{USER}", "p"]}}', ok(2))]], rolls=True),
    Family("bmminer", [
        [(CGMINER_CONFIGURE, ok(0, GRANTED))],
        [subscribe('{"id": 1, "method": "mining.subscribe", "params": ["bmminer/2.0.0"]}')],
        [('{"id": 2, "method": "mining.extranonce.subscribe", "params": []}', ok(2))],
        [(f'{{"id": 3, "method": "mining.authorize", "params": ["{USER}", "x"]}}', ok(3))]], rolls=True),
    Family("WhatsMiner", [
        [subscribe('{"id": 1, "method": "mining.subscribe", "params": ["whatsminer/v1.0"]}')],
        [(f'{{"id": 2, "method": "mining.authorize", "params": ["{USER}", "123"]}}', ok(2))]]),
    Family("WhatsMiner M30S", [
        [(CGMINER_CONFIGURE, ok(0, GRANTED))],
        [subscribe('{"id": 1, "method": "mining.subscribe", "params": ["whatsminer/v1.0", "0123456789abcdef0123456789abcdef"]}')],
        [(f'{{"id": 2, "method": "mining.authorize", "params": ["{USER}", "123"]}}', ok(2))]], rolls=True),
    Family("Antminer S19", [
        [(ANTMINER, ok(1, '{"version-rolling":true,"version-rolling.mask":"1fffe000","minimum-difficulty":true,"subscribe-extranonce":true}'))],
        [subscribe('{"id":2,"method":"mining.subscribe","params":["Antminer S19j Pro/1.0.0"]}')],
        [(f'{{"id":3,"method":"mining.authorize","params":["{USER}","x"]}}', ok(3))]], rolls=True),
    Family("Antminer S21", [
        [(ANTMINER_9966, ok(9966, '{"version-rolling":true,"version-rolling.mask":"1fffe000","subscribe-extranonce":true}'))],
        [subscribe('{"id":1,"method":"mining.subscribe","params":["Antminer S21/Wed Apr 16 10:20:30 CST 2025"]}')],
        [(f'{{"id":2,"method":"mining.authorize","params":["{USER}",""]}}', ok(2))]], rolls=True),
    Family("Braiins OS", [
        [(BIP310_ASIC, ok(0, GRANTED))],
        [subscribe('{"id":1,"method":"mining.subscribe","params":["bosminer-plus-tuner 0.9",null,"pool.example:3333",null]}')],
        [(f'{{"id":2,"method":"mining.authorize","params":["{USER}","x"]}}', ok(2))]], rolls=True),
    Family("mujina", [
        [(BIP310_ASIC, ok(0, GRANTED))],
        [subscribe('{"id":1,"method":"mining.subscribe","params":["mujina/0.1.0"]}')],
        [(f'{{"id":2,"method":"mining.authorize","params":["{USER}","x"]}}', ok(2))],
        [('{"id":3,"method":"mining.suggest_difficulty","params":[1024]}', ok(3))]], rolls=True),
    bip310_family("LuxOS", "LUXminer 2024.5"),
    bip310_family("Vnish", "xminer-1.2.6"),
    bip310_family("ePIC", "PowerPlay-BM/1.8.0"),
    Family("bfgminer", [[
        ('{"id":null,"method":"mining.suggest_target","params":["00000000ffff0000000000000000000000000000000000000000000000000000"]}', None),
        subscribe('{"id": 0, "method": "mining.subscribe", "params": ["bfgminer/5.5.0"]}'),
    ], [
        (f'{{"id": "auth", "method": "mining.authorize", "params": ["{USER}", "x"]}}', ok('"auth"')),
        ('{"id": null, "method": "mining.capabilities", "params": [{"suggest_difficulty": 1}]}', None),
        ('{"id": "xnsub", "method": "mining.extranonce.subscribe", "params": []}', ok('"xnsub"')),
    ]]),
    Family("pooler cpuminer", [
        [subscribe('{"id": 1, "method": "mining.subscribe", "params": ["cpuminer/2.5.1"]}')],
        [(f'{{"id": 2, "method": "mining.authorize", "params": ["{USER}", "x"]}}', ok(2))]]),
    Family("cpuminer-opt", [
        [subscribe('{"id": 1, "method": "mining.subscribe", "params": ["cpuminer-opt-24.1-x64", "5a5a5a5a"]}')],
        [(f'{{"id": 2, "method": "mining.authorize", "params": ["{USER}", "x"]}}', ok(2))],
        [('{"id": 3, "method": "mining.extranonce.subscribe", "params": []}', ok(3))],
        [('{"id": 1, "method": "mining.suggest_difficulty", "params": ["0.001000"]}', ok(1))]]),
    Family("ccminer", [
        [subscribe('{"id": 1, "method": "mining.subscribe", "params": ["ccminer/2.3.1"]}')],
        [('{"id": 3, "method": "mining.extranonce.subscribe", "params": []}', ok(3))],
        [(f'{{"id": 2, "method": "mining.authorize", "params": ["{USER}", "x"]}}', ok(2))]]),
    Family("NiceHash", [
        [subscribe('{"id":1,"method":"mining.subscribe","params":["NiceHash/1.0.0"]}')],
        [('{"id":2,"method":"mining.extranonce.subscribe","params":[]}', ok(2))],
        [(f'{{"id":3,"method":"mining.authorize","params":["{USER}","x"]}}', ok(3))]]),
]


def fits(family: Family, lines: list):
    """AssertionError unless `lines` are the family's answers, each exact and in order, and between them only what
    section 0 allows: for NiceHash its difficulty right after subscribe; after subscribe and authorize are both
    answered, one set_version_mask (if granted), one set_difficulty, one notify with clean_jobs true."""
    expected = [(json.loads(line).get("id"), json.loads(line)["method"], answer) for line, answer in family.requests()
                if answer is not None]
    order = []
    for line in lines:
        message = json.loads(line)
        if "method" not in message:
            assert expected, f"an answer too many: {line!r}"
            number, method, answer = expected.pop(0)
            if answer is SUBSCRIBED:
                subscribed(line, json.dumps(number))
            else:
                assert line == answer, f"answered {line!r}, documented is {answer!r}"
            order.append(method.split(".", 1)[1])
        else:
            assert message["id"] is None, line
            order.append({"mining.notify": "NOTIFY", "mining.set_difficulty": "DIFFICULTY",
                          "mining.set_version_mask": "MASK"}.get(message["method"], message["method"]))
    assert not expected, f"no answer to {[method for _, method, _ in expected]}"
    said = " ".join(order)
    both = max(order.index("subscribe"), order.index("authorize"))
    early, late = order[: both + 1], order[both + 1 :]
    spoken_early = [word for word in early if word.isupper()]
    if family.name == "NiceHash":
        assert spoken_early == ["DIFFICULTY"] and early[early.index("subscribe") + 1] == "DIFFICULTY", said
        said_difficulties = [line for line in lines if b'"mining.set_difficulty","params"' in line][:2]
        assert len(set(said_difficulties)) == 1, f"another difficulty without a job between: {said_difficulties}"
        start = ["DIFFICULTY", "NOTIFY"] if len(said_difficulties) == 2 else ["NOTIFY"]
    else:
        assert not spoken_early, f"the pool spoke before login was over: {said}"
        start = ["DIFFICULTY", "NOTIFY"]
    start = (["MASK"] if family.rolls else []) + start
    assert late[: len(start)] == start, f"after login comes {' '.join(start)}: {said}"
    rest = [word for word in late[len(start) :] if word.isupper()]
    assert re.fullmatch(r"((DIFFICULTY )?NOTIFY ?)*", " ".join(rest)), f"a set_difficulty goes right before a notify: {said}"
    first = next(json.loads(line) for line in lines if b'"mining.notify"' in line and b'"method"' in line)
    assert first["params"][8] is True, "the first job cleans"
