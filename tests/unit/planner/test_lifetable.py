"""Life tables."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vmdirac_py.planner.lifetable import BINS, EDGES, NONE, UNKNOWN, Counts, LifeTable, bin_of, hazards, life_table

AGES = st.floats(0.0, EDGES[-1])
COUNTS = st.lists(st.floats(0.0, 1000.0), min_size=BINS, max_size=BINS).map(tuple)
CAPS = st.one_of(st.just(0.0), st.floats(1.0, EDGES[-1]))
CHANCES = st.builds(hazards, COUNTS, COUNTS, st.just(UNKNOWN), CAPS)
TABLES = st.builds(life_table, CHANCES)


@given(AGES)
def test_an_age_lies_in_its_bin(age: float) -> None:
    """Bins are half open, the last one takes what is older than all."""
    at = bin_of(age)
    assert EDGES[at] <= age * (1 + 1e-9)
    assert age <= EDGES[at + 1] * (1 + 1e-9)


@given(CHANCES)
def test_hazards_are_chances(chances: Counts) -> None:
    """Whatever was counted, each is between 0 and 1."""
    assert len(chances) == BINS
    assert all(0.0 <= chance <= 1.0 for chance in chances)


@given(TABLES, AGES, st.floats(0.0, 1e7))
def test_what_is_left_is_never_negative(table: LifeTable, age: float, within: float) -> None:
    """At no age; and the chance to end within some time is a chance."""
    assert table.remaining(age) >= 0.0
    assert -1e-9 <= table.ends_within(age, within) <= 1.0


@given(TABLES)
def test_a_longer_age_never_shortens_the_expected_end(table: LifeTable) -> None:
    """Who has run for longer is expected to end later, counted from the start, or at the same time."""
    reached = [(age, left) for age, left, share in zip(EDGES, table.left, table.share, strict=True) if share > 1e-6]
    ends = [age + left for age, left in reached]
    assert all(later >= earlier * (1 - 1e-6) for earlier, later in pairwise(ends))


@given(COUNTS, st.floats(1.0, EDGES[-1]))
def test_nobody_outlives_the_requested_time(ended: Counts, cap: float) -> None:
    """To the precision of the bins, whatever was counted before."""
    table = life_table(hazards(ended, NONE, UNKNOWN, cap))
    assert table.left[0] <= EDGES[bin_of(cap) + 1]
    assert table.ends_within(0.0, EDGES[bin_of(cap) + 1]) == pytest.approx(1.0)


def test_what_is_known_outweighs_the_wider_kind() -> None:
    """A thousand payloads that ended within 30 s leave little doubt; a few leave much."""
    few, many = (life_table(hazards((number, *NONE[1:]), NONE, UNKNOWN)).ends_within(0.0, 30.0) for number in (2, 1000))
    assert UNKNOWN[0] < few < many
    assert many > 0.99


def test_what_still_runs_counts_as_having_come_so_far() -> None:
    """Payloads that run make their kind look longer, though none of them has ended."""
    ended = (10.0, *NONE[1:])
    running = (*NONE[:5], 10.0, *NONE[6:])
    assert life_table(hazards(ended, running, UNKNOWN)).left[0] > life_table(hazards(ended, NONE, UNKNOWN)).left[0]
