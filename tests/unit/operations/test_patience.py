"""For how long what happens is gathered."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.context import TestContext, add_vm, make_context, make_inventory, make_pool, submit
from vmdirac_py.model.vm import VmState
from vmdirac_py.operations import planning, presence
from vmdirac_py.operations.patience import patience
from vmdirac_py.planner.cadence import GAP


@pytest.fixture
def ctx(tmp_path: Path) -> Iterator[TestContext]:
    """Return an installation whose VO bio boots in 50 s and astro in 100 s; both have a VM."""
    pools = (make_pool("astro-8", "astro", boot_seconds=100.0), make_pool("bio-8", "bio", boot_seconds=50.0))
    context = make_context(tmp_path, inventory=make_inventory(*pools))
    for pool in ("astro-8", "bio-8"):
        add_vm(context, pool=pool, state=VmState.RUNNING)
    yield context
    context.ledger.close()


def test_nothing_waiting_is_hardly_gathered(ctx: TestContext) -> None:
    """What happens while no job waits is planned after the shortest gap."""
    assert patience(ctx) == GAP


def test_the_fastest_boot_of_those_who_wait_counts(ctx: TestContext) -> None:
    """VOs without waiting jobs do not hurry the others."""
    submit(ctx, vo="astro")
    assert patience(ctx) == 20.0
    submit(ctx, vo="bio")
    assert patience(ctx) == 10.0


@pytest.mark.parametrize("state", [VmState.DRAINING, VmState.HALTED])
def test_a_vo_without_a_vm_is_not_kept_waiting(ctx: TestContext, state: VmState) -> None:
    """Its first job is planned at once, also while VMs that take none are left; one that boots will do."""
    with ctx.ledger.write() as tx:
        tx.revisions.add(make_inventory(make_pool("new-8", "new", boot_seconds=80.0)))
    submit(ctx, vo="new")
    assert patience(ctx) == 0.0
    add_vm(ctx, pool="new-8", state=state)
    assert patience(ctx) == 0.0
    add_vm(ctx, pool="new-8", state=VmState.SUBMITTED)
    assert patience(ctx) == 16.0


def test_boots_that_were_learned_count(ctx: TestContext) -> None:
    """Not what the inventory says, once VMs of the pool have booted."""
    submit(ctx, vo="bio")
    for _ in range(3):
        vm = add_vm(ctx, pool="bio-8", state=VmState.CONTEXTUALISING)
        ctx.clock.advance(30)
        presence.heartbeat(ctx, vm.id, {"slots": []})
    planning.commit(ctx, actor="test")
    assert patience(ctx) == 6.0


def test_a_vo_without_a_pool_hurries_nobody(ctx: TestContext) -> None:
    """No plan could help its jobs."""
    submit(ctx, vo="lost")
    assert patience(ctx) == GAP
