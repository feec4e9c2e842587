"""Expected lengths and soft ends."""

from __future__ import annotations

import pytest
from vmdirac_py.planner.expected import ends_by, expected

from vmdirac_py.model.queue import Shape, TaskQueue
from vmdirac_py.planner.memory import Memory

HOUR = TaskQueue("tq-1", "astro", "ann", "astro_user", Shape(cpu_seconds=3600), 1.0, waiting=1, oldest=0.0)
LENGTH = expected(Memory(), "astro", "ann", 3600)


def test_a_job_nothing_is_known_of_lasts_no_longer_than_it_asked_for() -> None:
    """And no longer than that: the request bounds the first expectation."""
    assert 0 < expected(Memory(), "astro", "ann", 3600) <= 3600


@pytest.mark.parametrize(
    ("soft_end", "ends"), [(0.0, True), (5000 + LENGTH, True), (4999 + LENGTH, False), (4000.0, False)]
)
def test_a_job_must_end_by_the_soft_end(soft_end: float, *, ends: bool) -> None:
    """Up to the second; without a soft end any does, and after it none."""
    assert ends_by(Memory(), HOUR, soft_end, at=5000.0) is ends
