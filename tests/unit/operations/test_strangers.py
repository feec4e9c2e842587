"""Instances that no VM explains: adopted, swept, or let be."""

from __future__ import annotations

import pytest

from tests.doubles.cloud import Lose, ScriptedCloud
from tests.support.acting import cycle, give_job, launched, look, pass_time
from tests.support.context import TestContext, batch_of, events, vms_of
from vmdirac_py.clouds.api import Instance, Mark
from vmdirac_py.model.batch import BatchState
from vmdirac_py.model.vm import VmState
from vmdirac_py.operations import fleet, launches
from vmdirac_py.operations.explain import why


def leak(ctx: TestContext, cloud: ScriptedCloud) -> Instance:
    """Return an instance of a batch that is over: its VM is Halted, its token has expired."""
    cloud.answers = [Lose(acted=False)]
    batch = launches.intend(ctx, "astro-8", 1, actor="ann")
    launches.launch(ctx, batch, actor="ann")
    pass_time(ctx, 2400)
    assert not cloud.alive()
    return cloud.add(Mark("inst-test", batch, "astro", "astro-8"))


def foreign(cloud: ScriptedCloud, count: int) -> None:
    """Add instances with our mark of batches this ledger never heard of."""
    for number in range(count):
        cloud.add(Mark("inst-test", f"b-unheard-{number}", "astro", "astro-8"))


def test_a_leak_is_swept_after_two_listings_and_300_seconds(ctx: TestContext, cloud: ScriptedCloud) -> None:
    """One that never enrolled gets a row of its own and is terminated, not earlier."""
    leaked = leak(ctx, cloud)
    look(ctx)
    ctx.clock.advance(299)
    look(ctx)
    assert not vms_of(ctx, VmState.FAILED)
    ctx.clock.advance(1)
    look(ctx)
    assert [vm.instance_id for vm in vms_of(ctx, VmState.FAILED)] == [leaked.id]
    cycle(ctx)
    assert cloud.terminations == [(leaked.id,)]
    pass_time(ctx, 180)
    assert {vm.state for vm in vms_of(ctx)} == {VmState.HALTED}


def test_one_listing_is_not_enough(ctx: TestContext, cloud: ScriptedCloud) -> None:
    """However long ago it was seen first, a leak is listed twice before it goes."""
    leak(ctx, cloud)
    ctx.clock.advance(3600)
    look(ctx)
    assert not vms_of(ctx, VmState.FAILED)


def test_a_ledger_that_knows_less_than_half_deletes_nothing(ctx: TestContext, cloud: ScriptedCloud) -> None:
    """Among many instances of unknown batches even a plain leak is let be, and a person is told once."""
    leak(ctx, cloud)
    foreign(cloud, 2)
    pass_time(ctx, 7200)
    assert (len(cloud.alive()), cloud.terminations) == (3, [])
    assert len(events(ctx, "alarm.blind")) == 1


def test_an_unknown_batch_is_never_deleted(ctx: TestContext, cloud: ScriptedCloud) -> None:
    """Batches are written before they are sent, so an unknown one means an older copy of the ledger."""
    for _ in range(3):
        launched(ctx, cloud, state=VmState.CONTEXTUALISING)
    foreign(cloud, 1)
    unknown = cloud.alive()[-1]
    for _ in range(4):
        ctx.clock.advance(300)
        look(ctx)
    assert unknown in cloud.alive()
    assert "does not know its batch" in why(ctx, unknown.id)[-1].text


def test_a_young_ledger_deletes_nothing(ctx: TestContext, cloud: ScriptedCloud) -> None:
    """An instance older than the ledger is not this ledger's to delete."""
    leaked = leak(ctx, cloud)
    cloud.forget(leaked.id)
    cloud.add(leaked.mark, created_at=ctx.clock.now() - 10**6)
    pass_time(ctx, 3600)
    assert not cloud.terminations


def test_a_restored_ledger_ends_nothing_by_itself(ctx: TestContext, cloud: ScriptedCloud) -> None:
    """A VM an old copy believes overdue lives on while most of the listing is unknown, until somebody names it."""
    vm = launched(ctx, cloud, state=VmState.SUBMITTED)
    foreign(cloud, 4)
    pass_time(ctx, 7200)
    assert not cloud.terminations
    fleet.halt(ctx, [vm.id], actor="ann")
    cycle(ctx)
    assert cloud.terminations == [(vm.instance_id,)]


def test_an_empty_ledger_ends_nothing(ctx: TestContext, cloud: ScriptedCloud) -> None:
    """With no row at all, whatever bears our mark is left alone."""
    foreign(cloud, 5)
    pass_time(ctx, 7200)
    assert (len(cloud.alive()), cloud.terminations) == (5, [])


def test_what_an_old_copy_thinks_unsent_is_not_sent_again(ctx: TestContext, cloud: ScriptedCloud) -> None:
    """A batch that is Written while its instances are listed was sent before the copy was made."""
    batch = launches.intend(ctx, "astro-8", 2, actor="ann")
    cloud.add(Mark("inst-test", batch, "astro", "astro-8"))
    look(ctx)
    assert batch_of(ctx, batch).state is BatchState.UNKNOWN
    assert not launches.launch(ctx, batch, actor="ann").sent
    assert (len(cloud.launches), len(vms_of(ctx, VmState.SUBMITTED))) == (0, 1)


def test_an_instance_of_a_busy_vm_is_no_stranger(ctx: TestContext, cloud: ScriptedCloud) -> None:
    """Listing after listing, what a row explains is not touched."""
    vm = launched(ctx, cloud)
    give_job(ctx, vm)
    for _ in range(5):
        look(ctx)
        ctx.clock.advance(100)
    assert len(cloud.alive()) == 1
    assert len(vms_of(ctx)) == 1


@pytest.mark.parametrize("terminal", [True, False])
def test_a_dead_stranger_is_nobody(ctx: TestContext, cloud: ScriptedCloud, *, terminal: bool) -> None:
    """What has ended already needs no row; what lives is remembered with a reason."""
    leaked = leak(ctx, cloud)
    if terminal:
        cloud.kill(leaked.id)
    look(ctx)
    with ctx.ledger.read() as tx:
        assert bool(tx.observations.sightings("north")) is not terminal
