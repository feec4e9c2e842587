from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vmdirac_py.worker.policy import (
    IDLENESS,
    MAY_BE_KEPT,
    POLICIES,
    RULES,
    State,
    Terms,
    asking,
    closing,
    code,
    decide,
    due,
    ending,
    terms,
)

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


def chosen(*policies: str, **numbers: float) -> State:
    """Return a VM that has been idle for ten minutes of its first hour, under these policies."""
    return IDLE._replace(seconds_left=9999.0 - 3600.0, terms=Terms(policies)._replace(**numbers))


def test_no_cpu_needs_no_jobs_count() -> None:
    """A machine that has been quiet for the period stops, also where nobody counted jobs; with a payload it stays."""
    quiet = chosen("no_cpu", quiet_seconds=900.0)._replace(quiet_seconds=900.0, failed_matches=0, idle_seconds=0.0)
    assert decide(quiet) == "no_cpu"
    assert decide(quiet._replace(quiet_seconds=899.0)) == ""
    assert decide(quiet._replace(busy=1)) == ""


def test_failed_matches_count() -> None:
    """After so many requests in vain a VM stops, however short that took."""
    asked = chosen("failed_matches", failed_matches=5)._replace(idle_seconds=1.0, failed_matches=5)
    assert decide(asked) == "failed_matches"
    assert decide(asked._replace(failed_matches=4)) == ""


def test_soft_end_lets_payloads_end() -> None:
    """From its soft end on a VM takes no more jobs and stops once it is empty; max_life bounds it no earlier."""
    old = chosen("soft_end", soft_life=3600.0)
    assert closing(old._replace(busy=1))
    assert decide(old._replace(busy=1)) == ""
    assert decide(old) == "soft_end"
    young = old._replace(seconds_left=old.seconds_left + 1)
    assert (closing(young), decide(young)) == (False, "")


@pytest.mark.parametrize(("lived", "goes"), [(3299, ""), (3300, "idle"), (3599, "idle"), (3600, ""), (6900, "idle")])
def test_an_idle_vm_uses_up_what_is_paid_for(lived: float, goes: str) -> None:
    """With `billing_boundary` an idle VM goes in the last five minutes of a paid hour, and stays before."""
    state = chosen("no_jobs", "billing_boundary")._replace(seconds_left=9999.0 - lived)
    assert decide(state) == goes


def test_the_billing_boundary_alone_ends_what_is_empty_then() -> None:
    """Without another policy an empty VM goes at the boundary, however short it has been empty."""
    state = chosen("billing_boundary")._replace(seconds_left=9999.0 - 3500.0, idle_seconds=1.0)
    assert decide(state) == "billing_boundary"
    assert decide(state._replace(busy=1)) == ""


def test_never_obeys_commands_alone() -> None:
    """A VM that never stops by itself still drains, halts, and gives up when nobody is heard."""
    lasting = chosen("never")._replace(quiet_seconds=1e6, failed_matches=1000, seconds_left=-1.0)
    assert decide(lasting) == ""
    assert decide(lasting._replace(draining=True)) == "drained"
    assert decide(lasting._replace(silent_seconds=10.0, dead_man=10.0)) == "unheard"


def test_the_dead_man_waits_for_payloads_not_for_delivery() -> None:
    """Unheard for too long a VM takes no more jobs, and goes when its payloads have ended."""
    silent = IDLE._replace(silent_seconds=172800.0, dead_man=172800.0, undelivered=3)
    assert decide(silent) == "unheard"
    assert closing(silent._replace(busy=1))
    assert decide(silent._replace(busy=1)) == ""
    assert not closing(silent._replace(silent_seconds=172799.0))


@pytest.mark.parametrize("told", [{"policies": ["sometimes"]}, {"sometimes": 1}])
def test_unknown_terms(told: dict[str, object]) -> None:
    """A policy or term nobody knows is refused by name."""
    with pytest.raises(ValueError, match="sometimes"):
        terms(told)


def test_terms_left_out_are_as_by_default() -> None:
    """What is not told, or told as null, is as it always was."""
    assert terms({}) == Terms()
    assert terms({"soft_life": None, "policies": ["no_cpu"]}) == Terms(("no_cpu",))


def test_every_reason_has_its_code() -> None:
    """HEPiX codes: asked to stop or no time left 100, done 200, nothing to do 300, environment 500, else 700."""
    codes = {rule.reason: (code(rule.reason, worked=True), code(rule.reason, worked=False)) for rule in RULES}
    assert {reason: codes[reason] for reason in ("drained", "halted", "end_of_life", "soft_end")} == {
        "drained": (100, 100), "halted": (100, 100), "end_of_life": (100, 100), "soft_end": (100, 100)
    }  # fmt: skip
    assert {codes[reason] for reason in MAY_BE_KEPT} == {(200, 300)}
    assert (codes["error"], code("environment", worked=False)) == ((700, 700), 500)


def test_requests_in_vain_take_their_time() -> None:
    """Waits between requests double from one second to twenty, or to a shorter heartbeat."""
    assert [asking(number, 60.0) for number in range(1, 9)] == [0, 1, 3, 7, 15, 31, 51, 71]
    assert asking(5, 0.5) == 2.0


flags = st.booleans()
seconds = st.floats(0, 1e4)
some_terms = st.builds(
    Terms,
    policies=st.sets(st.sampled_from(POLICIES)).map(lambda names: tuple(sorted(names))),
    quiet_seconds=seconds,
    failed_matches=st.integers(1, 3),
    soft_life=seconds,
    billing_seconds=st.floats(60, 1e4),
)
states = st.builds(
    State,
    busy=st.integers(0, 3),
    undelivered=st.integers(0, 3),
    failed_matches=st.integers(0, 3),
    idle_seconds=seconds,
    idle_limit=seconds,
    seconds_left=st.floats(-1e3, 1e4),
    max_life=st.floats(1, 1e5),
    draining=flags,
    halted=flags,
    expired=flags,
    broken=flags,
    gone=flags,
    quiet_seconds=seconds,
    silent_seconds=seconds,
    dead_man=seconds,
    terms=some_terms,
)


@given(states)
def test_only_a_halt_stops_running_payloads(state: State) -> None:
    """A halt, or news that it is no more, always stops; nothing else ever stops a VM with a running payload."""
    assert decide(state._replace(halted=True, gone=False)) == "halted"
    assert decide(state._replace(gone=True)) == "gone"
    assert decide(state._replace(halted=False, gone=False, busy=1)) == ""


@given(states)
def test_want_of_work_never_loses_a_report(state: State) -> None:
    """No policy stops a VM whose reports the manager has not got; only commands and silence do."""
    reason = decide(state._replace(undelivered=1))
    assert reason in {"", "gone", "halted", "expired", "unheard"}


@given(states, st.sampled_from(POLICIES))
def test_policies_combine(state: State, policy: str) -> None:
    """One more policy never keeps a VM that would go, but for the billing boundary, which lets it wait."""
    more = state._replace(terms=state.terms._replace(policies=(*state.terms.policies, policy)))
    if decide(state) and policy != "billing_boundary":
        # The boundary alone ends what is empty; beside a policy for want of work it is but a condition.
        alone = policy in IDLENESS and decide(state) == "billing_boundary"
        assert decide(more) or alone


@given(states, st.floats(0, 1))
def test_nothing_begins_to_hold_before_it_is_due(state: State, share: float) -> None:
    """Between now and the next due moment time alone ends no VM, so that sleeping until then is safe."""
    if decide(state):
        return
    passed = min(due(state), 1e4) * share * 0.999
    later = state._replace(
        idle_seconds=state.idle_seconds + passed,
        quiet_seconds=state.quiet_seconds + passed,
        silent_seconds=state.silent_seconds + passed,
        seconds_left=state.seconds_left - passed,
    )
    assert decide(later) == ""
