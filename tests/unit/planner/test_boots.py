"""What is learned of how long VMs boot."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from vmdirac_py.model.batch import ErrorClass
from vmdirac_py.model.inventory import Pool
from vmdirac_py.model.plan import Outcome
from vmdirac_py.model.resources import Resources
from vmdirac_py.planner import boots
from vmdirac_py.planner.boots import LAST, Boots
from vmdirac_py.planner.memory import Memory, fold

POOL = Pool("p", "e", "vo", "SITE", "flavor", "image", Resources(8), boot_seconds=300.0)
SAME, OTHER = replace(POOL, name="same"), replace(POOL, name="other", flavor="big")
POOLS = {pool.name: pool for pool in (POOL, SAME, OTHER)}


def booted(seq: int, seconds: float, pool: str = "p") -> Outcome:
    """A VM that came to run after so many seconds."""
    return Outcome(seq, float(seq), "e", pool, 1, 0, None, booted=True, seconds=seconds)


def after(*seconds: float) -> Memory:
    """Return the memory after these boots."""
    return fold(Memory(), [booted(at, one) for at, one in enumerate(seconds, 1)], POOLS)


def test_what_was_never_seen_is_as_the_inventory_says() -> None:
    """Also for a pool whose neighbour was seen."""
    assert Memory().boot_seconds(POOL) == 300.0
    assert after(20.0, 20.0).boot_seconds(OTHER) == 300.0


def test_a_few_boots_outweigh_the_inventory() -> None:
    """The first one moves it half way, the second one decides."""
    assert [after(*[40.0] * n).boot_seconds(POOL) for n in (1, 2, 9)] == [170.0, 40.0, 40.0]


def test_pools_that_ask_for_the_same_boot_alike() -> None:
    """Whatever they are called."""
    assert after(40.0, 40.0).boot_seconds(SAME) == 40.0


def test_a_boot_that_took_for_ever_is_an_exception() -> None:
    """One of three does not make the next expected to."""
    assert after(40.0, 1700.0, 41.0, 42.0).boot_seconds(POOL) == 42.0


def test_a_cloud_that_became_faster_is_believed() -> None:
    """Older boots than the last ones are forgotten."""
    memory = after(*[600.0] * 50, *[50.0] * LAST)
    assert memory.boot_seconds(POOL) == 50.0
    (known,) = memory.boots.values()
    assert known.last == (50.0,) * LAST


@pytest.mark.parametrize(
    "about",
    [
        {"booted": False},
        {"seconds": 0.0},
        {"pool": "left the inventory"},
        {"launched": 0, "refused": 1, "error_class": ErrorClass.STILLBORN, "seconds": 0.0},
    ],
)
def test_other_outcomes_teach_nothing(about: dict[str, Any]) -> None:
    """Answers of clouds, VMs that never ran, and pools nobody knows."""
    assert fold(Memory(), [replace(booted(1, 77.0), **about)], POOLS).boots == {}


@given(st.lists(st.floats(0.1, 5000), min_size=1, max_size=30), st.integers(0, 29))
def test_it_is_learned_alike_in_whatever_portions(seconds: list[float], cut: int) -> None:
    """Told at once or in two parts, the expectation is the same, and between the shortest and the longest."""
    told = [booted(at, one) for at, one in enumerate(seconds, 1)]
    memory = fold(fold(Memory(), told[:cut], POOLS), told[cut:], POOLS)
    assert memory == fold(Memory(), told, POOLS)
    assert min(300.0, *seconds) - 0.1 <= memory.boot_seconds(POOL) <= max(300.0, *seconds) + 0.1


def test_pools_not_heard_of_for_long_are_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is remembered stays bounded."""
    monkeypatch.setattr(boots, "MOST_POOLS", 2)
    known = {"a": Boots(1.0, (1.0,)), "b": Boots(2.0, (2.0,))}
    assert set(boots.learn(known, [("a", 9.0, booted(1, 5.0)), ("c", 9.0, booted(2, 5.0))])) == {"a", "c"}
