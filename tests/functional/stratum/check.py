"""The registry: each check is a function with the section and the rule it stands for.

    @check("1.2", "ESP-Miner pipelines configure, subscribe, authorize")
    def esp_miner(stage): ...

`stage` is a running pool (stage.py). Checks raise AssertionError, and know nothing of pytest, so that
test_every_section_can_fail.py can run them against a broken pool and see that they do.
"""

import importlib
import re
from dataclasses import dataclass
from typing import Callable

PLAIN, TLS, PROXY = "plain", "tls", "proxy"  # the kinds of listener that sections 1 and 2 are checked on
OFF, IPV6 = "off", "ipv6"  # further ones: without TLS, and on ::1
EVERYWHERE = (PLAIN, TLS, PROXY)
MODULES = ("checks_1_framing", "checks_1_handshakes", "checks_1_auth_loop", "checks_1_timeouts", "checks_2_methods", "checks_2_server",
           "checks_3_header", "checks_4_difficulty", "checks_5_limits", "checks_5_names", "checks_5_transport", "checks_6_verdicts")


@dataclass(frozen=True)
class Check:
    section: str
    rule: str
    run: Callable
    transports: tuple

    @property
    def name(self) -> str:
        return self.run.__name__

    @property
    def id(self) -> str:
        return f"{self.section}-{self.name}"


_checks = []


def check(section: str, rule: str, transports: tuple | None = None):
    """Sections 1 and 2 run on every kind of listener, the others on the plain one, unless told otherwise."""
    where = transports or (EVERYWHERE if section[0] in "12" else (PLAIN,))

    def register(run: Callable) -> Callable:
        assert all(other.name != run.__name__ for other in _checks), f"two checks are called {run.__name__}"
        _checks.append(Check(section, rule, run, where))
        return run

    return register


def every(section: str, rule: str, rows, transports: tuple | None = None):
    """One check per row of a table; a row is (name, ...), and its name becomes part of the check's."""

    def register(run: Callable) -> Callable:
        for row in rows:
            def one(stage, row=row):
                return run(stage, *row[1:])

            one.__name__ = f"{run.__name__}-{re.sub('[^A-Za-z0-9.]+', '-', row[0])}"
            check(section, f"{rule}: {row[0]}", transports)(one)
        return run

    return register


def all_checks() -> list:
    for module in MODULES:
        importlib.import_module(f"stratum.{module}")
    return _checks


def run_on_one_tip(one, stage):
    """On regtest half of all hashes are blocks: one that a check did not mean to find may come home between its
    share and the answer, which is then "Stale". That check is run once more; a pool that is wrong is wrong again."""
    try:
        one.run(stage)
    except AssertionError as error:
        if "'Stale share'" not in str(error):
            raise
        stage.hang_up()
        stage.settle()
        one.run(stage)
