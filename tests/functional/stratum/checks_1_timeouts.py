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


