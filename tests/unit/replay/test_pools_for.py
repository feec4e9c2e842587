import pytest
from msgspec.structs import replace

from tests.support.replays import inventory, job, pool, trace
from vmdirac_py.base.errors import BadInput
from vmdirac_py.model.inventory import Vo
from vmdirac_py.replay.pools_for import with_pools, without_pools
from vmdirac_py.replay.rules import Production
from vmdirac_py.replay.run import replay
from vmdirac_py.replay.scenario import Scenario

JOBS = trace(job(1), job(2, vo="x"), job(3, vo="y"), job(4, vo="y"))
OWN = inventory(pool(), pool("q", 4))


def test_vos_without_pools_are_counted() -> None:
    """Each with its jobs, the one with most first."""
    assert list(without_pools(JOBS, OWN).items()) == [("y", 2), ("x", 1)]


def test_copies_serve_them() -> None:
    """Each such VO gets every pool and the limits of the other, and all its jobs run; nothing else changes."""
    own = replace(OWN, vos={"vo": Vo("vo", ("vo_user",), max_vms=1)})
    made = with_pools(own, ("x", "y"), like="vo")
    assert list(made.pools) == ["p", "q", "x/p", "x/q", "y/p", "y/q"]
    assert made.vos["y"] == Vo("y", max_vms=1)
    assert own.pools.items() <= made.pools.items()
    assert without_pools(JOBS, made) == {}
    result = replay(JOBS, made, rule=Production(), scenario=Scenario(), seed=1)
    assert (result.unserved, result.vms_started) == (0, 3)


def test_there_must_be_something_to_copy() -> None:
    """A VO without pools is no model; the error names those that are."""
    with pytest.raises(BadInput, match="name one of: vo"):
        with_pools(OWN, ("x",), like="nobody")
