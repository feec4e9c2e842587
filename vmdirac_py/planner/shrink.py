"""Which VMs to drain because a limit was lowered below what lives: the emptiest and youngest, busy ones last."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Protocol

from vmdirac_py.lifecycle.states import ALIVE, EDGES
from vmdirac_py.model.plan import Action, Decision, Snapshot
from vmdirac_py.model.reason import Reason
from vmdirac_py.model.vm import Capacity, VmState


class Limited(Protocol):
    """A pool, VO or endpoint."""

    @property
    def name(self) -> str:
        """Its name."""

    @property
    def max_vms(self) -> int | None:
        """Most VMs, None: no limit."""

    @property
    def max_cores(self) -> int | None:
        """Most cores, None: no limit."""


Over = tuple[Capacity, Reason]


def over_limit(snapshot: Snapshot) -> tuple[Decision, ...]:
    """Return drains that bring pools, VOs and endpoints back to the inventory's limits, grouped by pool and reason.

    Demand is not looked at: an empty queue drains nobody.
    """
    inventory = snapshot.inventory
    staying = [capacity for capacity in snapshot.fleet if capacity.vm.state in ALIVE]
    chosen: list[Over] = []
    for things, key, code in (
        (inventory.pools, lambda capacity: capacity.vm.pool, "over.pool"),
        (inventory.vos, lambda capacity: capacity.vm.vo, "over.vo"),
        (inventory.endpoints, lambda capacity: capacity.vm.endpoint, "over.endpoint"),
    ):
        over = list(_over(things, _by(staying, key), code))
        chosen += over
        gone = {capacity.vm.id for capacity, _ in over}
        staying = [capacity for capacity in staying if capacity.vm.id not in gone]
    return _decisions(chosen)


def _by(fleet: Iterable[Capacity], key: Callable[[Capacity], str]) -> Mapping[str, list[Capacity]]:
    groups: defaultdict[str, list[Capacity]] = defaultdict(list)
    for capacity in fleet:
        groups[key(capacity)].append(capacity)
    return groups


def _over(things: Mapping[str, Limited], groups: Mapping[str, list[Capacity]], code: str) -> Iterator[Over]:
    for name in sorted(groups.keys() & things.keys()):
        reason = _reason(things[name], code)
        yield from ((capacity, reason) for capacity in _excess(things[name], groups[name]))


def _reason(thing: Limited, code: str) -> Reason:
    limits = ((thing.max_vms, "VMs"), (thing.max_cores, "cores"))
    told = " and ".join(f"{value} {unit}" for value, unit in limits if value is not None)
    return Reason.of(code, name=thing.name, limits=told)


def _excess(thing: Limited, members: Sequence[Capacity]) -> list[Capacity]:
    vms, cores, chosen = len(members), sum(capacity.vm.resources.cores for capacity in members), []
    for capacity in sorted(members, key=_emptiest_youngest):
        if _within(vms, thing.max_vms) and _within(cores, thing.max_cores):
            break
        vms, cores = vms - 1, cores - capacity.vm.resources.cores
        chosen.append(capacity)
    return chosen


def _emptiest_youngest(capacity: Capacity) -> tuple[int, float, str]:
    return capacity.busy_slots, -capacity.vm.created_at, capacity.vm.id


def _within(value: int, limit: int | None) -> bool:
    return limit is None or value <= limit


def _decisions(chosen: Iterable[Over]) -> tuple[Decision, ...]:
    groups: defaultdict[tuple[str, str, str, Reason], list[str]] = defaultdict(list)
    for capacity, reason in chosen:
        vm = capacity.vm
        # One that still boots cannot drain yet; it is chosen again when it can, rather than a busy one in its place.
        if VmState.DRAINING in EDGES[vm.state]:
            groups[vm.endpoint, vm.pool, vm.vo, reason].append(vm.id)
    return tuple(
        Decision(Action.DRAIN, endpoint, pool, vo, len(vms), reason, tuple(vms))
        for (endpoint, pool, vo, reason), vms in groups.items()
    )


def drained(decisions: Iterable[Decision]) -> frozenset[str]:
    """Return the VMs these decisions drain."""
    return frozenset(vm for decision in decisions for vm in decision.vms)
