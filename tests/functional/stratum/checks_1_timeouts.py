"""Section 1.5: who says nothing is let go in time, who mines is not, and nobody hears silence for long."""

import json
import pathlib
import time

from .check import PLAIN, check
from .rig import accepted
from .wire import Closed, Silence

SUBSCRIBE_SECONDS, AUTHORIZE_SECONDS, IDLE_SECONDS, KEEPALIVE_SECONDS = 1, 2, 10, 5  # of the variant "impatient"


def closed_after(wire, most: float) -> float:
    """Seconds until the pool closes."""
    started = time.monotonic()
    try:
        wire.raw(most)
    except Silence:
        raise AssertionError(f"still open after {most} s") from None
    return time.monotonic() - started


@check("1.5", "a connection that says nothing is closed, and not before its time", transports=(PLAIN,))
def silent_connection(stage):
    wire = stage.variant("impatient").open()
    assert SUBSCRIBE_SECONDS * 0.8 <= closed_after(wire, 8)


@check("1.5", "half a line does not count as something said", transports=(PLAIN,))
def half_a_line(stage):
    wire = stage.variant("impatient").open()
    wire.send('{"id":1,"method":"mining.subscr')
    closed_after(wire, 8)


@check("1.5", "pings do not keep a connection that never subscribes", transports=(PLAIN,))
def pings_without_subscribe(stage):
    wire = stage.variant("impatient").open()
    started = time.monotonic()
    try:
        while time.monotonic() < started + 8:
            wire.call(1, "mining.ping")
            time.sleep(0.1)  # a miner's own pace; what is waited for is the end
    except (Closed, OSError):
        return
    raise AssertionError("still open after 8 s of pings")


@check("1.5", "subscribed and never authorized: closed, a little later", transports=(PLAIN,))
def never_authorized(stage):
    rig = stage.variant("impatient").rig()
    rig.subscribe()
    assert AUTHORIZE_SECONDS * 0.7 <= closed_after(rig, 8)


@check("1.5", "keepalive jobs break every silence, do not clean, and have ids of their own; an idle miner goes, a working one stays",
       transports=(PLAIN,))
def keepalive_and_idle(stage):
    variant = stage.variant("impatient")
    idle, working = variant.rig().login(), variant.rig().login()
    started, heard = time.monotonic(), time.monotonic()
    longest, closed = 0.0, 0.0
    while time.monotonic() < started + IDLE_SECONDS + 4:
        accepted(working.submit(working.find()))
        try:
            idle.line(0.5)
            longest, heard = max(longest, time.monotonic() - heard), time.monotonic()
        except Silence:
            pass
        except Closed:
            closed = time.monotonic() - started
            break
    assert closed >= IDLE_SECONDS * 0.9, f"idle miner closed after {closed:.1f} s (0: never)"
    assert len(idle.jobs) > 1 and longest <= KEEPALIVE_SECONDS + 2.5, f"{len(idle.jobs)} jobs, {longest:.1f} s of silence"
    assert len({job[0] for job in idle.jobs}) == len(idle.jobs)
    for old, new in zip(idle.jobs, idle.jobs[1:]):
        assert new[8] is (old[1] != new[1]), "a keepalive on the same tip does not clean"
    accepted(working.submit(working.find()))


@check("1.5", "the pool's sockets have TCP keepalive on", transports=(PLAIN,))
def tcp_keepalive(stage):
    rig = stage.rig().login()
    peer = rig.socket.getsockname()[1]
    local, remote = f"{stage.ports[PLAIN]:04X}", f"{peer:04X}"
    for line in pathlib.Path("/proc/net/tcp").read_text().splitlines()[1:]:
        fields = line.split()
        if fields[1].endswith(":" + local) and fields[2].endswith(":" + remote):
            timer, when = fields[5].split(":")
            assert timer == "02", f"no keepalive timer on the pool's side: {fields[5]}"
            assert int(when, 16) <= 130 * 100, "the first probe is over two minutes away"
            return
    raise AssertionError("the pool's side of the connection is not in /proc/net/tcp")


@check("1.5", "the pool answers at once: no delay of small writes", transports=(PLAIN,))
def no_nagle(stage):
    rig = stage.rig()
    rig.subscribe()
    started = time.monotonic()
    for number in range(50):
        rig.call(number, "mining.ping")
    assert time.monotonic() - started < 50 * 0.04, "as slow as with delayed acknowledgements"


@check("1.5", "orderly stop: miners are told to reconnect, with the params cgminer follows, and what they had sent is answered", transports=(PLAIN,))
def reconnect_on_drain(stage):
    going = stage.world.stage("", stage.program, stage.fault)
    rig = going.rig().login()
    share = rig.find()
    rig.request("last", "mining.submit", *share.params(rig.user))
    assert json.loads(rig.response_line())["result"] is True
    assert going.pool.stop() == 0
    lines = [json.loads(line) for line in rig.rest()]
    assert any(line.get("method") == "client.reconnect" and line["params"] in ([], *[p for p in [line["params"]] if len(p) == 3]) for line in lines), lines
