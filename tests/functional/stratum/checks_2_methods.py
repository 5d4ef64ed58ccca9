"""Section 2.1: each method a miner may call, its forms, and the answer to the byte."""

import json

from .check import PLAIN, check, every
from .miners import ok, subscribed
from .rig import ADDRESS, USER, accepted, refused

MASK = '"version-rolling.mask":"1fffe000"'


def exchange(stage, request: str) -> bytes:
    """The raw answer to one line on a fresh connection."""
    wire = stage.open()
    wire.send(request + "\n")
    return wire.line()


# ---------------------------------------------------------------- mining.configure

CONFIGURES = [
    ("BIP310 with every bit", '[["version-rolling"],{"version-rolling.mask":"ffffffff"}]', '{"version-rolling":true,' + MASK + "}"),
    ("three extensions", '[["version-rolling","minimum-difficulty","subscribe-extranonce"],{"version-rolling.mask":"1fffe000",'
     '"version-rolling.min-bit-count":16,"minimum-difficulty.value":2048}]',
     '{"version-rolling":true,' + MASK + ',"minimum-difficulty":true,"subscribe-extranonce":true}'),
    ("an unknown extension", '[["foo"],{}]', '{"foo":false}'),
    ("known and unknown", '[["foo","version-rolling","bar"],{}]', '{"foo":false,"version-rolling":true,' + MASK + ',"bar":false}'),
    ("info", '[["info"],{"info.connection-url":"stratum+tcp://x","info.hw-id":"1"}]', '{"info":true}'),
    ("extranonce alone", '[["subscribe-extranonce"],{}]', '{"subscribe-extranonce":true}'),
    ("minimum difficulty as a fraction", '[["minimum-difficulty"],{"minimum-difficulty.value":0.5}]', '{"minimum-difficulty":true}'),
    ("no mask is every bit", '[["version-rolling"],{}]', '{"version-rolling":true,' + MASK + "}"),
    ("no options at all", '[["version-rolling"]]', '{"version-rolling":true,' + MASK + "}"),
    ("options that are no object", '[["version-rolling"],[1]]', '{"version-rolling":true,' + MASK + "}"),
    ("options null", '[["version-rolling"],null]', '{"version-rolling":true,' + MASK + "}"),
    ("a narrower mask", '[["version-rolling"],{"version-rolling.mask":"00c0e000"}]', '{"version-rolling":true,"version-rolling.mask":"00c0e000"}'),
    ("a mask of five digits", '[["version-rolling"],{"version-rolling.mask":"3e000"}]', '{"version-rolling":true,"version-rolling.mask":"0003e000"}'),
    ("a mask with 0x", '[["version-rolling"],{"version-rolling.mask":"0x1fffe000"}]', '{"version-rolling":true,' + MASK + "}"),
    ("a mask in upper case", '[["version-rolling"],{"version-rolling.mask":"1FFFE000"}]', '{"version-rolling":true,' + MASK + "}"),
    ("a min-bit-count that can't be", '[["version-rolling"],{"version-rolling.mask":"00002000","version-rolling.min-bit-count":16}]',
     '{"version-rolling":true,"version-rolling.mask":"00002000"}'),
    ("an extension asked for twice", '[["version-rolling","version-rolling"],{}]', '{"version-rolling":true,' + MASK + "}"),
    ("no extensions", '[[],{}]', "{}"),
    ("options nobody asked for", '[["minimum-difficulty"],{"version-rolling.mask":"ffffffff","minimum-difficulty.value":1}]',
     '{"minimum-difficulty":true}'),
]


@every("2.1", "mining.configure answers the requested extensions and no other key", CONFIGURES)
def configure(stage, params, result):
    line = exchange(stage, f'{{"id":1,"method":"mining.configure","params":{params}}}')
    assert line == ok(1, result), line


@check("2.1", "a mask with no bit in common is version-rolling false, and no disconnect")
def configure_without_common_bits(stage):
    wire = stage.open()
    result = wire.call(1, "mining.configure", ["version-rolling"], {"version-rolling.mask": "e0001fff"})["result"]
    assert result["version-rolling"] is False and result.get("version-rolling.mask", "00000000") == "00000000" and len(result) <= 2
    assert wire.is_open()


@check("2.1", "configure may be repeated; the later mask replaces the earlier one for jobs to come", transports=(PLAIN,))
def configure_again(stage):
    rig = stage.rig()
    rig.roll_versions("ffffffff").login()
    rig.configure("version-rolling", **{"version-rolling.mask": "00006000"})
    assert rig.mask == 0x00006000
    jobs = len(rig.jobs)
    stage.node.mine()
    rig.wait_job(jobs)
    accepted(rig.submit(rig.find(bits="00002000")))
    refused(rig.submit(rig.find(bits="10000000")), 20)


@check("2.1", "a share with six params is taken right after configure's answer, in the same segment as the request")
def six_params_at_once(stage):
    rig = stage.rig().login()
    share = rig.find(bits="00002000")
    rig.send('{"id":"c","method":"mining.configure","params":[["version-rolling"],{"version-rolling.mask":"ffffffff"}]}\n'
             + json.dumps({"id": "s", "method": "mining.submit", "params": share.params(USER)}) + "\n")
    answers = {}
    while len(answers) < 2:
        message = json.loads(rig.response_line())
        answers[message["id"]] = message
    accepted(answers["s"])


@check("2.1", "minimum-difficulty is a floor for this connection")
def minimum_difficulty(stage):
    for value in (2048, 0.25, 1e-9):
        rig = stage.variant("hard network").rig()
        rig.configure("minimum-difficulty", **{"minimum-difficulty.value": value})
        rig.login()
        assert rig.difficulty >= value and len(rig.difficulties) == 1, (value, rig.difficulties)


@every("2.1", "a minimum difficulty that is none harms nothing", [("negative", -1), ("zero", 0), ("text", "many"), ("null", None), ("a list", [1])])
def minimum_difficulty_absurd(stage, value):
    rig = stage.rig()
    assert "minimum-difficulty" in rig.configure("minimum-difficulty", **{"minimum-difficulty.value": value})
    rig.login()
    assert rig.difficulty < 1e-9


# ---------------------------------------------------------------- mining.subscribe

SUBSCRIBES = [("nothing", "[]"), ("an agent", '["bitaxe/BM1370/v2.9.0"]'), ("agent and session", '["cgminer/4.11.1","deadbeef"]'),
              ("agent and null", '["bosminer",null]'), ("with host and port", '["bosminer",null,"pool.example",3333]'),
              ("with host:port", '["bosminer",null,"pool.example:3333",null]'), ("all null", "[null,null,null,null]"), ("numbers", "[1,2]"),
              ("lists", "[[],{}]"), ("a long agent", '["' + "x" * 1000 + '"]'), ("a session of 32 digits", '["whatsminer/v1.0","' + "0f" * 16 + '"]'),
              ("an empty agent", '[""]')]


@every("2.1", "mining.subscribe takes any params and answers in the documented form", SUBSCRIBES)
def subscribe(stage, params):
    match = subscribed(exchange(stage, f'{{"id":2,"method":"mining.subscribe","params":{params}}}'), "2")
    assert match[2] == match[2].lower()


@check("2.1", "extranonce1 is different on every live connection")
def extranonce1_is_unique(stage):
    seen = set()
    for _ in range(60):
        rig = stage.rig()
        rig.subscribe()
        seen.add(rig.en1)
    assert len(seen) == 60


@check("2.1", "a session that ended is resumed with its extranonce1", transports=(PLAIN,))
def session_resume(stage):
    rig = stage.rig().login()
    en1, session = rig.en1, rig.session
    rig.close()
    other = stage.rig().login()  # somebody else in between does not take it
    assert other.en1 != en1
    again = stage.rig()
    again.subscribe("suite/1.0", session)
    assert again.en1 == en1, f"asked for {session}, got {again.en1}, not {en1}"


@check("2.1", "shares of before the break are still taken after a resume", transports=(PLAIN,))
def session_resume_resubmits(stage):
    rig = stage.rig().login()
    share, session = rig.find(), rig.session
    rig.close()
    again = stage.rig()
    again.subscribe("suite/1.0", session)
    assert again.en1 == rig.en1, "else the share is another one"
    assert again.authorize()["result"] is True
    again.wait_job()
    accepted(again.submit(share))


@check("2.1", "a session that is still connected is not handed to another", transports=(PLAIN,))
def live_session_is_not_stolen(stage):
    rig = stage.rig().login()
    thief = stage.rig()
    thief.subscribe("thief/1.0", rig.session)
    assert thief.en1 != rig.en1
    accepted(rig.submit(rig.find()))


@check("2.1", "whatever session is named, extranonce1 is the pool's choice", transports=(PLAIN,))
def session_is_not_client_data(stage):
    for text in ("ffffffff", "f0f0f0f0", "x" * 300, "'; DROP TABLE workers", "ffffffffn", "\u0000"):
        rig = stage.rig()
        rig.subscribe("suite", text)
        assert rig.en1 != text[:8] and len(rig.en1) == 8, (text, rig.en1)


# ---------------------------------------------------------------- mining.authorize

AUTHORIZES = [("user alone", f'["{USER}"]'), ("password null", f'["{USER}",null]'), ("password empty", f'["{USER}",""]'), ("x", f'["{USER}","x"]'),
              ("a number as password", f'["{USER}",123]'), ("a list as password", f'["{USER}",["x"]]'), ("address alone", f'["{ADDRESS}","x"]'),
              ("a third param", f'["{USER}","x","y"]')]


@every("2.1", "mining.authorize with any password is true, to the byte", AUTHORIZES)
def authorize(stage, params):
    wire = stage.open()
    wire.send('{"id":2,"method":"mining.subscribe","params":[]}\n' + f'{{"id":3,"method":"mining.authorize","params":{params}}}\n')
    wire.line()
    assert wire.line() == ok(3)


@every("2.1", "mining.authorize without a usable name is an error, and the connection stays", [
    ("no params", "[]"), ("null", "[null]"), ("a number", "[7]"), ("a list", "[[]]"), ("an object", "[{}]"), ("empty", '[""]')])
def authorize_nobody(stage, params):
    wire = stage.open()
    wire.send('{"id":3,"method":"mining.authorize","params":' + params + "}\n")
    message = wire.message()
    assert message["result"] in (False, None) and message["error"][0] in (20, 24), message
    assert wire.is_open()


@check("2.1", "one connection authorizes several workers, and submits for each of them", transports=(PLAIN,))
def several_workers(stage):
    rig = stage.rig().login()
    for number in range(5):
        user = f"{ADDRESS}.farm{number}"
        assert rig.authorize(user)["result"] is True
        accepted(rig.submit(rig.find(), user))
    accepted(rig.submit(rig.find()))
    assert len(rig.jobs) == 1, "an authorize does not bring a job"
    refused(rig.submit(rig.find(), ADDRESS + ".stranger"), 24)


@check("2.1", "64 workers on a connection; what comes after does no harm", transports=(PLAIN,))
def many_workers(stage):
    rig = stage.rig().login()
    for number in range(100):
        answer = rig.authorize(f"{ADDRESS}.w{number}")
        assert number >= 63 or answer["result"] is True, answer
    assert rig.authorize(f"{ADDRESS}.w99")["id"], "still answers"


# ---------------------------------------------------------------- mining.submit

@check("2.1", "the three spellings of a submit: ESP-Miner's, cgminer's and pooler's", transports=(PLAIN,))
def submit_spellings(stage):
    rig = stage.rig().roll_versions().login()
    for number, template, bits in (
            (7, '{{"id":7,"method":"mining.submit","params":["{u}","{j}","{e}","{t}","{n}","{b}"]}}', "00b44000"),
            (8, '{{"params": ["{u}", "{j}", "{e}", "{t}", "{n}"], "id": 8, "method": "mining.submit"}}', None),
            (4, '{{"method": "mining.submit", "params": ["{u}", "{j}", "{e}", "{t}", "{n}"], "id":4}}', None)):
        share = rig.find(bits=bits)
        rig.send(template.format(u=USER, j=share.job_id, e=share.en2, t=share.ntime, n=share.nonce, b=share.bits) + "\n")
        assert rig.response_line() == ok(number)


def short(text: str) -> str:
    return text.lstrip("0") or "0"


SPELLINGS = [
    ("upper case", lambda p: [p[0], p[1], p[2].upper(), p[3].upper(), p[4].upper()]),
    ("nonce without its leading zeros", lambda p: [*p[:4], short(p[4])]),
    ("nonce padded with spaces, as NerdMiner 1.7", lambda p: [*p[:4], short(p[4]).rjust(8)]),
    ("nonce as a number", lambda p: [*p[:4], int(p[4], 16)]),
    ("ntime as a number", lambda p: [*p[:3], int(p[3], 16), p[4]]),
    ("version bits null", lambda p: [*p, None]),
    ("version bits zero, without configure", lambda p: [*p, "00000000"]),
    ("version bits 0", lambda p: [*p, "0"]),
    ("the name with blanks around it", lambda p: [f" {p[0]} ", *p[1:]]),
    ("a seventh param", lambda p: [*p, "00000000", "x"]),
]


@every("2.1", "spellings of a share that are taken", SPELLINGS, transports=(PLAIN,))
def submit_tolerates(stage, spell):
    rig = stage.rig().login()
    share = rig.find(first_nonce=0x000ABC00)
    assert share.nonce.startswith("000")
    accepted(rig.submit_params(*spell(share.params(USER))))


MALFORMED = [
    ("en2 too short", 2, "00" * 7), ("en2 too long", 2, "00" * 9), ("en2 of one digit less", 2, "0" * 15), ("en2 empty", 2, ""), ("en2 not hex", 2, "zz" * 8),
    ("en2 a number", 2, 17), ("en2 null", 2, None), ("ntime empty", 3, ""), ("ntime of nine digits", 3, "0685468d7"), ("ntime not hex", 3, "zzzzzzzz"),
    ("ntime null", 3, None), ("ntime with a sign", 3, "+85468d7"), ("nonce empty", 4, ""), ("nonce of nine digits", 4, "012345678"),
    ("nonce with a minus", 4, "-1234567"), ("nonce with a plus", 4, "+1234567"), ("nonce with 0x", 4, "0x123456"), ("nonce with 0x inside", 4, "12 0x34"),
    ("nonce with a space inside", 4, "12 34567"), ("nonce negative", 4, -1), ("nonce of 33 bits", 4, 1 << 32), ("nonce a fraction", 4, 1.5),
    ("nonce an object", 4, {}), ("job id a number", 1, 7), ("user a number", 0, 7), ("user null", 0, None), ("nonce blanks", 4, "        "),
    ("version bits of nine digits", 5, "100000000"), ("version bits not hex", 5, "rolled"), ("version bits negative", 5, -1), ("version bits a list", 5, []),
]


@every("2.1", "a malformed submit is error 20, and the connection goes on", MALFORMED)
def submit_malformed(stage, position, value):
    rig = stage.rig().login()
    params = [USER, rig.job[0], "00" * 8, rig.job[7], "00000000", "00000000"]
    params[position] = value
    refused(rig.submit_params(*params), 20)
    assert rig.is_open()


@check("2.1", "a submit of fewer than five params is error 20")
def submit_too_few(stage):
    rig = stage.rig().login()
    params = [USER, rig.job[0], "00" * 8, rig.job[7]]
    for count in range(5):
        refused(rig.submit_params(*params[:count]), 20)
    for params in ("null", "{}", '"x"', "7"):
        rig.send(f'{{"id":"m","method":"mining.submit","params":{params}}}\n')
        refused(json.loads(rig.response_line()), 20)


@check("2.1", "version bits without configure: only zero", transports=(PLAIN,))
def version_bits_without_configure(stage):
    rig = stage.rig().login()
    refused(rig.submit(rig.find(bits="00002000")), 20)
    accepted(rig.submit(rig.find(bits="00000000")))


@check("2.1", "five params from a miner that configured: it did not roll", transports=(PLAIN,))
def five_params_after_configure(stage):
    rig = stage.rig().roll_versions().login()
    accepted(rig.submit(rig.find()))


@check("2.1", "or, xor and replace are one: the job's version has the mask's bits clear")
def version_has_mask_bits_clear(stage):
    rig = stage.rig().login()
    assert int(rig.job[5], 16) & 0x1FFFE000 == 0, rig.job[5]


# ---------------------------------------------------------------- difficulties a miner asks for

SUGGESTIONS = [("a number", '"mining.suggest_difficulty","params":[512]', 512), ("a string", '"mining.suggest_difficulty","params":["512.000000"]', 512),
               ("a fraction", '"mining.suggest_difficulty","params":[0.00015]', 0.00015), ("a fraction as a string", '"mining.suggest_difficulty","params":["0.001000"]', 0.001),
               ("in the method's name", '"mining.suggest_difficulty(512)","params":[]', 512),
               ("a target", '"mining.suggest_target","params":["00000000ffff' + "0" * 52 + '"]', 1),
               ("a target of 512", '"mining.suggest_target","params":["00000000007fff8' + "0" * 49 + '"]', 512)]


@every("2.1", "a suggestion is answered true and is the difficulty of the first job", SUGGESTIONS)
def suggestion_before_login(stage, request, difficulty):
    for when in ("before subscribe", "between"):
        rig = stage.variant("hard network").rig()
        if when == "between":
            rig.subscribe()
        rig.send('{"id":"d","method":' + request + "}\n")
        assert rig.response_line() == ok('"d"')
        if when == "before subscribe":
            rig.subscribe()
        rig.authorize()
        rig.wait_job()
        assert len(rig.difficulties) == 1
        assert difficulty / 1.001 <= rig.difficulty <= difficulty * 1.001, f"{when}: {rig.difficulties}"


@every("2.1", "a suggestion after login changes the difficulty, with a job of its own", SUGGESTIONS)
def suggestion_after_login(stage, request, difficulty):
    rig = stage.variant("hard network").rig().login()
    rig.send('{"id":"d","method":' + request + "}\n")
    assert rig.response_line() == ok('"d"')
    rig.wait_job(1)
    assert len(rig.difficulties) == 2 and rig.difficulties[1][1] == 1, "set_difficulty once, before the job"
    assert difficulty / 1.001 <= rig.difficulty <= difficulty * 1.001, rig.difficulties
    assert rig.jobs[1][0] != rig.jobs[0][0]


@check("2.1", "a repeated suggestion (NerdMiner, every 30 s) changes nothing and sends nothing")
def suggestion_repeated(stage):
    rig = stage.variant("hard network").rig()
    rig.subscribe()
    rig.authorize()
    rig.wait_job()
    assert rig.call("d", "mining.suggest_difficulty", 0.00015)["result"] is True
    rig.wait_job(1)
    jobs = len(rig.jobs)
    for _ in range(10):
        assert rig.call("d", "mining.suggest_difficulty", 0.00015)["result"] is True
    rig.fence()
    assert len(rig.difficulties) == 2 and len(rig.jobs) <= jobs + 1, (rig.difficulties, len(rig.jobs), jobs)


@every("2.1", "a suggestion that is none is ignored, without a disconnect", [
    ("zero", "[0]"), ("negative", "[-5]"), ("text", '["fast"]'), ("NaN", '["nan"]'), ("infinite", '["inf"]'), ("nothing", "[]"), ("null", "[null]"), ("a list", "[[1]]")])
def suggestion_absurd(stage, params):
    rig = stage.rig().login()
    rig.send('{"id":"d","method":"mining.suggest_difficulty","params":' + params + "}\n")
    assert json.loads(rig.response_line())["id"] == "d"
    rig.fence()
    assert len(rig.difficulties) == 1


@every("2.1", "a target that is none is ignored, without a disconnect", [
    ("zero", '["' + "0" * 64 + '"]'), ("short", '["ffff"]'), ("not hex", '["' + "z" * 64 + '"]'), ("a number", "[1]"), ("nothing", "[]")])
def suggested_target_absurd(stage, params):
    rig = stage.rig().login()
    rig.send('{"id":"t","method":"mining.suggest_target","params":' + params + "}\n")
    assert json.loads(rig.response_line())["id"] == "t"
    rig.fence()
    assert len(rig.difficulties) == 1


# ---------------------------------------------------------------- the others

UNSUPPORTED = '{"id":9,"result":null,"error":[20,"Unsupported method'
OTHERS = [
    ("extranonce.subscribe", '"mining.extranonce.subscribe","params":[]', ok(9).decode()),
    ("extranonce.subscribe without params", '"mining.extranonce.subscribe"', ok(9).decode()),
    ("mining.ping", '"mining.ping","params":[]', ok(9, '"pong"').decode()),
    ("client.ping", '"client.ping","params":[]', ok(9, '"pong"').decode()),
    ("unknown", '"mining.dig_deeper","params":[]', UNSUPPORTED),
    ("multi_version", '"mining.multi_version","params":[4]', '{"id":9,"result":null,"error":[20,"'),
    ("mining.term", '"mining.term","params":[]', UNSUPPORTED), ("mining.node", '"mining.node","params":[]', UNSUPPORTED),
    ("mining.passthrough", '"mining.passthrough","params":[]', UNSUPPORTED), ("mining.remote", '"mining.remote","params":[]', UNSUPPORTED),
    ("an empty method", '"","params":[]', UNSUPPORTED), ("a server's method", '"mining.notify","params":[]', UNSUPPORTED),
    ("eth_submitLogin", '"eth_submitLogin","params":["0x0"]', UNSUPPORTED), ("getwork", '"getwork","params":[]', UNSUPPORTED),
]


@every("2.1", "the other methods, and unknown ones: an answer, and the connection goes on", OTHERS)
def other_method(stage, request, answer):
    wire = stage.open()
    wire.send('{"id":9,"method":' + request + "}\n")
    line = wire.line().decode()
    assert line == answer or (answer.endswith(("method", '"')) and line.startswith(answer)), line
    if '"error":[' in line:
        refused(json.loads(line), 20)
    assert wire.is_open()


@check("2.1", "mining.get_transactions: an empty list, with or without error 20; the list itself never")
def get_transactions(stage):
    rig = stage.rig().login()
    rig.send(f'{{"id": "txlist{rig.job[0]}", "method": "mining.get_transactions", "params": ["{rig.job[0]}"]}}\n')
    message = json.loads(rig.response_line())
    assert message["id"] == "txlist" + rig.job[0] and message["result"] == []
    assert message["error"] is None or message["error"][0] == 20


@check("2.1", "bfgminer's capabilities with id null are ignored")
def capabilities(stage):
    wire = stage.open()
    wire.send('{"id": null, "method": "mining.capabilities", "params": [{"notify": [], "suggest_difficulty": 1}]}\n')
    assert wire.fence() == []


@check("2.1", "a hundred unknown methods, and the miner can still log in")
def unknown_methods_never_disconnect(stage):
    rig = stage.rig()
    for number in range(100):
        refused(rig.call(number, f"mining.no_such_{number}"), 20)
    rig.login()
