"""VMs above a limit that was lowered: the emptiest and youngest, busy ones last."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import ClassVar, Protocol

from vmdirac_py.model.inventory import Inventory
from vmdirac_py.model.reason import Reason
from vmdirac_py.model.vm import Capacity

from .order import emptiest_youngest
from .policy import Candidate, Proof, Terms
from .view import View

Key = Callable[[Capacity], str]


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


class OverLimit:
    """A pool, VO or endpoint has more than the inventory allows. Neither demand nor cloud is asked.

    Those that still boot are chosen too: they cannot drain yet, and are chosen again when they can, rather than a busy
    one in their place.
    """

    terms: ClassVar[Terms] = Terms(Proof.ASKED, frozenset(), busy=True)

    def candidates(self, view: View) -> Iterator[Candidate]:
        """Yield the VMs without which pools, then VOs, then endpoints keep their limits."""
        inventory, staying = view.snapshot.inventory, list(view.alive)
        for things, key, code in self._levels(inventory):
            names = _crowded(things, staying, key)
            over = list(_over(things, _by((one for one in staying if key(one) in names), key), code)) if names else []
            yield from over
            gone = {one.vm.id for one, _ in over}
            staying = [one for one in staying if one.vm.id not in gone] if gone else staying

    def _levels(self, inventory: Inventory) -> Sequence[tuple[Mapping[str, Limited], Key, str]]:
        return (
            (inventory.pools, lambda one: one.vm.pool, "over.pool"),
            (inventory.vos, lambda one: one.vm.vo, "over.vo"),
            (inventory.endpoints, lambda one: one.vm.endpoint, "over.endpoint"),
        )


def _crowded(things: Mapping[str, Limited], fleet: Iterable[Capacity], key: Key) -> set[str]:
    """Return which of these have more than they may."""
    limited = {name for name, one in things.items() if one.max_vms is not None or one.max_cores is not None}
    use = dict.fromkeys(limited, (0, 0))
    for one in fleet if limited else ():
        name = key(one)
        if name in limited:
            vms, cores = use[name]
            use[name] = vms + 1, cores + one.vm.resources.cores
    return {
        name
        for name, (vms, cores) in use.items()
        if not (_within(vms, things[name].max_vms) and _within(cores, things[name].max_cores))
    }


def _by(fleet: Iterable[Capacity], key: Key) -> Mapping[str, list[Capacity]]:
    groups: defaultdict[str, list[Capacity]] = defaultdict(list)
    for capacity in fleet:
        groups[key(capacity)].append(capacity)
    return groups


def _over(things: Mapping[str, Limited], groups: Mapping[str, list[Capacity]], code: str) -> Iterator[Candidate]:
    for name in sorted(groups.keys() & things.keys()):
        excess = _excess(things[name], groups[name])
        reason = _reason(things[name], code)
        yield from ((capacity, reason) for capacity in excess)


def _reason(thing: Limited, code: str) -> Reason:
    limits = ((thing.max_vms, "VMs"), (thing.max_cores, "cores"))
    told = " and ".join(f"{value} {unit}" for value, unit in limits if value is not None)
    return Reason.of(code, name=thing.name, limits=told)


def _excess(thing: Limited, members: Sequence[Capacity]) -> list[Capacity]:
    chosen: list[Capacity] = []
    vms, cores = len(members), sum(capacity.vm.resources.cores for capacity in members)
    for capacity in sorted(members, key=emptiest_youngest):
        if _within(vms, thing.max_vms) and _within(cores, thing.max_cores):
            break
        vms, cores = vms - 1, cores - capacity.vm.resources.cores
        chosen.append(capacity)
    return chosen


def _within(value: int, limit: int | None) -> bool:
    return limit is None or value <= limit
