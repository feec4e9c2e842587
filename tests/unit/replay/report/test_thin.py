"""Curves in as many columns as a picture has."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vmdirac_py.replay.report.thin import thinned

STEPS = st.lists(st.tuples(st.floats(0, 1000), st.integers(0, 5000)), max_size=30)


@given(STEPS, st.integers(1, 50))
def test_areas_stay(steps: list[tuple[float, int]], columns: int) -> None:
    """The area under a curve is the same in any number of columns."""
    at, values = sorted(time for time, _ in steps), [value for _, value in steps]
    ends = [*at[1:], 1000.0]
    area = sum(value * (stop - start) for start, stop, value in zip(at, ends, values, strict=False))
    means = thinned(at, values, end=1000.0, columns=columns)
    assert sum(means) * 1000.0 / columns == pytest.approx(area, rel=1e-6, abs=1e-6)


def test_a_column_is_a_mean() -> None:
    """A value counts in a column by how long it held there, the last one to the end."""
    assert thinned([0, 15, 20], [4, 8, 2], end=40, columns=4) == pytest.approx([4, 6, 2, 2])
