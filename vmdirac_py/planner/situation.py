"""Everything one decision depends on: what was seen and what was remembered, so that anybody can make it again."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from msgspec.structs import replace

from vmdirac_py.model.inventory import Inventory
from vmdirac_py.model.plan import Finished, RetireOrder, Snapshot
from vmdirac_py.model.queue import TaskQueue
from vmdirac_py.model.reason import Reason
from vmdirac_py.model.value import Value
from vmdirac_py.model.vm import Capacity, Run

from .lengths import Ended, Known
from .memory import Memory

T = TypeVar("T", Known, Ended, Finished, Run, TaskQueue)
Named = Callable[[str], str]
"""Returns the pseudonym of a name, the same for the same."""


class Situation(Value, frozen=True, tag_field="version", tag=1):
    """A snapshot and the planner's memory at that moment; without a memory, a planner that knows nothing yet."""

    snapshot: Snapshot
    memory: Memory = Memory()


def under(situation: Situation, inventory: Inventory) -> Situation:
    """Return the situation with another inventory; views of endpoints that it does not have are left out."""
    views = tuple(view for view in situation.snapshot.endpoints if view.name in inventory.endpoints)
    return replace(situation, snapshot=replace(situation.snapshot, inventory=inventory, endpoints=views))


def bare(situation: Situation) -> Situation:
    """Return the situation without what no plan looks at and not everybody need know.

    That is the options of drivers, what the VMs' reasons tell beside their codes, and addresses.
    """
    inventory, fleet = situation.snapshot.inventory, situation.snapshot.fleet
    endpoints = {name: replace(one, options={}) for name, one in inventory.endpoints.items()}
    pools = {name: replace(one, options={}) for name, one in inventory.pools.items()}
    kept = replace(inventory, endpoints=endpoints, pools=pools, source="")
    vms = tuple(_bare_vm(one) for one in fleet)
    return replace(situation, snapshot=replace(situation.snapshot, inventory=kept, fleet=vms))


def _bare_vm(one: Capacity) -> Capacity:
    reason = Reason(one.vm.reason.code) if one.vm.reason else None
    return replace(one, vm=replace(one.vm, address="", reason=reason))


def veiled(situation: Situation, named: Named) -> Situation:
    """Return the situation with pseudonyms for people, and for queues, whose ids are made of people's names."""
    snapshot, memory = situation.snapshot, situation.memory
    queues = tuple(_veiled_queue(queue, named) for queue in snapshot.demand.queues)
    lengths = replace(
        memory.lengths,
        kinds=tuple(_of_owner(one, named) for one in memory.lengths.kinds),
        fresh=tuple(_of_owner(one, named) for one in memory.lengths.fresh),
    )
    veil = replace(
        snapshot,
        demand=replace(snapshot.demand, queues=queues),
        fleet=tuple(_veiled_vm(one, named) for one in snapshot.fleet),
        finished=tuple(_of_owner(one, named) for one in snapshot.finished),
        orders=tuple(_veiled_order(order, named) for order in snapshot.orders),
    )
    return Situation(veil, replace(memory, lengths=lengths))


def _of_owner(one: T, named: Named) -> T:
    return replace(one, owner=named(one.owner)) if one.owner else one


def _veiled_queue(queue: TaskQueue, named: Named) -> TaskQueue:
    return replace(_of_owner(queue, named), id=f"tq-{named(queue.id)}")


def _veiled_vm(one: Capacity, named: Named) -> Capacity:
    return replace(one, runs=tuple(_of_owner(run, named) for run in one.runs))


def _veiled_order(order: RetireOrder, named: Named) -> RetireOrder:
    return replace(order, actor=named(order.actor))
