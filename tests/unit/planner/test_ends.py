"""Reach and soft ends."""

from __future__ import annotations

from math import inf
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from vmdirac_py.model.vm import Run
from vmdirac_py.planner.ends import (
    LATE,
    SHORTEST,
    WASTE,
    floored,
    reach_of,
    remaining,
    remaining_of,
    soft_ends,
    takes,
)
from vmdirac_py.planner.lengths import Lengths

LENGTHS = st.floats(0.0, 1e7)


@given(LENGTHS, st.integers(3, 512))
def test_reach_and_remaining_are_inverse(seconds: float, cores: int) -> None:
    """What a VM reaches tells how long its jobs run on."""
    assert remaining_of(reach_of(seconds, cores), cores) == pytest.approx(seconds)


@given(LENGTHS, st.integers(3, 512))
def test_a_job_within_reach_wastes_no_more_than_it_may(seconds: float, cores: int) -> None:
    """The longest job a VM takes prolongs it by `WASTE` times its own core-seconds."""
    longest = reach_of(seconds, cores)
    assert cores * (longest - seconds) <= WASTE * longest * (1 + 1e-9) + 1e-6


@pytest.mark.parametrize("cores", [1, 2])
def test_small_vms_reach_everything(cores: int) -> None:
    """There is little to waste."""
    assert reach_of(0.0, cores) == remaining_of(5.0, cores) == inf


@given(LENGTHS)
def test_rounding_down_loses_a_sixth_at_most(seconds: float) -> None:
    """Never up; what is shorter than the shortest is nothing; rounding again changes nothing."""
    found = floored(seconds)
    assert found <= seconds * (1 + 1e-6)
    assert found >= seconds * 5 / 6 or (found == 0.0 and seconds < SHORTEST)
    assert floored(found) == found


def softened(build: Any, seconds: float | None, soft_end: float, *, busy: int = 1) -> list[float]:
    """The soft end that one VM gets that is reopened for so many seconds (None: it is not), in seconds from now."""
    vm = build.vm(build.pool(cores=8), soft_end=soft_end, busy=busy)
    snapshot = build.snapshot([build.pool()], [], [vm])
    return [one.until and one.until - build.AT for one in soft_ends(snapshot, {} if seconds is None else {0: seconds})]


def test_a_reopened_vm_may_take_what_it_was_reopened_for(build: Any) -> None:
    """Also when it starts a little late."""
    assert softened(build, 600.0, 0.0) == [600.0 + LATE]


def test_a_permission_lasts_until_the_next_plan(build: Any) -> None:
    """It is taken away when it is still open, and only then; also from one that has got nothing for minutes."""
    assert softened(build, None, build.AT + 100.0) == [0.0]
    assert softened(build, None, build.AT - 100.0) == []
    assert softened(build, None, build.AT + 100.0, busy=0) == [0.0]


def test_a_vm_takes_what_is_within_its_reach_or_ends_by_its_soft_end(build: Any) -> None:
    """Neither more; without a soft end its reach alone counts."""
    pool = build.pool(cores=8)
    vm, longest = build.vm(pool).vm, reach_of(600.0, 8)
    ending = replace(vm, soft_end=build.AT + 5000.0)
    assert takes(vm, pool, longest, remaining=600.0, at=build.AT)
    assert not takes(vm, pool, longest + 1, remaining=600.0, at=build.AT)
    assert takes(ending, pool, 5000.0, remaining=600.0, at=build.AT)
    assert not takes(ending, pool, 5001.0, remaining=600.0, at=build.AT)


def test_an_empty_vm_takes_what_it_was_launched_for_however_late_it_boots(build: Any) -> None:
    """And anything once that time is over, or when it was launched for nothing in particular."""
    pool = build.pool(cores=8)
    vm = replace(build.vm(pool).vm, created_at=build.AT - 400, soft_end=build.AT - 400 + pool.boot_seconds + 900)
    assert takes(vm, pool, 900.0, remaining=None, at=build.AT)
    assert not takes(vm, pool, 901.0, remaining=None, at=build.AT)
    assert takes(vm, pool, 9e9, remaining=None, at=vm.soft_end)
    assert takes(replace(vm, soft_end=0.0), pool, 9e9, remaining=None, at=build.AT)


def test_a_vm_runs_as_long_as_its_longest_payload(build: Any) -> None:
    """One that runs nothing does not run on."""
    lengths = Lengths()
    short, long = (Run("ann", "vo_user", build.AT - 60, 1, asked) for asked in (360, 86_400))
    both = remaining("vo", (short, long), lengths, build.AT)
    assert both == remaining("vo", (long,), lengths, build.AT)
    assert remaining("vo", (short,), lengths, build.AT) < both
    assert remaining("vo", (), lengths, build.AT) == 0.0
