import random
from collections import Counter
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from vmdirac_py.lifecycle.states import ALIVE
from vmdirac_py.model.inventory import Endpoint, Inventory, Pool, Vo
from vmdirac_py.model.plan import EndpointView, Plan, Snapshot
from vmdirac_py.model.queue import Demand, Shape, TaskQueue
from vmdirac_py.model.resources import Resources
from vmdirac_py.model.vm import Capacity, Vm, VmState
from vmdirac_py.planner.codec import plan_from_json, plan_to_json, snapshot_from_json, snapshot_to_json
from vmdirac_py.planner.limits import occupies
from vmdirac_py.planner.memory import Memory
from vmdirac_py.planner.step import step

AT = 1_800_000_000.0
VOS = ("vo1", "vo2")
ENDPOINTS = ("e1", "e2")
maybe = st.one_of(st.none(), st.integers(0, 12))
maybe_cores = st.one_of(st.none(), st.integers(0, 60))


@st.composite
def pools(draw: st.DrawFn, name: str) -> Pool:
    """Pools of any size and limits, on two endpoints, of two VOs."""
    cores, endpoint = draw(st.sampled_from((1, 2, 4, 8))), draw(st.sampled_from(ENDPOINTS))
    size = Resources(cores, cores * draw(st.sampled_from((1000, 2000))), draw(st.integers(0, 1)))
    return Pool(
        name, endpoint, draw(st.sampled_from(VOS)), f"SITE.{endpoint}", "f", "i", size,
        tags=draw(st.sampled_from(((), ("AVX",)))), price=draw(st.sampled_from((0.0, 1.0, 2.5))),
        priority=draw(st.integers(-1, 1)), max_vms=draw(maybe), max_cores=draw(maybe_cores),
        min_vms=draw(st.integers(0, 2)), max_life=200_000.0,
    )  # fmt: skip


@st.composite
def queues(draw: st.DrawFn, name: str) -> TaskQueue:
    """Queues of any shape, some that nobody can serve."""
    cores = draw(st.sampled_from((1, 1, 2, 3, 8, 16)))
    shape = Shape(
        cores, cores, whole_node=draw(st.integers(0, 5)) == 0, ram_mb=draw(st.sampled_from((0, 1000, 3000))),
        gpus=draw(st.sampled_from((0, 0, 0, 1))), cpu_seconds=draw(st.sampled_from((0, 360, 86_400, 172_800))),
        tags=draw(st.sampled_from(((), (), ("AVX",)))), sites=draw(st.sampled_from(((), (), ("SITE.e1",)))),
    )  # fmt: skip
    vo, oldest = draw(st.sampled_from(VOS)), AT - draw(st.sampled_from((9.0, 5000.0)))
    return TaskQueue(name, vo, "u", "g", shape, draw(st.sampled_from((1.0, 2.0))), draw(st.integers(0, 30)), oldest)


@st.composite
def capacities(draw: st.DrawFn, name: str, pool: Pool) -> Capacity:
    """VMs in any state and age."""
    state, age = draw(st.sampled_from(list(VmState))), draw(st.sampled_from((60.0, 3600.0, 150_000.0)))
    busy = draw(st.integers(0, pool.resources.cores)) if state is VmState.RUNNING else 0
    vm = Vm(
        name, "b", pool.endpoint, pool.name, pool.vo, pool.resources, state, AT - age, AT - age, AT + 99, f"i-{name}"
    )
    return Capacity(vm, pool.resources - Resources(busy, busy * 500), busy)


@st.composite
def snapshots(draw: st.DrawFn) -> Snapshot:
    """Small worlds with complete, fresh demand."""
    made = [draw(pools(f"p{n}")) for n in range(draw(st.integers(1, 4)))]
    vos = {name: Vo(name, (), draw(maybe), draw(maybe_cores)) for name in VOS}
    endpoints = {name: Endpoint(name, "local", "S", draw(maybe), draw(maybe_cores), ramp=9_999) for name in ENDPOINTS}
    views = tuple(EndpointView(name, 0.0, draw(st.integers(0, 3)), 0, draw(maybe)) for name in ENDPOINTS)
    waiting = tuple(draw(queues(f"q{n}")) for n in range(draw(st.integers(0, 5))))
    fleet = tuple(draw(capacities(f"vm{n}", draw(st.sampled_from(made)))) for n in range(draw(st.integers(0, 6))))
    inventory = Inventory("f", vos, endpoints, {pool.name: pool for pool in made})
    return Snapshot(AT, 1, inventory, Demand(AT, complete=True, source="t", queues=waiting), fleet, views)


def planned(snapshot: Snapshot) -> Plan:
    """The plan alone."""
    return step(snapshot, Memory())[0]


@given(snapshots())
def test_numbers_add_up(snapshot: Snapshot) -> None:
    """Every waiting job is placed once, held or said to be unplaced, the latter two with a reason."""
    plan = planned(snapshot)
    waiting = {queue.id: queue.waiting for queue in snapshot.demand.queues if queue.waiting}
    assert {
        one.queue: one.on_running + one.on_booting + one.on_new + one.unplaced + one.held for one in plan.placements
    } == waiting
    assert all(bool(one.unplaced or one.held) == bool(one.reasons) for one in plan.placements)
    assert all(min(one.on_running, one.on_booting, one.on_new, one.unplaced, one.held) >= 0 for one in plan.placements)


@given(snapshot=snapshots())
def test_no_more_jobs_than_room(snapshot: Snapshot, build: Any) -> None:
    """Placed jobs of a VO never need more cores than its VMs have free or are planned with."""
    plan = planned(snapshot)
    need = {queue.id: queue.shape.min_cores for queue in snapshot.demand.queues}
    for vo in VOS:
        mine = [one for one in plan.placements if one.vo == vo]
        alive = [one for one in snapshot.fleet if one.vm.vo == vo and one.vm.state in ALIVE]
        new = {name: count for name, count in build.launched(plan).items() if snapshot.inventory.pools[name].vo == vo}
        running = sum(one.free.cores for one in alive if one.vm.state is VmState.RUNNING)
        booting = sum(one.free.cores for one in alive if one.vm.state is not VmState.RUNNING)
        launched = sum(snapshot.inventory.pools[name].resources.cores * count for name, count in new.items())
        assert sum(one.on_running * need[one.queue] for one in mine) <= running
        assert sum(one.on_booting * need[one.queue] for one in mine) <= booting
        assert sum(one.on_new * need[one.queue] for one in mine) <= launched


def _within(limit: int | None, use: int, grew: bool) -> bool:  # noqa: FBT001 - a predicate's part
    return limit is None or not grew or use <= limit


@given(snapshot=snapshots())
def test_no_limit_is_exceeded(snapshot: Snapshot, build: Any) -> None:
    """What launches keeps every limit in VMs and cores, of pool, VO, endpoint and the cloud itself."""
    new = build.launched(planned(snapshot))
    things, use, cores = snapshot.inventory, Counter[str](), Counter[str]()
    for pool, count in [*((one.vm.pool, 1) for one in snapshot.fleet if occupies(one.vm)), *new.items()]:
        for name in (pool, things.pools[pool].vo, things.pools[pool].endpoint):
            use[name] += count
            cores[name] += count * things.pools[pool].resources.cores
    grown = {name for pool in new for name in (pool, things.pools[pool].vo, things.pools[pool].endpoint)}
    for thing in (*things.pools.values(), *things.vos.values(), *things.endpoints.values()):
        assert _within(thing.max_vms, use[thing.name], thing.name in grown)
        assert _within(thing.max_cores, cores[thing.name], thing.name in grown)
    for view in snapshot.endpoints:
        assert _within(view.max_vms, use[view.name] + view.foreign_vms, view.name in grown)


@given(snapshots(), st.randoms(use_true_random=False))
def test_the_order_of_the_input_does_not_matter(snapshot: Snapshot, dice: random.Random) -> None:
    """The same facts give the same plan."""

    def shuffled(items: Any) -> Any:
        return tuple(dice.sample(list(items), len(items)))

    things = snapshot.inventory
    mixed = replace(things, pools=dict(shuffled(things.pools.items())), vos=dict(shuffled(things.vos.items())))
    demand = replace(snapshot.demand, queues=shuffled(snapshot.demand.queues))
    other = replace(snapshot, inventory=mixed, demand=demand, fleet=shuffled(snapshot.fleet))
    assert planned(other) == planned(snapshot)


@settings(max_examples=300)
@given(snapshot=snapshots())
def test_a_second_plan_wants_nothing_more(snapshot: Snapshot, build: Any) -> None:
    """Once carried out, the plan is enough: nothing is launched or drained twice."""
    after = build.carried_out(snapshot, planned(snapshot))
    assert planned(after).decisions == ()


@given(snapshot=snapshots(), vo=st.sampled_from(VOS))
def test_vos_do_not_see_each_other(snapshot: Snapshot, vo: str, build: Any) -> None:
    """Without shared limits, the other VO's jobs and VMs change nothing for this one."""
    free = {name: replace(one, max_vms=None, max_cores=None) for name, one in snapshot.inventory.endpoints.items()}
    both = replace(snapshot, inventory=replace(snapshot.inventory, endpoints=free), endpoints=())
    queues_of_vo = tuple(queue for queue in both.demand.queues if queue.vo == vo)
    fleet = tuple(one for one in both.fleet if one.vm.vo == vo)
    alone = replace(both, demand=replace(both.demand, queues=queues_of_vo), fleet=fleet)
    mine = [one for one in planned(both).placements if one.vo == vo]
    assert mine == list(planned(alone).placements)
    used = {name for name in build.launched(planned(alone)) if not snapshot.inventory.pools[name].min_vms}
    assert all(snapshot.inventory.pools[name].vo == vo for name in used)


@given(snapshots())
def test_without_limits_every_job_that_fits_is_served(snapshot: Snapshot) -> None:
    """Lifting all limits leaves only what no pool can ever run."""
    things = snapshot.inventory
    lifted = replace(
        things,
        vos={name: Vo(name) for name in things.vos},
        endpoints={name: replace(one, max_vms=None, max_cores=None) for name, one in things.endpoints.items()},
        pools={name: replace(one, max_vms=None, max_cores=None) for name, one in things.pools.items()},
    )
    more = planned(replace(snapshot, inventory=lifted, endpoints=()))
    assert all(one.reasons[0].code.startswith("unserved.") for one in more.placements if one.unplaced)
    unplaced = {one.queue: one.unplaced for one in planned(snapshot).placements}
    assert all(one.unplaced <= unplaced[one.queue] for one in more.placements)


@given(snapshots(), st.sampled_from(("pool", "vo", "endpoint")), st.integers(1, 20))
def test_raising_a_limit_never_serves_less(snapshot: Snapshot, kind: str, more: int) -> None:
    """With one flavor and one-core jobs, where no packing is at stake, a higher limit serves at least as many."""
    things = snapshot.inventory
    flat = {
        name: replace(pool, resources=Resources(4, 99_000, 1), min_vms=0, tags=(), vo="vo1", site="S")
        for name, pool in things.pools.items()
    }
    waiting = tuple(replace(queue, vo="vo1", shape=Shape()) for queue in snapshot.demand.queues)
    low = replace(
        snapshot,
        inventory=replace(things, pools=flat),
        demand=replace(snapshot.demand, queues=waiting),
        fleet=(),
    )
    name = {"pool": "p0", "vo": "vo1", "endpoint": "e1"}[kind]
    raised = {key: _raised(one, name, more) for key, one in getattr(low.inventory, f"{kind}s").items()}
    high = replace(low, inventory=replace(low.inventory, **{f"{kind}s": raised}))
    assert _unplaced(planned(high)) <= _unplaced(planned(low))


def _raised(thing: Any, name: str, more: int) -> Any:
    limits = {"max_vms": thing.max_vms, "max_cores": thing.max_cores}
    higher = {key: None if value is None else value + more for key, value in limits.items()}
    return replace(thing, **higher) if thing.name == name else thing


def _unplaced(plan: Plan) -> int:
    return sum(one.unplaced for one in plan.placements)


@given(snapshot=snapshots())
def test_no_demand_drains_only_what_limits_say(snapshot: Snapshot, build: Any) -> None:
    """Losing all demand drains not one VM more."""
    empty = replace(snapshot, demand=replace(snapshot.demand, queues=()))
    assert build.drained(planned(empty)) == build.drained(planned(snapshot))


@given(snapshots())
def test_snapshots_and_plans_survive_being_written(snapshot: Snapshot) -> None:
    """What is read back is what was written."""
    assert snapshot_from_json(snapshot_to_json(snapshot)) == snapshot
    plan = planned(snapshot)
    assert plan_from_json(plan_to_json(plan)) == plan
