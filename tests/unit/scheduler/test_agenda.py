"""When the scheduler plans."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from vmdirac_py.planner.cadence import GAP
from vmdirac_py.scheduler.agenda import Agenda

CYCLE = 60.0
WAITS = st.floats(0, 30)


def planned_at(at: float) -> Agenda:
    """Return the agenda after a plan."""
    agenda = Agenda(CYCLE)
    agenda.plan(at)
    return agenda


def test_the_first_plan_is_due_at_once() -> None:
    """A scheduler that just started has seen nothing."""
    assert Agenda(CYCLE).due < 0


def test_without_events_a_plan_comes_each_cycle() -> None:
    """The longest time between two plans counts from the last one."""
    agenda = planned_at(1000.0)
    assert (agenda.due, agenda.gathering) == (1000.0 + CYCLE, False)


def test_an_event_is_gathered_with_what_comes_after_it() -> None:
    """The wait counts from the first event; later ones, that may wait as long, do not put it off."""
    agenda = planned_at(1000.0)
    for at in (1010.0, 1015.0, 1019.0):
        agenda.happened(at, waits=10.0)
    assert (agenda.due, agenda.gathering) == (1020.0, True)


def test_what_cannot_wait_is_planned_at_once() -> None:
    """An event that may not wait brings those that might with it, whichever came first."""
    agenda = planned_at(1000.0)
    agenda.happened(1010.0, waits=10.0)
    agenda.happened(1012.0, waits=0.0)
    agenda.happened(1013.0, waits=30.0)
    assert agenda.due == 1012.0


@given(st.lists(st.tuples(st.floats(0, 200), WAITS), max_size=5))
def test_plans_keep_their_distance(events: list[tuple[float, float]]) -> None:
    """Never sooner than the gap after the last plan, never later than a cycle."""
    agenda = planned_at(1000.0)
    for after, waits in events:
        agenda.happened(1000.0 + after, waits)
    assert 1000.0 + GAP <= agenda.due <= 1000.0 + CYCLE


def test_a_plan_sees_all_that_happened() -> None:
    """After it nothing is gathered; one that did not count is made again at once."""
    agenda = planned_at(1000.0)
    agenda.happened(1010.0, waits=10.0)
    agenda.plan(1020.0)
    assert agenda.due == 1020.0 + CYCLE
    agenda.at_once()
    assert agenda.due < 0
