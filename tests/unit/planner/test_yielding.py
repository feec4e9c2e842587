from typing import Any

from msgspec.structs import replace

from vmdirac_py.model.inventory import Endpoint, Vo
from vmdirac_py.model.plan import EndpointView, Snapshot
from vmdirac_py.model.vm import VmState
from vmdirac_py.planner.memory import Memory, Spent
from vmdirac_py.planner.step import step
from vmdirac_py.planner.yielding import MOST_DRAINS, over_budget, over_reserve


def shared(build: Any, foreign: int, *, vms: int = 5, quota: int | None = 100, reserve: int = 20) -> Snapshot:
    """A cloud of 100 cores with a reserve of 20, of which others use some; vm-0 is the oldest of our VMs."""
    pool = build.pool()
    fleet = [build.vm(pool, f"vm-{n}", busy=n % 2, created_at=build.AT - 9000 + n) for n in range(vms)]
    endpoint = Endpoint("e", "local", "SITE", reserve_cores=reserve)
    snapshot = build.snapshot([pool], [], fleet, endpoints=[endpoint])
    return replace(snapshot, endpoints=(EndpointView("e", build.AT, 9, foreign, None, quota),))


def drained(snapshot: Snapshot, build: Any) -> list[str]:
    """VMs that a plan drains."""
    return build.drained(step(snapshot, Memory())[0])


def test_the_newest_make_room_when_others_use_more(build: Any) -> None:
    """100 cores less 50 foreign and 20 reserved leave 30: of five VMs of 8 cores the two newest go, busy or not."""
    plan = step(shared(build, 50), Memory())[0]
    assert build.drained(plan) == ["vm-4", "vm-3"]
    assert [one.reason.code for one in plan.decisions] == ["over.reserve"]


def test_nobody_goes_while_the_reserve_is_free(build: Any) -> None:
    """To the last core, without a reserve, and where the cloud tells no quota."""
    assert drained(shared(build, 40), build) == []
    assert drained(shared(build, 90, reserve=0), build) == []
    assert drained(shared(build, 90, quota=None), build) == []


def test_what_leaves_already_counts_as_free(build: Any) -> None:
    """While the first ones drain, no others follow."""
    snapshot = shared(build, 50)
    assert over_reserve(snapshot, {"vm-4", "vm-3"}) == ()
    assert drained(build.carried_out(snapshot, step(snapshot, Memory())[0]), build) == []


def test_only_a_few_at_a_time(build: Any) -> None:
    """A cloud that suddenly tells of much foreign use is not emptied in one plan."""
    assert len(drained(shared(build, 900, vms=60), build)) == MOST_DRAINS


def test_one_that_boots_goes_when_it_can(build: Any) -> None:
    """It is the newest and cannot drain yet; no older one goes in its place."""
    snapshot = shared(build, 41)
    booting = build.vm(snapshot.inventory.pools["p"], "new", VmState.SUBMITTED, created_at=build.AT)
    assert drained(replace(snapshot, fleet=(*snapshot.fleet[:4], booting)), build) == []


def test_a_spent_budget_drains_only_where_wanted(build: Any) -> None:
    """VMs that cost go when the VO says so and all is spent; free ones, and other VOs', stay."""
    pools = [build.pool("dear", price=1.0), build.pool("free"), build.pool("other", vo="other", price=1.0)]
    fleet = [build.vm(pool, f"vm-{pool.name}") for pool in pools]
    memory = Memory(spent={"vo": Spent(build.AT - 60, 10.0)}, counted_at=build.AT)
    for vo, drains in (
        (Vo("vo", budget=10.0, budget_drain=True), [("vm-dear",)]),
        (Vo("vo", budget=10.0), []),
        (Vo("vo", budget=10.1, budget_drain=True), []),
    ):
        decisions = over_budget(build.snapshot(pools, [], fleet, vos=[vo]), memory)
        assert [one.vms for one in decisions] == drains
