from collections import Counter
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from vmdirac_py.model.plan import Action, Decision, Placement, Plan, PoolNote
from vmdirac_py.model.reason import Reason
from vmdirac_py.planner.difference import Difference, difference, reasons_of
from vmdirac_py.planner.memory import Memory
from vmdirac_py.planner.step import step

AT = 1_800_000_000.0
REASONS = st.builds(lambda code, jobs: Reason.of(code, jobs=jobs), st.sampled_from("ab"), st.integers(0, 2))
VMS = st.sets(st.sampled_from(["vm-1", "vm-2", "vm-3"]), min_size=1)
POOLS = st.sampled_from(["p", "q"])


def launch(pool: str, count: int, reason: Reason) -> Decision:
    """A launch on a pool of VO `vo`."""
    return Decision(Action.LAUNCH, "e", pool, "vo", count, reason)


def drain(pool: str, vms: set[str], reason: Reason) -> Decision:
    """A drain of these VMs."""
    return Decision(Action.DRAIN, "e", pool, "vo", len(vms), reason, tuple(sorted(vms)))


DECISIONS = st.one_of(st.builds(launch, POOLS, st.integers(1, 4), REASONS), st.builds(drain, POOLS, VMS, REASONS))
PLACEMENTS = st.builds(
    lambda name, numbers, held, reasons: Placement(name, "vo", *numbers, tuple(reasons), held),
    st.sampled_from("xyz"),
    st.tuples(*[st.integers(0, 3)] * 4),
    st.integers(0, 3),
    st.lists(REASONS, max_size=3),
)
NOTES = st.builds(lambda pool, reasons: PoolNote(pool, tuple(reasons)), POOLS, st.lists(REASONS, max_size=3))
PLANS = st.builds(
    lambda decisions, placements, notes: Plan(AT, tuple(decisions), tuple(placements), tuple(notes)),
    st.lists(DECISIONS, max_size=5),
    st.lists(PLACEMENTS, max_size=3, unique_by=lambda one: one.queue),
    st.lists(NOTES, max_size=2, unique_by=lambda one: one.pool),
)
Outline = tuple[dict[Any, int], dict[Action, set[tuple[str, str]]], dict[str, Placement], dict[str, Counter[Reason]]]


def outline(plan: Plan) -> Outline:
    """All that a difference speaks of."""
    counts: Counter[Any] = Counter()
    vms: dict[Action, set[tuple[str, str]]] = {Action.DRAIN: set()}
    for one in plan.decisions:
        counts[one.action, one.pool] += one.count
        vms[Action.DRAIN] |= {(one.pool, vm) for vm in one.vms}
    places = {one.queue: replace(one, reasons=()) for one in plan.placements}
    return dict(counts), vms, places, {name: found for name, found in reasons_of(plan).items() if found}


def applied(made: Outline, other: Difference) -> Outline:
    """The outline after a difference was put upon it."""
    counts, vms, places, reasons = made
    for one in other.actions:
        assert counts.pop((one.action, one.pool), 0) == one.before
        counts |= {(one.action, one.pool): one.after} if one.after else {}
        assert vms[Action.DRAIN] >= {(one.pool, vm) for vm in one.went}
        vms[Action.DRAIN] -= {(one.pool, vm) for vm in one.went}
        vms[Action.DRAIN] |= {(one.pool, vm) for vm in one.came}
    for shift in other.queues:
        assert places.pop(shift.queue, None) == shift.before
        places |= {shift.queue: shift.after} if shift.after else {}
    for told in other.reasons:
        held = reasons.setdefault(told.subject, Counter())
        held.subtract([told.before] if told.before else [])
        held.update([told.after] if told.after else [])
    return counts, vms, places, {name: +found for name, found in reasons.items() if +found}


@given(PLANS)
def test_a_plan_does_not_differ_from_itself(plan: Plan) -> None:
    """Nothing is told of two equal plans."""
    assert not difference(plan, plan)


@given(PLANS, PLANS)
def test_a_plan_and_the_difference_give_the_other(before: Plan, after: Plan) -> None:
    """Nothing of what differs is left out, and nothing is invented."""
    assert applied(outline(before), difference(before, after)) == outline(after)


@given(PLANS, PLANS)
def test_only_equal_outlines_have_no_difference(before: Plan, after: Plan) -> None:
    """An empty difference means what it says."""
    assert bool(difference(before, after)) == (outline(before) != outline(after))


def test_a_reason_with_another_number_changed() -> None:
    """It is told once, with both, not as one that went and one that came."""
    old, new = (Plan(AT, (launch("p", n, Reason.of("launch.demand", jobs=n)),), (), ()) for n in (3, 5))
    (told,) = difference(old, new).reasons
    assert (told.subject, told.before, told.after) == (
        "launch:p",
        Reason.of("launch.demand", jobs=3),
        Reason.of("launch.demand", jobs=5),
    )


def test_a_limit_is_seen_in_all_three(build: Any) -> None:
    """A pool that may have fewer VMs launches fewer, leaves jobs without place, and says why."""
    free = step(build.snapshot([build.pool()], [build.queue(80)]), Memory())[0]
    tight = step(build.snapshot([build.pool(max_vms=4)], [build.queue(80)]), Memory())[0]
    found = difference(free, tight)
    assert [(one.pool, one.before, one.after) for one in found.actions] == [("p", 10, 4)]
    (shift,) = found.queues
    assert shift.after is not None
    assert shift.after.unplaced == 48
    assert "limit.pool_vms" in {one.after.code for one in found.reasons if one.after}
