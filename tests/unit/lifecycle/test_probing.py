import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from vmdirac_py.lifecycle.budget import POOL_BACKOFF, UNLIMITED, Budget, after
from vmdirac_py.lifecycle.probing import STEADY, Pace, paced, probe_room, probes
from vmdirac_py.model.batch import ErrorClass
from vmdirac_py.model.plan import Outcome

REFUSED = Outcome(1, 1000.0, "cloud", "pool", 0, 1, ErrorClass.BAD_REQUEST)
TAKEN = Outcome(2, 2000.0, "cloud", "pool", 1, 0, None)
STILLBORN = replace(REFUSED, error_class=ErrorClass.STILLBORN, booted=True)
OF_CALLS = sorted(set(ErrorClass) - {ErrorClass.STILLBORN, ErrorClass.NO_MATCH})


def room(pace: Pace, at: float, last_probe: float = 0.0, in_flight: int = 0) -> int:
    """How many probes may be sent."""
    return probe_room(pace, at, last_probe=last_probe, in_flight=in_flight, endpoint="cloud")[0]


@pytest.mark.parametrize("error", OF_CALLS)
def test_after_a_failure_of_any_class_a_probe_waits_a_minute(error: ErrorClass) -> None:
    """Whatever went wrong, the next try at the endpoint is 60 s later, and one VM."""
    pace = paced(STEADY, replace(REFUSED, error_class=error))
    assert (room(pace, 1059.9), room(pace, 1060.0)) == (0, 1)


def test_who_proved_nothing_probes() -> None:
    """After a failure, pools that run no VM probe, and those whose own last try failed; others do not."""
    pace, refused = paced(STEADY, REFUSED), after(UNLIMITED, REFUSED, POOL_BACKOFF)
    assert probes(pace, UNLIMITED, proved=False)
    assert not probes(pace, UNLIMITED, proved=True)
    assert probes(pace, refused, proved=True)
    assert not probes(STEADY, UNLIMITED, proved=False)


def test_a_success_ends_what_it_disproves() -> None:
    """A create call that works ends refusals, only a VM that runs ends stillborn ones; the minute stays."""
    assert paced(paced(STEADY, REFUSED), TAKEN) == Pace(1000.0)
    dead = paced(STEADY, STILLBORN)
    assert paced(dead, TAKEN) == dead
    assert paced(dead, replace(TAKEN, booted=True)) == Pace(1000.0)


def test_one_probe_at_a_time() -> None:
    """While one is in flight, or less than a minute old, no other is sent."""
    assert room(STEADY, 1000.0, in_flight=1) == 0
    assert (room(STEADY, 1059.0, last_probe=1000.0), room(STEADY, 1060.0, last_probe=1000.0)) == (0, 1)


def test_a_clock_set_back_shuts_nobody_out() -> None:
    """A failure in the future says nothing about now."""
    assert room(Pace(9_000_000.0, ErrorClass.BAD_REQUEST), 1000.0) == 1


@given(
    steps=st.lists(st.floats(0.1, 50.0), min_size=1, max_size=150),
    pools=st.integers(1, 40),
    errors=st.lists(st.sampled_from(OF_CALLS), min_size=1),
)
def test_many_bad_pools_cost_one_call_a_minute(steps: list[float], pools: int, errors: list[ErrorClass]) -> None:
    """However many pools are wrong, each in its own way, the endpoint sees one call a minute after the first."""
    pace, budgets = paced(STEADY, REFUSED), dict.fromkeys(range(pools), UNLIMITED)
    at, calls = REFUSED.at, [REFUSED.at]
    for n, seconds in enumerate(steps):
        at += seconds
        pool = _next(budgets, pace, at)
        if pool is not None and room(pace, at):
            calls.append(at)
            outcome = replace(REFUSED, at=at, error_class=errors[n % len(errors)])
            pace, budgets[pool] = paced(pace, outcome), after(budgets[pool], outcome, POOL_BACKOFF)
    assert all(later - earlier >= 60.0 - 1e-6 for earlier, later in itertools.pairwise(calls))


def _next(budgets: dict[int, Budget], pace: Pace, at: float) -> int | None:
    for pool, budget in budgets.items():
        assert probes(pace, budget, proved=False)
        if at >= budget.not_before:
            return pool
    return None
