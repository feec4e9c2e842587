"""What holds in every world: nobody who works is disturbed for want of work, no cap is passed, one plan is enough."""

from __future__ import annotations

from collections import Counter
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from vmdirac_py.model.inventory import Pool
from vmdirac_py.model.plan import Plan, RetireOrder, Snapshot
from vmdirac_py.model.resources import Resources
from vmdirac_py.model.vm import Capacity, VmState
from vmdirac_py.planner.limits import occupies
from vmdirac_py.planner.memory import Memory
from vmdirac_py.planner.step import step

AT = 1_800_000_000.0
EMPTY_ONLY = {"retire.idle", "retire.no_cpu", "retire.no_match"}
HOURS = (0.0, 0.2, 1.0, 20.0)


@st.composite
def worlds(draw: st.DrawFn, build: Any) -> Snapshot:
    """Pools with every policy switched on, VMs of any age, idleness and image, and some waiting jobs."""
    pools = [draw(_pools(build, f"p{n}")) for n in range(draw(st.integers(1, 3)))]
    count = draw(st.integers(0, 25))
    fleet = tuple(draw(_capacities(build, f"vm{n}", draw(st.sampled_from(pools)))) for n in range(count))
    waiting = [
        build.queue(draw(st.integers(1, 30)), f"q{n}", min_cores=draw(st.sampled_from((1, 4)))) for n in range(2)
    ]
    queues = [replace(one, oldest=AT - draw(st.sampled_from((10.0, 5000.0)))) for one in waiting]
    order = RetireOrder("a", AT - 3600, AT + draw(st.sampled_from((-1.0, 3600.0))), 10, "ann")
    made = build.snapshot(pools, draw(st.sampled_from(([], queues[:1], queues))), fleet)
    drains = draw(st.one_of(st.none(), st.integers(0, 3)))
    endpoints = {name: replace(one, max_drains=drains) for name, one in made.inventory.endpoints.items()}
    orders = draw(st.sampled_from(((), (order,))))
    return replace(
        made,
        orders=orders,
        inventory=replace(made.inventory, endpoints=endpoints),
        endpoints=build.listed(made, AT - 5),
    )


@st.composite
def _pools(draw: st.DrawFn, build: Any, name: str) -> Pool:
    made: Pool = build.pool(
        name, draw(st.sampled_from((2, 8))), image=draw(st.sampled_from("ab")),
        drift=draw(st.sampled_from(("drain", "ignore"))),
        price=draw(st.sampled_from((0.0, 1.0, 2.0))), min_vms=draw(st.integers(0, 2)), priority=draw(st.integers(0, 1)),
        max_vms=draw(st.one_of(st.none(), st.integers(0, 12))), endpoint=draw(st.sampled_from(("e", "f"))),
    )  # fmt: skip
    return made


@st.composite
def _capacities(draw: st.DrawFn, build: Any, name: str, pool: Pool) -> Capacity:
    state = draw(st.sampled_from((VmState.RUNNING, VmState.RUNNING, VmState.RUNNING, *VmState)))
    busy = draw(st.integers(0, pool.resources.cores)) if state is VmState.RUNNING else 0
    made: Capacity = build.vm(
        pool, name, state, busy=busy, image=draw(st.sampled_from(("a", "b", ""))),
        created_at=AT - draw(st.sampled_from((600.0, 90_000.0, 14 * 86400.0 - 30))),
    )  # fmt: skip
    idle = 0.0 if busy else 3600 * draw(st.sampled_from(HOURS))
    return replace(
        made, idle_since=AT - idle if idle else 0.0, failed_matches=draw(st.sampled_from((0, 9))),
        cpu_load=draw(st.sampled_from((None, 0.0, 1.0))), load_since=AT - 3600 * draw(st.sampled_from(HOURS)),
    )  # fmt: skip


def _planned(snapshot: Snapshot, memory: Memory) -> tuple[Plan, Memory]:
    return step(snapshot, memory)


@settings(max_examples=200, deadline=None)
@given(data=st.data())
def test_what_retires(data: st.DataObject, build: Any) -> None:
    """No VM twice, none that works for want of work, none that cannot drain, and never more than the cap."""
    snapshot = data.draw(worlds(build))
    plan, _ = _planned(snapshot, Memory())
    fleet = {one.vm.id: one for one in snapshot.fleet}
    drained = [(vm, one.reason.code) for one in plan.decisions for vm in one.vms]
    assert len({vm for vm, _ in drained}) == len(drained)
    assert not any(fleet[vm].busy_slots for vm, code in drained if code in EMPTY_ONLY)
    assert {fleet[vm].vm.state for vm, _ in drained} <= {VmState.RUNNING, VmState.CONTEXTUALISING}
    counts = Counter(fleet[vm].vm.endpoint for vm, _ in drained)
    for name, count in counts.items():
        size = sum(occupies(one.vm) for one in snapshot.fleet if one.vm.endpoint == name)
        given_cap = snapshot.inventory.endpoints[name].max_drains
        assert count <= (max(5, size // 5) if given_cap is None else given_cap)


@settings(max_examples=200, deadline=None)
@given(data=st.data())
def test_an_idle_vm_goes_only_when_nobody_needs_it(data: st.DataObject, build: Any) -> None:
    """Where only empty VMs retire, the plan launches no more and places no fewer jobs than if they stayed."""
    snapshot = data.draw(worlds(build))
    plan, memory = _planned(snapshot, Memory())
    if {one.reason.code for one in plan.decisions if one.vms} <= {"retire.idle", "retire.no_cpu"}:
        held = {name: replace(one, max_drains=0) for name, one in snapshot.inventory.endpoints.items()}
        kept, _ = _planned(replace(snapshot, inventory=replace(snapshot.inventory, endpoints=held)), memory)
        before, after = build.launched(kept), build.launched(plan)
        assert all(count <= before.get(pool, 0) for pool, count in after.items())
        assert sum(one.unplaced for one in plan.placements) <= sum(one.unplaced for one in kept.placements)


@settings(max_examples=200, deadline=None)
@given(data=st.data())
def test_a_second_plan_drains_nothing_more(data: st.DataObject, build: Any) -> None:
    """Once carried out, the same moment wants nobody else gone."""
    snapshot = data.draw(worlds(build))
    plan, memory = _planned(snapshot, Memory())
    after = build.carried_out(snapshot, plan)
    assert build.drained(_planned(after, memory)[0]) == []


def test_worlds_make_every_policy_act(build: Any) -> None:
    """The properties above are about something: a resourceful world drains for several reasons at once."""
    pool, other = build.pool(image="b"), build.pool("other", image="b", drift="drain")
    idle = replace(build.vm(pool, "idle", image="b"), idle_since=AT - 9000)
    old = replace(build.vm(other, "old", image="a", busy=8), free=Resources())
    made = build.snapshot([pool, other], [], [idle, old])
    codes = {
        one.reason.code for one in _planned(replace(made, endpoints=build.listed(made, AT)), Memory())[0].decisions
    }
    assert {"retire.idle", "retire.drift_image"} <= codes
