"""Images in use, and orders to retire one."""

from __future__ import annotations

import pytest

from tests.doubles.cloud import ScriptedCloud
from tests.support.acting import act, cycle, launched, look
from tests.support.context import TestContext, add_vm, batch_of, make_inventory, make_pool, row_of, submit, vms_of
from vmdirac_py.base.errors import BadInput, Conflict, UnknownThing
from vmdirac_py.model.batch import BatchState
from vmdirac_py.model.vm import VmState
from vmdirac_py.operations import bakes, images, launches, planning

DAY = 86400.0


def use(ctx: TestContext, image: str) -> images.ImageUse:
    """What is known of one image."""
    return next(one for one in images.used(ctx) if one.image == image)


def change(ctx: TestContext, **about: str) -> None:
    """Make an inventory active in which the pool is another."""
    with ctx.ledger.write() as tx:
        tx.revisions.add(make_inventory(make_pool("astro-8", "astro", **about)))


def test_a_vm_remembers_what_it_was_made_of(ctx: TestContext, cloud: ScriptedCloud) -> None:
    """Image and profile of its pool when its request was sent, whatever the pool says later."""
    change(ctx, image="one", profile="7")
    vm = launched(ctx, cloud)
    change(ctx, image="two", profile="8")
    assert (row_of(ctx, vm.id).image, row_of(ctx, vm.id).profile) == ("one", "7")
    assert (use(ctx, "one").vms, use(ctx, "one").pools) == (1, ())
    assert (use(ctx, "two").vms, use(ctx, "two").pools) == (0, ("astro-8",))


@pytest.mark.usefixtures("cloud")
def test_a_batch_is_made_of_what_the_pool_says_when_it_is_sent(ctx: TestContext) -> None:
    """An image that changes between intent and request is the one that counts."""
    batch = launches.intend(ctx, "astro-8", 1, actor="ann")
    change(ctx, image="two")
    launches.launch(ctx, batch, actor="ann")
    assert [vm.image for vm in vms_of(ctx)] == ["two"]


def test_a_retired_image_loses_its_vms_over_its_time(ctx: TestContext, cloud: ScriptedCloud) -> None:
    """Half of them at half time, all at its end, each with the reason."""
    for _ in range(4):
        launched(ctx, cloud)
    order = images.retire(ctx, "debian", seconds=2 * DAY, actor="ann")
    assert order.vms == 4
    left = []
    for _ in range(3):
        look(ctx)
        planning.commit(ctx, actor="test")
        left.append(len(vms_of(ctx, VmState.RUNNING)))
        ctx.clock.advance(DAY)
    assert left == [4, 2, 0]
    assert {vm.reason.code for vm in vms_of(ctx) if vm.reason} == {"retire.image"}


def test_nothing_is_launched_from_a_retired_image(ctx: TestContext, cloud: ScriptedCloud) -> None:
    """Neither by a plan nor by hand; a batch written before is closed unsent. Taken back, all is as it was."""
    before = launches.intend(ctx, "astro-8", 1, actor="ann")
    images.retire(ctx, "debian", seconds=0.0, actor="ann")
    submit(ctx)
    cycle(ctx)
    assert not cloud.launches
    assert batch_of(ctx, before).state is BatchState.CLOSED
    with pytest.raises(Conflict, match=r"ann retires image debian.*--undo"):
        launches.intend(ctx, "astro-8", 1, actor="bob")
    images.keep(ctx, "debian", actor="ann")
    planning.commit(ctx, actor="test")
    act(ctx)
    assert len(cloud.launches) == 1


def test_a_second_order_takes_the_place_of_the_first(ctx: TestContext) -> None:
    """Its time counts anew."""
    images.retire(ctx, "debian", seconds=DAY, actor="ann")
    ctx.clock.advance(60)
    order = images.retire(ctx, "debian", seconds=60.0, actor="bob")
    assert use(ctx, "debian").order == order
    assert order.by == ctx.clock.now() + 60


@pytest.mark.parametrize("seconds", [-1.0, float("nan"), float("inf")])
def test_an_impossible_time_is_refused(ctx: TestContext, seconds: float) -> None:
    """Nothing is ordered."""
    with pytest.raises(BadInput, match="seconds"):
        images.retire(ctx, "debian", seconds=seconds, actor="ann")
    assert use(ctx, "debian").order is None


@pytest.mark.parametrize("image", ["nothing", ""])
def test_an_unknown_image_is_refused(ctx: TestContext, image: str) -> None:
    """Also where VMs are of which no image was recorded; taking back what was never ordered is refused too."""
    add_vm(ctx)
    with pytest.raises(UnknownThing, match="image list"):
        images.retire(ctx, image, seconds=DAY, actor="ann")
    with pytest.raises(UnknownThing, match="image list"):
        images.keep(ctx, image, actor="ann")


AT = "2026-11-22T12:00:00Z"
RECORD = bakes.read(f'{{"revision": "7", "at": "{AT}", "roles_sha256": "ab"}}', where="baked.json")


NO_ZONE = '{"revision": "7", "at": "2026-11-22T12:00:00", "roles_sha256": ""}'


def test_pools_of_another_revision_are_told(ctx: TestContext) -> None:
    """A pool whose context changed since its image was baked is outdated; one whose context is baked is not."""
    change(ctx, image="one", profile="7")
    images.baked(ctx, "one", RECORD, actor="ann")
    assert (use(ctx, "one").bake, use(ctx, "one").outdated) == (bakes.Bake("one", "7", 1795348800.0, "ab", "ann"), ())
    change(ctx, image="one", profile="8")
    assert use(ctx, "one").outdated == ("astro-8",)


def test_a_later_bake_counts(ctx: TestContext) -> None:
    """The same name baked again holds what was baked last; other images keep theirs."""
    for image, record in (("one", RECORD), ("two", RECORD), ("one", bakes.BakeRecord("8", RECORD.at, "cd"))):
        images.baked(ctx, image, record, actor="ann")
    assert [(name, use(ctx, name).bake.revision) for name in ("one", "two")] == [("one", "8"), ("two", "7")]  # type: ignore[union-attr]


def test_vms_behind_their_pool_are_counted(ctx: TestContext, cloud: ScriptedCloud) -> None:
    """Those of the same image and another revision; a VM of the present one is not among them."""
    change(ctx, image="one", profile="7")
    launched(ctx, cloud)
    assert use(ctx, "one").behind == 0
    change(ctx, image="one", profile="8")
    assert (use(ctx, "one").behind, use(ctx, "one").vms) == (1, 1)


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"revision": 7, "at": 1, "roles_sha256": ""}', '{"x": 1}', NO_ZONE])
def test_what_is_no_record_is_refused(text: str) -> None:
    """The file is named, and what to give instead."""
    with pytest.raises(BadInput, match=r"baked\.json"):
        bakes.read(text, where="/mnt/baked.json")


def test_a_record_needs_an_image(ctx: TestContext) -> None:
    """Nothing is kept under no name."""
    with pytest.raises(BadInput, match="without a name"):
        images.baked(ctx, " ", RECORD, actor="ann")
