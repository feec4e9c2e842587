"""A batch is sent at most once: what the operations make of a driver, with a real ledger, whatever goes wrong."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from tests.conformance.labs import Lab, Names, make_room, of_one_call
from tests.doubles.cloud import Killed
from tests.support.acting import look
from tests.support.context import TestContext, batch_of, make_context, make_inventory, vms_of
from tests.support.wait import until
from vmdirac_py.base.clock import ManualClock
from vmdirac_py.clouds.api import CloudEndpoint, LaunchRequest, LaunchResult
from vmdirac_py.model.batch import BatchState, ErrorClass
from vmdirac_py.model.inventory import Endpoint
from vmdirac_py.model.vm import VmState
from vmdirac_py.operations import aging, launches, listings, retirements
from vmdirac_py.operations.contextualising import Bundle

WANTED = 3
SETTLED = {BatchState.ANSWERED, BatchState.CLOSED}
ROUND = 200.0  # seconds; beyond client timeout and listing lag, within the boot deadline
Settles = Callable[[Callable[[], bool]], None]


class Standing(TestContext):
    """An installation whose VMs stay up."""

    @property
    def bundle(self) -> Bundle:
        """A worker that does nothing for long."""
        return Bundle("0" * 64, "import time\ntime.sleep(600)")


@dataclass
class Dying:
    """A driver in a process that is killed before the cloud hears of a launch, or before it can note the answer."""

    driver: CloudEndpoint
    acted: bool

    def launch(self, request: LaunchRequest) -> LaunchResult:
        """Be killed."""
        if self.acted:
            self.driver.launch(request)
        raise Killed

    def __getattr__(self, name: str) -> Any:
        """All else is the driver's."""
        return getattr(self.driver, name)


@pytest.fixture
def ctx(lab: Lab, names: Names, tmp_path: Path) -> Iterator[TestContext]:
    """Return an installation with the lab's pool on its endpoint."""
    make_room(lab, WANTED)
    inventory = make_inventory(lab.pool)
    endpoint = Endpoint(lab.pool.endpoint, "local", lab.pool.site, client_timeout=30.0)
    made = make_context(
        tmp_path / "home",
        inventory=replace(inventory, endpoints={endpoint.name: endpoint}),
        clock=ManualClock(time.time()),
    )
    standing = Standing(**{field.name: getattr(made, field.name) for field in fields(made)})
    standing.installation_id = names.ours
    standing.endpoints = {lab.pool.endpoint: lab.endpoint(names.ours)}
    yield standing
    standing.ledger.close()


def intended(ctx: TestContext, count: int = WANTED) -> str:
    """Write the intent to launch VMs of the only pool; return the batch."""
    (pool,) = ctx.inventory().pools
    return launches.intend(ctx, pool, count, actor="test")


def settle(ctx: TestContext, batch: str) -> None:
    """Let time pass, with a listing now and then, until the batch is settled."""
    (endpoint,) = ctx.inventory().endpoints
    for _ in range(5):
        look(ctx, endpoint)
        aging.advance(ctx)
        if batch_of(ctx, batch).state in SETTLED:
            return
        ctx.clock.advance(ROUND)
    pytest.fail(f"the batch is still {batch_of(ctx, batch).state}")


def of_batch(endpoint: CloudEndpoint, batch: str) -> set[str]:
    """Return the ids of all instances that bear a batch's mark, also of those that ended."""
    return {instance.id for instance in endpoint.instances() if instance.mark.batch == batch}


def bound(ctx: TestContext) -> set[str]:
    """Return the instances of the VMs that wait for their boot."""
    return {vm.instance_id for vm in vms_of(ctx, VmState.SUBMITTED)}


def test_killed_between_claim_and_call(ctx: TestContext, ours: CloudEndpoint) -> None:
    """A batch claimed by a process that died before its call is never sent; it is settled as lost, with none."""
    batch = intended(ctx)
    (name,) = ctx.endpoints
    ctx.endpoints = {name: Dying(ours, acted=False)}
    with pytest.raises(Killed):
        launches.launch(ctx, batch, actor="test")
    ctx.endpoints = {name: ours}
    assert not launches.launch(ctx, batch, actor="test").sent
    settle(ctx, batch)
    assert not launches.launch(ctx, batch, actor="test").sent
    assert (batch_of(ctx, batch).launched, batch_of(ctx, batch).error_class) == (0, ErrorClass.LOST)
    assert of_batch(ours, batch) == set()


def test_killed_between_call_and_commit(ctx: TestContext, ours: CloudEndpoint, settles: Settles) -> None:
    """What a process that died had started is found by its mark and bound, all of it, and nothing is added."""
    batch = intended(ctx)
    (name,) = ctx.endpoints
    ctx.endpoints = {name: Dying(ours, acted=True)}
    with pytest.raises(Killed):
        launches.launch(ctx, batch, actor="test")
    ctx.endpoints = {name: ours}
    assert not launches.launch(ctx, batch, actor="test").sent
    settles(lambda: len(of_batch(ours, batch)) == WANTED)
    settle(ctx, batch)
    assert not launches.launch(ctx, batch, actor="test").sent
    assert bound(ctx) == of_batch(ours, batch)
    assert len(bound(ctx)) == batch_of(ctx, batch).launched == WANTED


@pytest.mark.needs("hang")
def test_a_repeat_while_the_first_call_is_in_flight(
    lab: Any, ctx: TestContext, ours: CloudEndpoint, settles: Settles
) -> None:
    """Who launches a batch whose first call is still out sends nothing, and the first one's answer counts."""
    batch = intended(ctx)
    ours.limits()
    lab.hang("launch", 3.0, when="before")
    first = threading.Thread(target=launches.launch, args=(ctx, batch), kwargs={"actor": "first"})
    first.start()
    until(lambda: batch_of(ctx, batch).state is BatchState.CLAIMED, what="the claim")
    second = launches.launch(ctx, batch, actor="second")
    lab.mend()
    first.join(60.0)
    assert not first.is_alive()
    assert not second.sent
    settles(lambda: len(of_batch(ours, batch)) == WANTED)
    assert bound(ctx) == of_batch(ours, batch)


@pytest.mark.needs("lose")
def test_a_lost_answer_is_found_by_listing(lab: Any, ctx: TestContext, ours: CloudEndpoint, settles: Settles) -> None:
    """A batch whose answer was lost is Unknown; the listing binds what came of it, and a repeat sends nothing."""
    batch = intended(ctx)
    lab.lose_answer("launch")
    assert launches.launch(ctx, batch, actor="test").state is BatchState.UNKNOWN
    lab.mend()
    assert not launches.launch(ctx, batch, actor="test").sent
    settles(lambda: len(of_batch(ours, batch)) == of_one_call(lab, WANTED))
    settle(ctx, batch)
    assert bound(ctx) == of_batch(ours, batch)
    assert len(bound(ctx)) == of_one_call(lab, WANTED)


@pytest.mark.needs("hang")
def test_what_comes_late_is_bound(lab: Any, names: Names, ctx: TestContext, ours: CloudEndpoint) -> None:
    """A cloud that acts only after we gave up waiting gives instances, bound to their VMs by the listing."""
    batch = intended(ctx)
    (name,) = ctx.endpoints
    hurried = lab.endpoint(names.ours, timeout=3.0)
    hurried.limits()
    ctx.endpoints = {name: hurried}
    lab.hang("launch", 6.0, when="before")
    assert launches.launch(ctx, batch, actor="test").state is BatchState.UNKNOWN
    ctx.endpoints = {name: ours}
    lab.mend()
    assert not launches.launch(ctx, batch, actor="test").sent
    until(lambda: len(of_batch(ours, batch)) == of_one_call(lab, WANTED), seconds=60.0, what="the late instances")
    settle(ctx, batch)
    assert bound(ctx) == of_batch(ours, batch)
    assert len(bound(ctx)) == of_one_call(lab, WANTED)


@pytest.mark.needs("refuse_some")
def test_a_partial_success_is_committed(lab: Any, ctx: TestContext, ours: CloudEndpoint) -> None:
    """What was launched is bound, what was refused has failed, and the batch says how many and why."""
    batch = intended(ctx, 5)
    lab.refuse_some(2)
    launches.launch(ctx, batch, actor="test")
    told = batch_of(ctx, batch)
    assert (told.launched, told.refused, told.error_class) == (3, 2, ErrorClass.NO_CAPACITY)
    assert bound(ctx) == of_batch(ours, batch)
    assert len(vms_of(ctx, VmState.FAILED)) == 2


@pytest.mark.needs("foreign", "limits")
def test_what_is_foreign_is_counted_and_left_alone(lab: Any, ctx: TestContext) -> None:
    """Foreign instances are foreign use of the endpoint, and neither VMs nor strangers."""
    lab.foreign(2)
    launches.launch(ctx, intended(ctx), actor="test")
    (endpoint,) = ctx.inventory().endpoints
    report = listings.observe(ctx, endpoint)
    with ctx.ledger.read() as tx:
        (view,) = listings.endpoint_views(tx, ctx.inventory())
    assert (report.instances, report.strangers) == (WANTED, 0)
    assert (view.foreign_vms, len(vms_of(ctx))) == (2, WANTED)


def test_a_whole_life(ctx: TestContext, ours: CloudEndpoint, settles: Settles) -> None:
    """VMs that were launched and retired are Halted once a listing shows their end, and nothing of them is left."""
    batch = intended(ctx)
    launches.launch(ctx, batch, actor="test")
    (retiring,) = retirements.intend(ctx, [vm.id for vm in vms_of(ctx)], actor="test")
    assert retirements.retire(ctx, retiring, actor="test").state is BatchState.CLOSED
    settles(lambda: all(instance.terminal for instance in ours.instances()))
    for _ in range(2):
        ctx.clock.advance(ROUND)
        look(ctx, *ctx.endpoints)
    assert {vm.state for vm in vms_of(ctx)} == {VmState.HALTED}
