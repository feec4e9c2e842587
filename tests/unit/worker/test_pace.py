"""When the pilot asks again, and when it gives up."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from vmdirac_py.worker.pace import Fitness, Pace


@pytest.fixture
def pace(monkeypatch: pytest.MonkeyPatch) -> Pace:
    """Return a pace on a clock that stands still."""
    monkeypatch.setattr("vmdirac_py.worker.pace.time", SimpleNamespace(monotonic=lambda: 0.0))
    return Pace()


def _wait(pace: Pace) -> float:
    pace.later()
    return pace.pause


def test_waits_grow_and_are_capped(pace: Pace) -> None:
    """After failures the pilot waits 1, 2, 4 ... at most 20 seconds, and never more than a heartbeat's period."""
    assert [_wait(pace) for _ in range(7)] == [1.0, 2.0, 4.0, 8.0, 16.0, 20.0, 20.0]
    pace.limit(3.0)
    assert _wait(pace) == 3.0


def test_a_match_begins_with_short_waits_again(pace: Pace) -> None:
    """There are jobs for this VM: the next "nothing" is waited for as if it were the first."""
    for _ in range(4):
        pace.unmatched()
    assert pace.failed_matches == 4
    pace.matched()
    assert (pace.failed_matches, _wait(pace)) == (0, 1.0)


def test_a_freed_slot_is_no_wait(pace: Pace) -> None:
    """Whatever was to be waited for, the next question is asked now."""
    pace.later()
    pace.at_once()
    assert pace.pause <= 0
    assert pace.failed_matches == 0


def test_three_in_a_row_are_enough() -> None:
    """A payload that ran clears the count; three that could not begin end it, by the last one's words."""
    fitness = Fitness()
    for minor in ("one", "two"):
        fitness.note(minor)
    fitness.note("")
    for minor in ("three", "four"):
        fitness.note(minor)
    assert not fitness.broken
    fitness.note("no room")
    assert fitness.broken == "3 payloads in a row could not begin: no room"
