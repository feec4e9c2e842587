"""What VMs offer to jobs, by the ledger's own count."""

from __future__ import annotations

from collections.abc import Sequence

from vmdirac_py.ledger.api import Transaction
from vmdirac_py.lifecycle.states import rules_for
from vmdirac_py.model.fit import Offer, norm_seconds
from vmdirac_py.model.inventory import Inventory, Pool
from vmdirac_py.model.queue import TaskQueue
from vmdirac_py.model.vm import Run, Vm
from vmdirac_py.planner.gather import Host, Hosts, gathers_for

from .capacities import NOTHING, OFFERING, free_of


def offered(vm: Vm, pool: Pool, used: tuple[int, int, int, int], runs: Sequence[Run], *, at: float) -> Offer:
    """Return what is offered by a VM on which so much is used."""
    return Offer(
        vo=vm.vo,
        site=pool.site,
        total=vm.resources,
        free=free_of(vm, used, runs),
        empty=not used[0],
        tags=pool.tags,
        platform=pool.platform,
        seconds_left=norm_seconds(vm.created_at + pool.max_life - at, pool),
    )


def hosts_of(tx: Transaction, inventory: Inventory, vo: str, *, at: float) -> Hosts:
    """Return what tells all VMs of a VO that take jobs, or will when they have booted; disk is not counted."""

    def told() -> list[Host]:
        vms = tx.vms.in_states(OFFERING, vo=vo)
        used = tx.jobs.used_cores([vm.id for vm in vms])
        return [_host(vm, rules_for(vm, inventory).pool, used.get(vm.id, NOTHING), at) for vm in vms]

    return told


def gathered_for(tx: Transaction, inventory: Inventory, vm: Vm, *, at: float) -> TaskQueue | None:
    """Return the queue for whose jobs a VM gathers room now, or None (`planner/gather.py`)."""
    offer = _host(vm, rules_for(vm, inventory).pool, tx.jobs.used_cores([vm.id]).get(vm.id, NOTHING), at).offer
    return gathers_for(vm.id, offer, tx.jobs.queues(vo=vm.vo), hosts_of(tx, inventory, vm.vo, at=at), at=at)


def _host(vm: Vm, pool: Pool, used: tuple[int, int, int, int], at: float) -> Host:
    return Host(vm.id, offered(vm, pool, used, (), at=at), used[0])
