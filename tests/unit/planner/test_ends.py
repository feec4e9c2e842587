"""Reach and soft ends."""

from __future__ import annotations

from math import inf
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from vmdirac_py.model.vm import Run
from vmdirac_py.planner.ends import SHORTEST, WASTE, floored, reach_of, remaining, remaining_of, soft_ends
from vmdirac_py.planner.lengths import Lengths

LENGTHS = st.floats(0.0, 1e7)


@given(LENGTHS, st.integers(3, 512))
def test_reach_and_remaining_are_inverse(seconds: float, cores: int) -> None:
    """What a VM reaches tells how long its jobs run on."""
    assert remaining_of(reach_of(seconds, cores), cores) == pytest.approx(seconds)


@given(LENGTHS, st.integers(3, 512))
def test_a_job_within_reach_wastes_at_most_its_own_work_twice(seconds: float, cores: int) -> None:
    """The longest job a VM takes prolongs it by `WASTE` times its own core-seconds, no more."""
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


def softened(build: Any, seconds: float, soft_end: float) -> list[float]:
    """The soft end that one VM gets whose jobs run on for so long, in seconds from now."""
    vm = build.vm(build.pool(cores=8), soft_end=soft_end)
    snapshot = build.snapshot([build.pool()], [], [vm])
    return [one.until and one.until - build.AT for one in soft_ends(snapshot, {0: seconds})]


def test_a_soft_end_is_as_far_as_the_vm_reaches(build: Any) -> None:
    """Eight cores whose jobs run for 600 s take what runs for 800 s."""
    assert softened(build, 600.0, 0.0) == [pytest.approx(800.0)]


def test_soft_ends_are_told_only_when_they_change(build: Any) -> None:
    """Not for a tenth of the way, nor for less than a minute."""
    assert softened(build, 6000.0, build.AT + 8700.0) == []
    assert softened(build, 6000.0, build.AT + 8900.0) == [pytest.approx(8000.0)]
    assert softened(build, 60.0, build.AT + 130.0) == []


def test_an_empty_vm_has_none(build: Any) -> None:
    """Nor one nobody knows; a soft end such a VM had is taken away, once."""
    for seconds in (0.0, inf):
        assert softened(build, seconds, build.AT + 100.0) == [0.0]
        assert softened(build, seconds, 0.0) == []


def test_a_vm_runs_as_long_as_its_longest_payload(build: Any) -> None:
    """And without end, for all we know, while it runs one that nobody told us of."""
    pool, lengths = build.pool(), Lengths()
    short, long = (Run("ann", "vo_user", build.AT - 60, 1, asked) for asked in (360, 86_400))
    busy = build.vm(pool, busy=2)
    assert remaining(busy, lengths, build.AT) == inf
    both = remaining(replace(busy, runs=(short, long)), lengths, build.AT)
    assert both == remaining(replace(busy, runs=(long,), busy_slots=1), lengths, build.AT)
    assert remaining(replace(busy, runs=(short,), busy_slots=1), lengths, build.AT) < both
    assert remaining(build.vm(pool), lengths, build.AT) == 0.0
