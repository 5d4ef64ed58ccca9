"""Sections 1.3 and 1.4: miners that take the first line they do not know for the answer they wait for, and probes.

The miners' own loops are written out here, so that a line too early fails as it would in the field.
"""

import json
import time

from .check import PLAIN, check, every
from .rig import USER, refused

CGMINER = {"mining.notify", "mining.set_difficulty", "client.reconnect", "client.get_version", "client.show_message", "mining.ping"}
POOLER = {"mining.notify", "mining.set_difficulty", "client.reconnect", "client.get_version", "client.show_message"}


def parse_method(line: bytes, known: set, with_mask: bool = False) -> bool:
    """Whether cgminer's parse_method() takes the line; false makes it the response that is waited for."""
    message = json.loads(line)
    method, params = message.get("method"), message.get("params")
    if method is None or (method not in known and not (with_mask and method == "mining.set_version_mask")):
        return False
    if method == "mining.set_difficulty":
        return isinstance(params[0], (int, float)) and params[0] > 0
    if method == "mining.notify":
        return len(params) >= 9 and isinstance(params[4], list)
    return True


def auth_loop(wire, number, known: set, with_mask: bool = False) -> dict:
    """Reads lines until parse_method is false; that line is what the miner takes for authorize's answer."""
    while True:
        line = wire.line()
        if not parse_method(line, known, with_mask):
            message = json.loads(line)
            assert message.get("id") == number and "method" not in message, f"the miner takes {line!r} for its authorize answer"
            return message


def authorize_line(number) -> str:
    return f'{{"id": {json.dumps(number)}, "method": "mining.authorize", "params": ["{USER}", "x"]}}\n'


AGENTS = [(agent, agent) for agent in ("cgminer/4.11.1", "cgminer/4.12.0", "bmminer/2.0.0", "whatsminer/v1.0", "NiceHash/1.0.0",
                                                    "Antminer S19/1.0", "Antminer S21/1.0", "sgminer/5.5.5")]


@every("1.3", "cgminer's auth loop finds its answer, without and with a version mask", AGENTS)
def cgminer_auth_loop(stage, agent):
    for mask in (False, True):
        wire = stage.open()
        if mask:
            wire.request(0, "mining.configure", ["version-rolling"], {"version-rolling.mask": "ffffffff"})
            configured = wire.message()  # "configure reply = exactly the next line"
            assert configured["id"] == 0 and set(configured["result"]) == {"version-rolling", "version-rolling.mask"}
        wire.request(1, "mining.subscribe", agent)
        assert wire.message()["id"] == 1, "subscribe's answer is the next line"
        wire.send(authorize_line(2))
        assert auth_loop(wire, 2, CGMINER, with_mask=mask)["result"] is True


@check("1.3", "bmminer puts extranonce.subscribe between subscribe and authorize, and waits for a plain true")
def bmminer_with_extranonce(stage):
    wire = stage.open()
    wire.request(1, "mining.subscribe", "bmminer/2.0.0")
    assert wire.message()["id"] == 1
    wire.send('{"id": 2, "method": "mining.extranonce.subscribe", "params": []}\n')
    assert wire.message() == {"id": 2, "result": True, "error": None}
    wire.send(authorize_line(3))
    assert auth_loop(wire, 3, CGMINER)["result"] is True


@check("1.3", "bmminer that does not wait: configure, subscribe, extranonce.subscribe, authorize in one write")
def bmminer_pipelined(stage):
    wire = stage.open()
    wire.send('{"id": 0, "method": "mining.configure", "params": [["version-rolling"], {"version-rolling.mask": "ffffffff"}]}\n'
              '{"id": 1, "method": "mining.subscribe", "params": ["bmminer/2.0.0"]}\n'
              '{"id": 2, "method": "mining.extranonce.subscribe", "params": []}\n' + authorize_line(3))
    assert [wire.message()["id"] for _ in range(4)] == [0, 1, 2, 3], "answers in the order of the requests, and nothing between"


@check("1.3", "pooler reads the next line after subscribe, and after authorize skips only what it knows")
def pooler_next_line(stage):
    for agent in ("cpuminer/2.5.1", "cpuminer-opt-24.1-x64", "ccminer/2.3.1"):
        wire = stage.open()
        wire.request(1, "mining.subscribe", agent)
        assert wire.message()["id"] == 1, "the next line is the result"
        wire.send(authorize_line(2))
        assert auth_loop(wire, 2, POOLER)["result"] is True


@check("1.3", "NerdMiner takes the first line after subscribe for its result")
def nerdminer_first_line(stage):
    wire = stage.open()
    wire.send('{"id": 1, "method": "mining.subscribe", "params": ["NerdMinerV2/V1.8.3"]}\n')
    line = wire.line()
    message = json.loads(line)
    assert message["id"] == 1 and len(message["result"][1]) >= 2 and message["result"][2] in (2, 4, 8), line


@check("1.3", "a suggestion before authorize makes the pool say nothing of its own before authorize's answer")
def suggestion_in_the_window(stage):
    wire = stage.open()
    wire.request(1, "mining.subscribe", "cgminer/4.11.1")
    assert wire.message()["id"] == 1
    wire.send('{"id":2,"method":"mining.suggest_difficulty","params":[512]}\n' + authorize_line(3))
    assert wire.message()["id"] == 2
    assert auth_loop(wire, 3, CGMINER)["result"] is True


@check("1.3", "a second worker's authorize is answered while jobs and set_difficulty go on")
def auth_loop_for_a_second_worker(stage):
    rig = stage.rig().login()
    rig.send('{"id":90,"method":"mining.suggest_difficulty","params":[3e-10]}\n')
    assert json.loads(rig.response_line())["id"] == 90
    rig.send('{"id": 91, "method": "mining.authorize", "params": ["' + USER + '2", "x"]}\n')
    assert auth_loop(rig, 91, CGMINER)["result"] is True


@check("0", "the ten lines: configure, subscribe, authorize, suggestion, each answered, and between them only what belongs there")
def ten_lines(stage):
    rig = stage.variant("hard network").rig()
    rig.send('{"id":1,"method":"mining.configure","params":[["version-rolling"],{"version-rolling.mask":"ffffffff"}]}\n')
    rig.send('{"id":2,"method":"mining.subscribe","params":["suite/1.0"]}\n')
    rig.send(f'{{"id":3,"method":"mining.authorize","params":["{USER}","x"]}}\n')
    rig.wait_job()
    rig.send('{"id":4,"method":"mining.suggest_difficulty","params":[1024]}\n')
    rig.wait_job(1)
    said = [message.get("method") or message["id"] for message in map(json.loads, rig.seen)]
    login = [1, 2, 3, "mining.set_version_mask", "mining.set_difficulty", "mining.notify"]
    assert said == [*login, 4, "mining.set_difficulty", "mining.notify"], said
    assert rig.jobs[0][8] is True and rig.jobs[0][0] != rig.jobs[1][0]


@every("1.3", "a wrong address is answered false with error 24, and the connection stays for another try", [
    ("no address", "worker1"), ("mainnet", "bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4"), ("empty", ""), ("a bad checksum", USER[:-12] + "qqq.rig")])
def wrong_address(stage, user):
    rig = stage.rig()
    rig.subscribe()
    for _ in range(2):
        answer = rig.authorize(user or " ")
        refused(answer, 24)
        assert answer["result"] is False, answer
    assert rig.fence() == [], "no job for nobody"
    assert rig.authorize(USER)["result"] is True
    rig.wait_job()


# ---------------------------------------------------------------- 1.4 probes

PROBE = ('{"id":1,"method":"mining.subscribe","params":["bitaxe/BM1370/v2.9.0"]}\n'
         f'{{"id":2,"method":"mining.authorize","params":["{USER}","x"]}}\n')


@check("1.4", "ESP-Miner's probe: one read of at most 1023 bytes after subscribe and authorize holds mining.notify")
def esp_probe(stage):
    for _ in range(5):
        wire = stage.open()
        wire.send(PROBE)
        read = wire.one_read(1023)
        assert b"mining.notify" in read.split(b"\n")[0], f"the pair is in subscribe's result, which comes at once: {read!r}"
        wire.close()


@check("1.4", "probes are never banned, leave no worker behind, and write no log line each", transports=(PLAIN,))
def probes_are_not_punished(stage):
    logged = len(stage.log_lines())
    for number in range(120):
        wire = stage.open()
        wire.send(PROBE.replace(".suite", f".probe{number}"))
        assert b"mining.notify" in wire.one_read(1023), f"probe {number}"
        wire.reset() if number % 2 else wire.close()
    assert len(stage.log_lines()) - logged < 60, "a log line for each probe"
    rows = stage.world.query_in(stage, "SELECT count(*) FROM workers WHERE name LIKE 'probe%'")
    assert rows == [(0,)], "a probe is no worker"


@check("1.4", "NiceHash's verificator: subscribe, authorize, a difficulty and a job within seconds, and away")
def nicehash_verificator(stage):
    rig = stage.rig(agent="NiceHash/1.0.0")
    started = time.monotonic()
    rig.subscribe()
    rig.call("x", "mining.extranonce.subscribe")
    rig.authorize()
    rig.wait_job()
    assert rig.difficulties and time.monotonic() - started < 5


@check("1.4", "NiceHash hears of a difficulty high enough for its orders right after subscribe, before anything else")
def nicehash_difficulty(stage):
    rig = stage.variant("hard network").rig(agent="NiceHash/1.0.0")
    rig.subscribe()
    message = rig.message()
    assert message["method"] == "mining.set_difficulty" and message["params"][0] >= 500_000, message


@check("1.4", "cgminer's test of a dead pool: connect, subscribe, authorize, away; again and again")
def cgminer_dead_pool_test(stage):
    for _ in range(20):
        rig = stage.rig(agent="cgminer/4.11.1")
        rig.subscribe()
        assert rig.authorize()["result"] is True
        rig.close()


@check("0", "answers come in arrival order: a submit's before that of what was sent after it", transports=(PLAIN,))
def answers_in_arrival_order(stage):
    rig = stage.rig().login()
    share = rig.find()
    rig.request("s", "mining.submit", *share.params(USER))
    rig.request("p", "mining.ping")
    rig.send('{"id": "a", "method": "mining.authorize", "params": ["' + USER + '2", "x"]}\n')
    order = [json.loads(rig.response_line())["id"] for _ in range(3)]
    assert order == ["s", "p", "a"], f"answered in the order {order}"
