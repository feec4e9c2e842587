"""Who gives way to the owner of a shared cloud."""

from __future__ import annotations

from typing import Any

from msgspec.structs import replace

from vmdirac_py.model.inventory import Endpoint
from vmdirac_py.model.plan import EndpointView, Snapshot
from vmdirac_py.model.vm import VmState


def shared(build: Any, foreign: int, *, vms: int = 5, quota: int | None = 100, reserve: int = 20) -> Snapshot:
    """A cloud of 100 cores with a reserve of 20, of which others use some; vm-0 is the oldest of our VMs."""
    pool = build.pool()
    fleet = [build.vm(pool, f"vm-{n}", busy=n % 2, created_at=build.AT - 9000 + n) for n in range(vms)]
    endpoint = Endpoint("e", "local", "SITE", reserve_cores=reserve)
    snapshot: Snapshot = build.snapshot([pool], [], fleet, endpoints=[endpoint])
    return replace(snapshot, endpoints=(EndpointView("e", build.AT, 9, foreign, None, quota),))


def limited(snapshot: Snapshot, **limits: int) -> Snapshot:
    """The same with a limit on the pool."""
    inventory = snapshot.inventory
    return replace(snapshot, inventory=replace(inventory, pools={"p": replace(inventory.pools["p"], **limits)}))


def test_the_newest_make_room_when_others_use_more(world: Any, build: Any) -> None:
    """100 cores less 50 foreign and 20 reserved leave 30: of five VMs of 8 cores the two newest go, busy or not."""
    assert world.drained(shared(build, 50)) == {"vm-4": "over.reserve", "vm-3": "over.reserve"}


def test_nobody_goes_while_the_reserve_is_free(world: Any, build: Any) -> None:
    """To the last core, without a reserve, and where the cloud tells no quota."""
    assert world.drained(shared(build, 40)) == {}
    assert world.drained(shared(build, 90, reserve=0)) == {}
    assert world.drained(shared(build, 90, quota=None)) == {}


def test_what_leaves_already_counts_as_free(world: Any, build: Any) -> None:
    """While the first ones drain, no others follow."""
    snapshot = shared(build, 50)
    assert world.drained(build.carried_out(snapshot, world.plan(snapshot))) == {}


def test_what_a_limit_drains_counts_as_free(world: Any, build: Any) -> None:
    """Two VMs too many for their pool make the room that the reserve needs; no third goes."""
    assert set(world.drained(limited(shared(build, 50), max_vms=3)).values()) == {"over.pool"}


def test_only_a_few_at_a_time(world: Any, build: Any) -> None:
    """A cloud that suddenly tells of much foreign use is not emptied in one plan."""
    snapshot = shared(build, 900, vms=60)
    assert len(world.drained(snapshot)) == 12
    assert world.held(snapshot) == {"p": ["retire.capped"]}


def test_an_old_listing_drains_nobody(world: Any, build: Any) -> None:
    """What others used an hour ago tells nothing of now."""
    snapshot = shared(build, 50)
    (view,) = snapshot.endpoints
    assert world.drained(replace(snapshot, endpoints=(replace(view, listed_at=build.AT - 3600),))) == {}


def test_one_that_boots_goes_when_it_can(world: Any, build: Any) -> None:
    """It is the newest and cannot drain yet; no older one goes in its place."""
    snapshot = shared(build, 41)
    booting = build.vm(snapshot.inventory.pools["p"], "new", VmState.SUBMITTED, created_at=build.AT)
    assert world.drained(replace(snapshot, fleet=(*snapshot.fleet[:4], booting))) == {}
