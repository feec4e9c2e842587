from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from vmdirac_py.lifecycle.budget import Budget
from vmdirac_py.lifecycle.probing import Pace
from vmdirac_py.model.batch import ErrorClass
from vmdirac_py.model.inventory import POOL_MODES, Endpoint, Inventory, Pool, Vo
from vmdirac_py.model.plan import EndpointView, Snapshot
from vmdirac_py.model.queue import Demand, Shape, TaskQueue
from vmdirac_py.model.resources import Resources
from vmdirac_py.model.vm import Capacity, Vm, VmState
from vmdirac_py.planner.limits import Limits, limits_of
from vmdirac_py.planner.memory import Memory, Spent, pool_key

AT = 1_800_000_000.0
VOS, ENDPOINTS = ("vo1", "vo2", "vo3"), ("e1", "e2")
maybe, maybe_cores = st.none() | st.integers(0, 12), st.none() | st.integers(0, 60)
budgets = st.builds(
    Budget, st.integers(0, 9), st.none() | st.sampled_from((1, 2, 8)), st.sampled_from((0.0, AT + 9)),
    st.sampled_from(ErrorClass),
)  # fmt: skip


@st.composite
def pools(draw: st.DrawFn, name: str) -> Pool:
    """Pools of any mode, limits and prices; some share what they ask the cloud for."""
    return Pool(
        name, draw(st.sampled_from(ENDPOINTS)), draw(st.sampled_from(VOS)), "SITE", draw(st.sampled_from("fg")), "i",
        Resources(draw(st.sampled_from((1, 4, 8)))), price=draw(st.sampled_from((0.0, 1.0, 3.5))),
        mode=draw(st.sampled_from(POOL_MODES)), max_vms=draw(maybe), max_cores=draw(maybe_cores),
        campaign_end=draw(st.none() | st.sampled_from((AT - 1, AT + 1))),
    )  # fmt: skip


@st.composite
def worlds(draw: st.DrawFn) -> tuple[Snapshot, Memory]:
    """Small fleets under all kinds of limits."""
    made = {name: draw(pools(name)) for name in ("p0", "p1", "p2", "p3")}
    vos = {
        name: Vo(name, (), draw(maybe), draw(maybe_cores), share=draw(st.floats(0.1, 9)), budget=draw(maybe))
        for name in VOS
    }
    endpoints = {
        name: Endpoint(name, "l", "SITE", draw(maybe), draw(maybe_cores), 50, draw(st.integers(0, 9)))
        for name in ENDPOINTS
    }
    fleet = tuple(
        Capacity(Vm(f"vm{n}", "b", pool.endpoint, pool.name, pool.vo, pool.resources,
                    draw(st.sampled_from(VmState)), AT - 90, AT - 90, AT + 9, "i"), pool.resources)
        for n, pool in enumerate(draw(st.lists(st.sampled_from(list(made.values())), max_size=6)))
    )  # fmt: skip
    waiting = tuple(TaskQueue(vo, vo, "u", "g", Shape(), 1.0, draw(st.integers(0, 99)), AT) for vo in VOS)
    views = tuple(
        EndpointView(name, AT, 1, draw(st.integers(0, 9)), draw(maybe), draw(maybe_cores)) for name in ENDPOINTS
    )
    memory = Memory(
        endpoints={"e1": draw(budgets)},
        pools={pool_key(made["p0"]): draw(budgets)},
        paces={"e2": draw(st.builds(Pace, st.sampled_from((0.0, AT - 5)), st.sampled_from(ErrorClass)))},
        used={f"e1/{vo}": draw(st.floats(0, 1e9)) for vo in VOS},
        spent={vo: Spent(AT - 9, draw(st.floats(0, 15))) for vo in VOS},
        counted_at=AT,
    )
    inventory = Inventory("f", vos, endpoints, made)
    return Snapshot(AT, 1, inventory, Demand(AT, complete=True, source="t", queues=waiting), fleet, views), memory


takes = st.lists(st.tuples(st.sampled_from(("p0", "p1", "p2", "p3")), st.integers(0, 40)), max_size=12)


def lefts(limits: Limits) -> dict[int, int]:
    """What every limit has left."""
    return {id(limit): limit.left for found in limits.of_pool.values() for limit in found}


@given(worlds(), takes)
def test_no_limit_is_ever_passed(world: tuple[Snapshot, Memory], wanted: list[tuple[str, int]]) -> None:
    """Whatever is taken in whatever order, no limit of any kind goes below what it had, or below zero."""
    snapshot, memory = world
    limits = limits_of(snapshot, memory)
    before = lefts(limits)
    for name, count in wanted:
        granted = limits.take(snapshot.inventory.pools[name], count)
        assert 0 <= granted <= count
        assert granted == count or limits.hits[name]
    assert all(left >= min(0, before[limit]) for limit, left in lefts(limits).items())


@given(worlds(), takes)
def test_giving_back_restores_all_room(world: tuple[Snapshot, Memory], wanted: list[tuple[str, int]]) -> None:
    """What was taken and given back leaves no trace in any limit."""
    snapshot, memory = world
    limits = limits_of(snapshot, memory)
    before = lefts(limits)
    granted = [(name, limits.take(snapshot.inventory.pools[name], count)) for name, count in wanted]
    for name, count in granted:
        limits.charge(snapshot.inventory.pools[name], -count)
    assert lefts(limits) == before


@given(worlds(), st.randoms(use_true_random=False))
def test_the_order_of_facts_does_not_matter(world: tuple[Snapshot, Memory], dice: Any) -> None:
    """The same pools, VOs, queues and VMs in another order leave the same room for the same reasons."""
    snapshot, memory = world

    def shuffled(items: Any) -> Any:
        return dice.sample(list(items), len(items))

    things = snapshot.inventory
    mixed = replace(
        things,
        pools=dict(shuffled(things.pools.items())),
        vos=dict(shuffled(things.vos.items())),
        endpoints=dict(shuffled(things.endpoints.items())),
    )
    demand = replace(snapshot.demand, queues=tuple(shuffled(snapshot.demand.queues)))
    other = replace(
        snapshot,
        inventory=mixed,
        demand=demand,
        fleet=tuple(shuffled(snapshot.fleet)),
        endpoints=tuple(shuffled(snapshot.endpoints)),
    )
    first, second = limits_of(snapshot, memory), limits_of(other, memory)
    assert {name: first.room(pool) for name, pool in things.pools.items()} == {
        name: second.room(pool) for name, pool in things.pools.items()
    }
