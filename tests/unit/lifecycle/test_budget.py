import itertools

from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from vmdirac_py.lifecycle.budget import (
    ENDPOINT_BACKOFF,
    LONGEST_BACKOFF,
    POOL_BACKOFF,
    UNLIMITED,
    Budget,
    after,
    allow,
)
from vmdirac_py.model.batch import ErrorClass
from vmdirac_py.model.plan import Outcome

REFUSED = Outcome(1, 1000.0, "cloud", "pool", 0, 5, ErrorClass.UNAVAILABLE)
TAKEN = Outcome(2, 2000.0, "cloud", "pool", 1, 0, None)


def count(budget: Budget, wanted: int, at: float, in_flight: int = 0) -> int:
    """How many may be asked for."""
    return allow(budget, wanted, at, scope="cloud", in_flight=in_flight)[0]


def test_a_healthy_endpoint_is_unlimited() -> None:
    """Without failures the budget binds nobody."""
    assert allow(UNLIMITED, 500, 0.0, scope="cloud", in_flight=100) == (500, None)


def test_a_refusal_waits_then_allows_one_probe() -> None:
    """After one failure: nothing for 60 s, then exactly one VM."""
    budget = after(UNLIMITED, REFUSED, ENDPOINT_BACKOFF)
    assert (count(budget, 9, 1059.9), count(budget, 9, 1060.0)) == (0, 1)


def test_a_probe_in_flight_forbids_the_next() -> None:
    """While an answer is out, nothing more is asked for."""
    budget = after(UNLIMITED, REFUSED, ENDPOINT_BACKOFF)
    assert count(budget, 9, 1060.0, in_flight=1) == 0


def test_backoff_doubles_up_to_half_an_hour() -> None:
    """60, 120, 240 ... 1800 s."""
    budget, at, waits = UNLIMITED, 1000.0, []
    for _ in range(8):
        budget = after(budget, replace(REFUSED, at=at), ENDPOINT_BACKOFF)
        waits.append(budget.not_before - at)
        at = budget.not_before
    assert waits == [60.0, 120.0, 240.0, 480.0, 960.0, 1800.0, 1800.0, 1800.0]


def test_a_burst_of_refusals_counts_once() -> None:
    """Fifty pools refused at the same moment are one failure of the endpoint."""
    budget = UNLIMITED
    for n in range(50):
        budget = after(budget, replace(REFUSED, at=1000.0 + n / 100), ENDPOINT_BACKOFF)
    assert (budget.failures, budget.not_before) == (1, 1060.0)


def test_success_doubles_until_unlimited() -> None:
    """A cloud that answers again is trusted step by step: 1, 2, 4 ... unlimited."""
    budget = after(UNLIMITED, REFUSED, ENDPOINT_BACKOFF)
    seen = []
    while budget != UNLIMITED:
        seen.append(budget.allowance)
        budget = after(budget, TAKEN, ENDPOINT_BACKOFF)
    assert seen == [1, 2, 4, 8, 16, 32, 64]


def test_wrong_credentials_wait_longer() -> None:
    """An AUTH failure needs a person, so it is tried every ten minutes at most."""
    assert after(UNLIMITED, replace(REFUSED, error_class=ErrorClass.AUTH), ENDPOINT_BACKOFF).not_before == 1600.0


def test_a_bad_request_concerns_its_pool_alone() -> None:
    """One misconfigured pool does not stop its endpoint."""
    wrong = replace(REFUSED, error_class=ErrorClass.BAD_REQUEST)
    assert after(UNLIMITED, wrong, ENDPOINT_BACKOFF) == UNLIMITED
    assert after(UNLIMITED, wrong, POOL_BACKOFF).not_before == 1060.0


@given(
    steps=st.lists(st.floats(0.1, 90.0), min_size=1, max_size=200),
    errors=st.lists(st.sampled_from(sorted(ENDPOINT_BACKOFF)), min_size=1),
    pools=st.integers(1, 50),
)
def test_a_refusing_cloud_sees_one_call_a_minute(steps: list[float], errors: list[ErrorClass], pools: int) -> None:
    """However many pools want VMs and however often they are planned, calls are at least 60 s apart."""
    budget = after(UNLIMITED, REFUSED, ENDPOINT_BACKOFF)
    at, calls = REFUSED.at, [REFUSED.at]
    for n, step in enumerate(steps):
        at += step
        granted = count(budget, pools, at)
        assert granted <= 1
        if granted:
            calls.append(at)
            outcome = Outcome(n, at, "cloud", "pool", 0, granted, errors[n % len(errors)])
            budget = after(budget, outcome, ENDPOINT_BACKOFF)
    gaps = [later - earlier for earlier, later in itertools.pairwise(calls)]
    assert all(60.0 - 1e-6 <= gap <= LONGEST_BACKOFF + 90.0 for gap in gaps)


STILLBORN = Outcome(3, 1000.0, "cloud", "pool", 0, 1, ErrorClass.STILLBORN, booted=True)
RAN = Outcome(4, 2000.0, "cloud", "pool", 1, 0, None, booted=True)


def test_a_vm_that_never_ran_puts_its_pool_on_probation() -> None:
    """The pool waits and then probes with one VM; the endpoint, which did what was asked, is not blamed."""
    budget = after(UNLIMITED, STILLBORN, POOL_BACKOFF)
    assert (count(budget, 9, 1059.9), count(budget, 9, 1060.0)) == (0, 1)
    assert after(UNLIMITED, STILLBORN, ENDPOINT_BACKOFF) == UNLIMITED


def test_only_a_vm_that_runs_ends_that_probation() -> None:
    """A create call that succeeds proves nothing after stillborn VMs, so the back-off goes on growing."""
    budget = after(UNLIMITED, STILLBORN, POOL_BACKOFF)
    assert after(budget, TAKEN, POOL_BACKOFF) == budget
    again = after(budget, replace(STILLBORN, at=1060.0), POOL_BACKOFF)
    assert again.not_before == 1060.0 + 120.0
    assert count(after(budget, RAN, POOL_BACKOFF), 9, 2000.0) == 2
