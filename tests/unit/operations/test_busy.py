"""What counts as busy."""

from __future__ import annotations

import pytest

from tests.doubles.cloud import ScriptedCloud
from tests.support.context import TestContext, add_vm, row_of, submit
from vmdirac_py.base.errors import Conflict
from vmdirac_py.clouds.api import Unavailable
from vmdirac_py.ledger.api import Heartbeat, Listing
from vmdirac_py.model.batch import BatchState
from vmdirac_py.model.vm import VmState
from vmdirac_py.operations import aging, fleet, listings, planning, pulse, retirements
from vmdirac_py.operations.jobs import Source, Submitter, check


def beat(ctx: TestContext, vm: str) -> None:
    """Let a VM say that one payload of another queue runs."""
    with ctx.ledger.write() as tx:
        tx.observations.beat([Heartbeat(vm, ctx.clock.now(), {"slots": [{"job": 7}]})])
        tx.vms.seen([vm], at=ctx.clock.now())


def test_payloads_of_another_queue_keep_a_vm(ctx: TestContext) -> None:
    """A VM whose fresh heartbeat shows a payload is not empty, although the ledger has no job on it."""
    vm = add_vm(ctx, state=VmState.RUNNING)
    beat(ctx, vm.id)
    assert [one.busy_slots for one in planning.snapshot(ctx).fleet] == [1]
    with pytest.raises(Conflict):
        retirements.intend(ctx, [vm.id], actor="ann")


def test_an_old_heartbeat_says_nothing(ctx: TestContext) -> None:
    """What a VM said before it would be Stalled is forgotten."""
    vm = add_vm(ctx, state=VmState.RUNNING)
    beat(ctx, vm.id)
    ctx.clock.advance(ctx.inventory().pools[vm.pool].stalled_after + 1)
    assert [one.busy_slots for one in planning.snapshot(ctx).fleet] == [0]


def test_a_vm_told_to_halt_may_say_goodbye(ctx: TestContext) -> None:
    """It is due for termination after `HALT_SECONDS`, or as soon as it obeys."""
    vm = add_vm(ctx, state=VmState.RUNNING)
    beat(ctx, vm.id)
    fleet.halt(ctx, [vm.id], actor="ann")
    halted, at = row_of(ctx, vm.id), ctx.clock.now()
    with ctx.ledger.write() as tx:
        assert retirements.due_at(tx, halted, ctx.settings) == at + fleet.HALT_SECONDS
        tx.commands.acknowledge(vm.id, "halt", at=at)
        assert retirements.due_at(tx, halted, ctx.settings) == at


def test_a_stalled_vm_gets_its_time_after_an_outage(ctx: TestContext) -> None:
    """A manager that is just back can not have heard it: its deadline counts from then."""
    vm = add_vm(ctx, state=VmState.STALLED, instance="i-1")
    ctx.clock.advance(100_000)
    pulse.beat(ctx)
    aging.advance(ctx)
    assert row_of(ctx, vm.id).state is VmState.STALLED


def test_a_refused_end_is_not_under_way(ctx: TestContext) -> None:
    """A person may ask again at once where the cloud refused."""
    vm = add_vm(ctx, state=VmState.RUNNING, instance="i-1")
    (batch,) = retirements.intend(ctx, [vm.id], actor="ann")
    with ctx.ledger.write() as tx:
        assert retirements.under_way(tx, row_of(ctx, vm.id))
        tx.batches.settle(batch, (BatchState.WRITTEN,), BatchState.ANSWERED, at=ctx.clock.now())
        assert not retirements.under_way(tx, row_of(ctx, vm.id))


def test_nothing_named_is_nothing_found(ctx: TestContext) -> None:
    """An empty collection of ids means none, not all."""
    beat(ctx, add_vm(ctx, state=VmState.RUNNING).id)
    check(ctx, [Source('Executable = "/bin/true";', None, "jdl")], Submitter("ann", vo="astro"))
    with ctx.ledger.read() as tx:
        assert (tx.observations.heartbeats(()), len(tx.observations.heartbeats())) == ({}, 1)
        assert tx.jobs.find(ids=()) == []


def test_a_failed_listing_keeps_the_count(ctx: TestContext) -> None:
    """What was seen last stays known while the cloud cannot be listed."""
    ctx.endpoints = {"north": ScriptedCloud(ctx.clock, unreachable=Unavailable)}
    with ctx.ledger.write() as tx:
        tx.observations.note_listing(Listing("north", 1.0, 1.0, 5))
    listings.observe(ctx, "north")
    with ctx.ledger.read() as tx:
        assert tx.observations.listings()["north"].count == 5


def test_queues_of_one_vo(ctx: TestContext) -> None:
    """A match reads the waiting work of its VM's VO alone."""
    submit(ctx, vo="astro")
    submit(ctx, vo="bio")
    with ctx.ledger.read() as tx:
        assert [queue.vo for queue in tx.jobs.queues(vo="bio")] == ["bio"]
        assert len(tx.jobs.queues()) == 2
