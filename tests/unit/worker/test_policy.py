from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vmdirac_py.worker.policy import State, decide, ending

IDLE = State(
    busy=0, undelivered=0, failed_matches=3, idle_seconds=601.0, idle_limit=600.0, seconds_left=9000.0, max_life=9999.0
)


def test_idle_for_the_period_stops() -> None:
    """A VM without a payload for the whole period, whose matches failed, stops as idle."""
    assert decide(IDLE) == "idle"


@pytest.mark.parametrize(
    "change", [{"busy": 1}, {"idle_seconds": 599.0}, {"failed_matches": 0}, {"undelivered": 1}], ids=str
)
def test_not_idle(change: dict[str, float]) -> None:
    """A busy, recently busy, never refused or undelivered VM is not idle."""
    assert decide(IDLE._replace(**change)) == ""


def test_end_of_life_waits_for_payloads() -> None:
    """At the end of its life an empty VM stops; a payload that still runs is left to end."""
    old = IDLE._replace(seconds_left=0.0)
    assert decide(old) == "end_of_life"
    assert decide(old._replace(busy=1)) == ""


def test_the_margin_is_short_for_short_lives() -> None:
    """The margin is a minute, and for short lives a twentieth of the life."""
    assert ending(60.0, 86_400.0)
    assert not ending(61.0, 86_400.0)
    assert not ending(6.0, 100.0)


def test_drained_when_empty_and_delivered() -> None:
    """A draining VM stops once nothing runs and every report is delivered."""
    draining = IDLE._replace(draining=True)
    assert decide(draining) == "drained"
    assert decide(draining._replace(busy=1)) == ""
    assert decide(draining._replace(undelivered=1)) == ""


def test_expired_waits_for_payloads_not_for_delivery() -> None:
    """Without certificate and contact the VM ends after its payloads: nobody can be told any more."""
    expired = IDLE._replace(expired=True, undelivered=1)
    assert decide(expired) == "expired"
    assert decide(expired._replace(busy=1)) == ""


flags = st.booleans()
states = st.builds(
    State,
    busy=st.integers(0, 3),
    undelivered=st.integers(0, 3),
    failed_matches=st.integers(0, 3),
    idle_seconds=st.floats(0, 1e4),
    idle_limit=st.floats(0, 1e4),
    seconds_left=st.floats(-1e3, 1e4),
    max_life=st.floats(1, 1e5),
    draining=flags,
    halted=flags,
    expired=flags,
    broken=flags,
    gone=flags,
)


@given(states)
def test_only_a_halt_stops_running_payloads(state: State) -> None:
    """A halt, or news that it is no more, always stops; nothing else ever stops a VM with a running payload."""
    assert decide(state._replace(halted=True, gone=False)) == "halted"
    assert decide(state._replace(gone=True)) == "gone"
    assert decide(state._replace(halted=False, gone=False, busy=1)) == ""
