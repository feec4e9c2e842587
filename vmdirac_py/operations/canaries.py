"""A canary: one instance started to see whether a pool's cloud really gives VMs, and ended again whatever happens.

In the ledger it is a batch that is settled from the start (nothing is sent again, no enrolment token is good for it)
with one VM that has Failed from the start: it takes no jobs and is no capacity, counts against limits as long as it has
an instance, and when its deadline passes the scheduler ends what this process, killed perhaps, left behind.
"""

from __future__ import annotations

import time
from collections.abc import Callable

from msgspec.structs import replace

from vmdirac_py.base.errors import UnknownThing
from vmdirac_py.base.ids import new_id
from vmdirac_py.base.processes import own_name
from vmdirac_py.clouds.api import Finding, Instance, LaunchRequest, Mark
from vmdirac_py.lifecycle.states import move_by
from vmdirac_py.model.batch import Batch, BatchKind, BatchState
from vmdirac_py.model.inventory import Endpoint, Inventory, Pool
from vmdirac_py.model.reason import Reason
from vmdirac_py.model.vm import Vm, VmState

from .api import Context
from .canary_flight import WORD, Flight, Watch
from .endpoints import described, pools_of
from .launches import new_vm

USER_DATA = f"#cloud-config\nruncmd:\n- [sh, -c, 'echo {WORD}; sleep 900']\n".encode()
MARGIN = 60.0  # seconds beyond its longest life, after which the scheduler ends what is left


def canary(
    ctx: Context,
    endpoint: str,
    *,
    pool: str = "",
    seconds: float = 300.0,
    actor: str,
    say: Callable[[str], None],
    nap: Callable[[float], None] = time.sleep,
) -> list[Finding]:
    """Start one instance in a pool (none named: the first), look at it, end it, and return what was found.

    Args:
        ctx: the installation.
        endpoint: the endpoint's name.
        pool: one of its pools.
        seconds: how long it is waited for until it is seen, and then for a first word on its console.
        actor: who asked.
        say: is told how far it is.
        nap: waits for so many seconds.

    Raises:
        UnknownThing: no such endpoint, or it has no such pool.
        CloudError: its driver cannot be made.
    """
    inventory = ctx.inventory()
    place, chosen = described(inventory, endpoint), _chosen(inventory, endpoint, pool)
    driver = ctx.endpoint(endpoint)
    batch, vm = _write(ctx, place, chosen, seconds=seconds, actor=actor)
    mark = Mark(ctx.installation_id, batch.id, chosen.vo, chosen.name)
    request = LaunchRequest(mark, chosen, (vm.id,), USER_DATA)
    watch = Watch(ctx.clock.now, nap, say)
    flight = Flight(driver, place, request, seconds, watch, bind=lambda instance: _bind(ctx, vm, instance))
    try:
        return flight.fly()
    finally:
        if flight.over:
            _close(ctx, inventory, vm, actor=actor)


def _chosen(inventory: Inventory, endpoint: str, pool: str) -> Pool:
    for one in pools_of(inventory, endpoint):
        if pool in {"", one.name}:
            return one
    where = f"{endpoint}, {pool}" if pool else endpoint
    raise UnknownThing("no such pool on this endpoint", where=where, mend="see `vmdirac endpoint list`")


def _write(ctx: Context, endpoint: Endpoint, pool: Pool, *, seconds: float, actor: str) -> tuple[Batch, Vm]:
    """Write the canary down before anything is asked for, so that nothing of it is ever unexplained."""
    at = ctx.clock.now()
    batch = Batch(
        id=new_id("b"),
        kind=BatchKind.LAUNCH,
        endpoint=endpoint.name,
        pool=pool.name,
        vo=pool.vo,
        wanted=1,
        plan="",
        actor=actor,
        created_at=at,
        deadline=at,
        state=BatchState.CLOSED,
        claimed_by=own_name(actor),
        token_deadline=at,
        updated_at=at,
    )
    vm = replace(new_vm(batch, pool, endpoint, at=at), state=VmState.FAILED, deadline=at + _longest(endpoint, seconds))
    with ctx.ledger.write() as tx:
        tx.batches.insert([batch])
        tx.vms.insert([vm], actor=actor, reason=Reason.of("canary.tried", actor=actor))
    return batch, vm


def _longest(endpoint: Endpoint, seconds: float) -> float:
    """Return how long a canary may take to be launched, seen, heard and told to end."""
    return 3 * endpoint.client_timeout + endpoint.listing_lag + 2 * seconds + MARGIN


def _bind(ctx: Context, vm: Vm, instance: Instance) -> None:
    """Join the canary's VM to its instance; a second one, which nobody asked for, is left to the listings."""
    with ctx.ledger.write() as tx:
        row = tx.vms.get(vm.id)
        if row is not None and not row.instance_id:
            tx.vms.bind(vm.id, instance.id, instance.address)


def _close(ctx: Context, inventory: Inventory, vm: Vm, *, actor: str) -> None:
    """Note that it is over; where a listing noted that first nothing changes."""
    at, reason = ctx.clock.now(), Reason.of("canary.over")
    with ctx.ledger.write() as tx:
        tx.vms.move([move_by(inventory, vm, VmState.HALTED, reason, at=at)], actor=actor, at=at)
