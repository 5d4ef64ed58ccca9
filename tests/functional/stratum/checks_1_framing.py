"""Section 1.1: bytes to lines to requests. Each row of its table has a check, and each bad row is counted and
written to the log at most once per connection."""

import json
import random
import re

from .check import PLAIN, check, every
from .rig import USER
from .wire import Closed, Silence

SUBSCRIBE = b'{"id":1,"method":"mining.subscribe","params":["suite/1.0"]}'
BAD_LINES_MAX = 3  # "close, after max 1-3 bad lines"


def closes(wire, why: str) -> bytes:
    """All that comes until the pool closes, which it must do by itself."""
    try:
        return wire.raw(5)
    except Silence:
        raise AssertionError(f"still open after {why}") from None


def is_answered(wire, line: bytes = SUBSCRIBE) -> dict:
    wire.send(line + b"\n")
    return wire.message()


# ---------------------------------------------------------------- lines

@check("1.1", "answers end in a bare newline, one object a line, no spaces or line breaks inside")
def output_is_compact(stage):
    wire = stage.open()
    wire.send(b'{"id": 1, "method": "mining.configure", "params": [["version-rolling"], {}]}\r\n' + SUBSCRIBE + b"\r\n"
              + f'{{"id":2,"method":"mining.authorize","params":["{USER}","x"]}}\r\n'.encode())
    for _ in range(6):
        line = wire.line()
        assert b"\r" not in line and line == line.strip(), line
        outside_strings = re.sub(rb'"(?:\\.|[^"\\])*"', b"", line)
        assert line.isascii() and not re.search(rb"\s", outside_strings), f"not compact ASCII: {line}"


@check("1.1", "blanks around a line and empty lines are nothing")
def blanks_and_empty_lines(stage):
    wire = stage.open()
    for _ in range(2):  # before the first line, and later
        wire.send(b"\n\r\n \n\t\r\n" * 200)
        assert is_answered(wire, b"  \t" + SUBSCRIBE + b" \t \r")["id"] == 1


@check("1.1", "many lines in one segment are each answered, in order")
def many_lines_in_one_segment(stage):
    wire = stage.open()
    wire.send(b"".join(b'{"id":%d,"method":"mining.ping"}\n' % number for number in range(100)))
    assert [wire.message()["id"] for _ in range(100)] == list(range(100))


@check("1.1", "a line of 8 KB is taken")
def long_line(stage):
    wire = stage.open()
    for filler in (b" ", b"x"):
        line = b'{"id":1,"method":"mining.subscribe","params":["suite' + filler * 8100 + b'"]}'
        assert is_answered(wire, line)["error"] is None


@every("1.1", "a line beyond 16 KB is closed upon", [("without a newline", b"A" * 20_000), ("with a newline", b'{"id":"' + b"A" * 20_000 + b'"}\n'),
                                                     ("of a megabyte", b"A" * (1 << 20)), ("of blanks", b" " * 40_000)])
def too_long_line(stage, data):
    wire = stage.open()
    assert is_answered(wire)["id"] == 1
    try:
        wire.send(data)
    except OSError:
        pass  # closed while we were sending
    assert b'"result":[[' not in closes(wire, "a line that never ends")


# ---------------------------------------------------------------- the first byte

@every("1.1", "HTTP gets a small 400 and the end", [
    ("GET", b"GET / HTTP/1.1\r\nHost: pool.example:3333\r\nUser-Agent: curl/8.0\r\n\r\n"), ("GET in pieces", b"G"),
    ("POST", b"POST / HTTP/1.1\r\nHost: pool.example\r\nContent-Length: 58\r\n\r\n" + SUBSCRIBE), ("HEAD", b"HEAD / HTTP/1.0\r\n\r\n"),
    ("OPTIONS", b"OPTIONS * HTTP/1.1\r\n\r\n"), ("CONNECT", b"CONNECT example.com:443 HTTP/1.1\r\n\r\n")])
def http_gets_400(stage, data):
    wire = stage.open()
    if data == b"G":
        wire.send(data)
        data = b"ET / HTTP/1.1\r\nHost: pool.example\r\n\r\n"
    wire.send(data)
    answer = closes(wire, "an HTTP request")
    assert answer.startswith(b"HTTP/1.") and answer.split()[1] == b"400", answer
    assert len(answer) < 1024


FIRST_BYTES = [
    ("SV2 noise", random.Random(2).randbytes(64)),
    ("zeros", bytes(64)),
    ("SSH", b"SSH-2.0-OpenSSH_9.2p1\r\n"),
    ("text", b"hello, is this a pool?\n" * 4),
    ("a PROXY v2 header that is not expected", b"\r\n\r\n\0\r\nQUIT\n\x21\x11\x00\x0c" + bytes(12)),
]


@every("1.1", "a first byte that is no { ends the connection", FIRST_BYTES)
def foreign_first_byte(stage, data):
    wire = stage.open()
    try:
        wire.send(data + b"\n")
        wire.send(SUBSCRIBE + b"\n")
    except OSError:
        pass
    assert b'"result":[[' not in closes(wire, "bytes of another protocol")


@check("1.1", "a PROXY header on a listener that wants none ends the connection", transports=(PLAIN,))
def unexpected_proxy_header(stage):
    wire = stage.open()
    try:
        wire.send(b"PROXY TCP4 192.0.2.1 192.0.2.2 1000 2000\r\n" + SUBSCRIBE + b"\n")
    except OSError:
        pass
    assert b'"result":[[' not in closes(wire, "an unexpected PROXY header")


# ---------------------------------------------------------------- JSON

BAD_JSON = [
    ("cut short", b'{"id":1,"method":"mining.subscribe","params":["x"'),
    ("a quote in the password", b'{"id":3,"method":"mining.authorize","params":["user","pa"ss"]}'),
    ("two objects on a line", SUBSCRIBE + SUBSCRIBE),
    ("single quotes", b"{'id':1,'method':'mining.subscribe'}"),
    ("a trailing comma", b'{"id":1,"method":"mining.subscribe","params":[],}'),
    ("an id that is no JSON", b'{"id":01,"method":"mining.subscribe"}'),
    ("NaN", b'{"id":NaN,"method":"mining.subscribe"}'),
    ("a NUL", b'{"id":1,"method":"mining.subscribe\0","params":[]}'),
    ("nesting of nine", b'{"id":1,"method":"mining.subscribe","params":' + b"[" * 8 + b"]" * 8 + b"}"),
    ("nesting of thousands", b'{"id":1,"method":"mining.subscribe","params":' + b"[" * 6000 + b"]" * 6000 + b"}"),
    ("a batch", b"[" + SUBSCRIBE + b"," + SUBSCRIBE + b"]"),
    ("an empty batch", b"[]"),
    ("a number", b"42"),
    ("a string", b'"mining.subscribe"'),
    ("null", b"null"),
    ("no method", b'{"id":1,"params":[]}'),
    ("a method that is a number", b'{"id":1,"method":7,"params":[]}'),
    ("an id that is a list", b'{"id":[1],"method":"mining.subscribe"}'),
    ("an id that is an object", b'{"id":{"a":1},"method":"mining.subscribe"}'),
    ("an id of 65 bytes", b'{"id":' + b"1" * 65 + b',"method":"mining.subscribe"}'),
]


@every("1.1", "what is no request is not carried out, and closed upon after at most three", BAD_JSON)
def bad_line(stage, line):
    wire = stage.open()
    assert is_answered(wire)["id"] == 1, "a good line first: the first byte is a {"
    try:
        for _ in range(BAD_LINES_MAX):
            wire.send(line + b"\n")
    except OSError:
        pass
    said = closes(wire, f"{BAD_LINES_MAX} bad lines")
    assert b'"result":[[' not in said, f"carried out: {said[:200]!r}"


@every("1.1", "a foreign line is closed upon after at most three even as the very first", [row for row in BAD_JSON if row[1][:1] == b"{"],
       transports=(PLAIN,))
def bad_first_line(stage, line):
    wire = stage.open()
    try:
        for _ in range(BAD_LINES_MAX):
            wire.send(line + b"\n")
    except OSError:
        pass
    assert b'"result":[[' not in closes(wire, f"{BAD_LINES_MAX} bad lines")


@check("1.1", "a bad line is counted, and makes at most one line in the log per connection", transports=(PLAIN,))
def bad_lines_are_counted(stage):
    before, logged = bad_connections(stage), len(stage.log_lines())
    for _ in range(20):
        wire = stage.open()
        assert is_answered(wire)["id"] == 1
        try:
            wire.send(b"{not json}\n" * 50)
        except OSError:
            pass
        closes(wire, "fifty bad lines")
    stage.wait_until(lambda: bad_connections(stage) >= before + 20, what="twenty closed connections in the API's counters")
    assert len(stage.log_lines()) - logged <= 20, "more than a line per connection"


def bad_connections(stage) -> int:
    """Connections closed for what they sent, as the API counts them."""
    return stage.counter("not_stratum")


GOOD_SHAPES = [
    ("method first", b'{"method": "mining.subscribe", "id": 1, "params": ["cpuminer/2.5.1"]}'),
    ("params first", b'{"params": ["cgminer/4.11.1"], "id": 1, "method": "mining.subscribe"}'),
    ("with jsonrpc", b'{"jsonrpc":"2.0","id":1,"method":"mining.subscribe","params":["suite/1.0"]}'),
    ("without params", b'{"id":1,"method":"mining.subscribe"}'),
    ("params null", b'{"id":1,"method":"mining.subscribe","params":null}'),
    ("params empty", b'{"id":1,"method":"mining.subscribe","params":[]}'),
    ("params an object", b'{"id":1,"method":"mining.subscribe","params":{"user_agent":"suite/1.0"}}'),
    ("further members", b'{"id":1,"method":"mining.subscribe","params":[],"extra":[[[1]]],"agent":{"a":"b"}}'),
    ("escapes in the method", b'{"id":1,"method":"mining.sub\\u0073cribe","params":[]}'),
    ("non-ASCII", '{"id":1,"method":"mining.subscribe","params":["mineur-é/1.0"]}'.encode()),
]


@every("1.1", "any key order and shape of params is a request, and jsonrpc is never sent back", GOOD_SHAPES)
def good_shape(stage, line):
    wire = stage.open()
    answer = is_answered(wire, line)
    assert list(answer) == ["id", "result", "error"] and answer["id"] == 1 and answer["error"] is None, answer
    assert len(answer["result"]) == 3


CLIENT_RESPONSES = [
    ("cgminer's pong", b'{"id": 1, "result": "pong", "error": null}'),
    ("ESP-Miner's pong, which looks like a request", b'{"id":1,"method":"pong","params":[]}'),
    ("a version", b'{"id": 1, "result": "cgminer/4.11.1", "error": null}'),
    ("an error", b'{"id": 5, "result": null, "error": [20, "no", null]}'),
    ("a result without an error", b'{"id": 5, "result": true}'),
]


@every("1.1", "a miner's response is dropped without a word", CLIENT_RESPONSES)
def client_response(stage, line):
    wire = stage.open()
    assert is_answered(wire)["id"] == 1
    wire.send(line + b"\n" + line + b"\r\n" + line + b"\n" + line + b"\n")
    assert wire.fence() == []


@check("1.1", "responses have id, result and error; what the pool says by itself has id null and params")
def three_keys(stage):
    rig = stage.rig().roll_versions()
    rig.login()
    rig.submit_params(USER, "no-such-job", "00" * 8, "00000000", "00000000")
    rig.call("q", "mining.no_such_method")
    rig.call("r", "mining.suggest_difficulty", 2.0**-31)
    for line in rig.seen:
        message = json.loads(line)
        if "method" in message:
            assert set(message) == {"id", "method", "params"} and message["id"] is None and isinstance(message["params"], list), line
        else:
            assert set(message) == {"id", "result", "error"}, line


@check("1.1", "a subscribe result is under 300 bytes and a job's line under 4 KB")
def line_lengths(stage):
    rig = stage.rig().login()
    assert max(len(line) for line in rig.seen if b'"result":[[' in line) < 300
    assert max(len(line) for line in rig.seen) < 4096


@check("1.1", "absurd numbers are answered or closed upon, and never end the process")
def absurd_numbers(stage):
    for number in ("1e999", "-1e999", "1e-999", "9" * 400, "-0", "0.1e+30", "18446744073709551616"):
        wire = stage.open()
        for method in ("mining.suggest_difficulty", "mining.suggest_target", "mining.subscribe", "mining.authorize", "mining.submit",
                       "mining.configure", "mining.get_transactions"):
            try:
                wire.send(f'{{"id":1,"method":"{method}","params":[{number},{number},{number},{number},{number},{number}]}}\n')
                wire.fence()
            except (Closed, OSError):
                wire = stage.open()  # its third line that could not be read
    assert stage.pool.process.running()
    assert is_answered(stage.open())["error"] is None
