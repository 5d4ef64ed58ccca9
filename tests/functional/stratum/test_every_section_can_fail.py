"""A check that can't fail proves nothing: for each fault of phasepool_faulty the check named beside it must fail, and none
of those checks may fail there when no fault is on. Every section with checks has a fault that one of its checks sees."""

import re

import pytest

from framework.util import ROOT, StartError

from .check import all_checks, run_on_one_tip
from .faults import FAULTS
from .stage import FAULTY, World
from .wire import Wire

CHECKS = {one.name: one for one in all_checks()}
IMPATIENT = 2.5  # seconds; a broken pool is waited for less long


@pytest.fixture(scope="module")
def world():
    world = World("faulty")
    yield world
    world.close(keep=False)


@pytest.fixture(scope="module")
def sound(world):
    """The same program with no fault on."""
    return world.stage(program=FAULTY)


@pytest.mark.parametrize("name", sorted({name for _, _, name in FAULTS}))
def test_without_a_fault_the_check_passes(sound, name):
    sound.settle()
    try:
        run_on_one_tip(CHECKS[name], sound)
    finally:
        sound.hang_up()


@pytest.mark.parametrize("fault, section, name", [pytest.param(*row, id=f"{row[1]}-{row[0]}-{row[2]}") for row in FAULTS])
def test_with_the_fault_the_check_fails(world, monkeypatch, fault, section, name):
    assert CHECKS[name].section == section
    monkeypatch.setattr(Wire, "patience", IMPATIENT)
    broken = world.stage(program=FAULTY, fault=fault)
    try:
        with pytest.raises(Exception) as noticed:  # a line that is no JSON, a key that is missing: as good as an assertion
            CHECKS[name].run(broken)
        assert not noticed.errisinstance(StartError), noticed.value
    finally:
        broken.close()


def test_every_section_has_a_fault_that_it_sees():
    assert {one.section for one in CHECKS.values()} - {section for _, section, _ in FAULTS} == set()


def test_every_fault_of_the_code_is_used():
    """And every one that is used is there."""
    points = set()
    for top in ("common", "pool"):
        for source in (ROOT / top).rglob("*.cpp"):
            points |= set(re.findall(r'base::fault\("(\w+)"\)', source.read_text()))
    edits = set(re.findall(r'^ +\{"(\w+)",', (ROOT / "tests/functional/faulty/faults.cpp").read_text(), re.MULTILINE))
    special = set(re.findall(r'fault\("(\w+)"\)', (ROOT / "tests/functional/faulty/faults.cpp").read_text()))
    # A verdict that is never given goes by the reject's own name (common/mining/share_check.cpp).
    points |= set(re.findall(r'2\d, "(\w+)"', (ROOT / "common/stratum/reject.cpp").read_text())) & {name for name, _, _ in FAULTS}
    # Not a fault of the protocol: it shortens a wait for tests/functional/test_nodes.py.
    points.discard("nodes_trusted_soon")
    assert points | edits | special == {name for name, _, _ in FAULTS}
