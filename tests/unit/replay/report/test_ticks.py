"""Marks of axes, and numbers in few letters."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vmdirac_py.replay.report import ticks


@given(st.floats(-1e9, 1e9), st.floats(0, 1e12))
def test_an_axis_holds_its_values(low: float, width: float) -> None:
    """All values lie, but for a millionth of it, between the first and the last of a handful of marks."""
    axis = ticks.numbers(low, low + width)
    nothing = 1e-6 * (axis.high - axis.low)
    assert axis.low <= low + nothing
    assert axis.high >= low + width - nothing
    assert 2 <= len(axis.marks) <= 9
    assert list(axis.marks) == sorted(axis.marks)


@given(st.floats(0, 1e9))
def test_time_has_a_handful_of_marks(end: float) -> None:
    """Whatever the length, time has some marks, all within it, and no two with one label."""
    axis = ticks.time(end)
    labels = [axis.label(mark) for mark in axis.marks]
    assert 2 <= len(labels) <= 11
    assert len(set(labels)) == len(labels)
    assert axis.marks[-1] <= axis.high


@pytest.mark.parametrize(
    ("end", "unit", "second"), [(1800, "hours", "0.1"), (12 * 3600, "hours", "2"), (7 * 86400, "days", "1")]
)
def test_time_is_told_in_hours_or_days(end: float, unit: str, second: str) -> None:
    """Hours up to three days, days beyond, at round numbers."""
    axis = ticks.time(end)
    assert (axis.unit, axis.label(axis.marks[1])) == (unit, second)


@pytest.mark.parametrize(
    ("value", "told"), [(0, "0"), (0.25, "0.25"), (2500, "2500"), (12500, "12.5k"), (2e6, "2M"), (3e9, "3G")]
)
def test_large_numbers_are_short(value: float, told: str) -> None:
    """Numbers from ten thousand on are told in k, M or G."""
    assert ticks.compact(value) == told


@pytest.mark.parametrize(
    ("seconds", "told"), [(0, "0 s"), (105, "105 s"), (400, "6.67 min"), (7200, "2 h"), (2e5, "2.31 d")]
)
def test_durations_read_well(seconds: float, told: str) -> None:
    """A duration is told in the largest unit of which it has two."""
    assert ticks.span(seconds) == told
