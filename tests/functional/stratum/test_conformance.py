"""Every check against the real pool, on every kind of listener it is for. `-k 1.2` runs a section, `-k tls` a kind."""

import pytest

from .check import all_checks, run_on_one_tip
from .stage import World


@pytest.fixture(scope="module")
def ordinary():
    world = World("conformance")
    yield world.stage()
    world.close(keep=False)


@pytest.mark.parametrize("transport, one", [
    pytest.param(transport, one, id=f"{one.id}-{transport}")
    for one in all_checks() for transport in one.transports])
def test_check(ordinary, transport, one):
    ordinary.transport = transport
    ordinary.settle()
    try:
        run_on_one_tip(one, ordinary)
    except AssertionError as error:
        raise AssertionError(f"section {one.section}, {one.rule} ({transport}): {error}") from error
    finally:
        ordinary.hang_up()
    assert ordinary.pool.process.running(), "the pool is gone"
