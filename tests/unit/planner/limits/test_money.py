from typing import Any

from msgspec.structs import replace

from vmdirac_py.model.inventory import Vo
from vmdirac_py.model.plan import Snapshot
from vmdirac_py.planner.limits import limits_of
from vmdirac_py.planner.memory import Memory, Spent
from vmdirac_py.planner.step import step

DAYS = 86400.0


def world(build: Any, vo: Vo, *, vms: int = 0, **pool: Any) -> Snapshot:
    """A VO with a budget and jobs waiting; one VM costs 4 an hour, and 1 at least (boot and idle time: 900 s)."""
    priced = build.pool(price=4.0, **pool)
    fleet = [build.vm(priced, f"vm-{n}", busy=8, created_at=build.AT - 7200) for n in range(vms)]
    return build.snapshot([priced], [build.queue(800)], fleet, vos=[vo])


def spent(build: Any, amount: float, days_ago: float = 10.0) -> Memory:
    """What the VO spent since the period began."""
    return Memory(spent={"vo": Spent(build.AT - days_ago * DAYS, amount)}, counted_at=build.AT)


def test_no_launch_passes_the_budget(build: Any) -> None:
    """With 12 of 100 left and 1 the least a VM costs, twelve are launched; the plan says what holds the others."""
    plan, _ = step(world(build, Vo("vo", budget=100.0)), spent(build, 88.0))
    assert build.launched(plan) == {"p": 12}
    assert build.codes(plan)["q"] == ["budget.spent"]


def test_a_minimum_life_is_paid_before(build: Any) -> None:
    """A VM that lives at least an hour costs 4 at least."""
    plan, _ = step(world(build, Vo("vo", budget=100.0), min_life=3600.0), spent(build, 88.0))
    assert build.launched(plan) == {"p": 3}


def test_living_vms_have_committed_theirs(build: Any) -> None:
    """What young VMs will surely cost is gone already: here 2 x 4 for the rest of a day each, less two hours."""
    snapshot = world(build, Vo("vo", budget=200.0), vms=2, min_life=3 * 3600.0)
    assert limits_of(snapshot, spent(build, 100.0)).room(snapshot.inventory.pools["p"])[0] == (200 - 100 - 2 * 4) // 12


def test_a_new_period_begins_with_nothing_spent(build: Any) -> None:
    """After `vo_budget_days` the budget is whole again."""
    plan, memory = step(world(build, Vo("vo", budget=100.0)), replace(spent(build, 100.0, 31), counted_at=0.0))
    assert build.launched(plan) == {"p": 100}
    assert memory.spent["vo"].since == build.AT - DAYS


def test_free_pools_go_on(build: Any) -> None:
    """A pool without a price is not held up by money."""
    snapshot = build.snapshot(
        [build.pool("dear", price=4.0, priority=1), build.pool("free")], [build.queue(80)], vos=[Vo("vo", budget=1.0)]
    )
    assert build.launched(step(snapshot, spent(build, 1.0))[0]) == {"free": 10}


def test_other_vos_go_on(build: Any) -> None:
    """One VO's budget is nobody else's."""
    pools = [build.pool("a", price=4.0), build.pool("b", vo="other", price=4.0)]
    queues = [build.queue(8), build.queue(8, "q2", vo="other")]
    snapshot = build.snapshot(pools, queues, vos=[Vo("vo", budget=1.0)])
    assert build.launched(step(snapshot, spent(build, 1.0))[0]) == {"b": 1}


def test_warnings_begin_where_the_vo_says(build: Any) -> None:
    """From 80 % on the pool's note tells what was spent and where it leads, before anything is stopped."""
    snapshot = world(build, Vo("vo", budget=10_000.0), vms=2)
    assert limits_of(snapshot, spent(build, 7_999.0)).warnings == {}
    (reason,) = limits_of(snapshot, spent(build, 8_000.0)).warnings["p"]
    # 2 VMs x 4 an hour x 20 days = 3840 more
    assert reason.as_dict == {
        "vo": "vo", "budget": 10_000.0, "percent": 80, "forecast": 115, "until": int(build.AT + 20 * DAYS)
    }  # fmt: skip


def test_warnings_stand_in_the_plan(build: Any) -> None:
    """They are told although the pool launches as usual."""
    plan, _ = step(world(build, Vo("vo", budget=10_000.0)), spent(build, 9_000.0))
    assert build.launched(plan) == {"p": 100}
    assert [reason.code for note in plan.pools for reason in note.reasons] == ["budget.warn"]
