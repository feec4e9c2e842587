"""VMs above a limit that was lowered: the emptiest and youngest, busy ones last."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import ClassVar, Protocol

from vmdirac_py.model.reason import Reason
from vmdirac_py.model.vm import Capacity

from .order import emptiest_youngest
from .policy import Candidate, Proof, Terms
from .view import View


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
        for every, key, code in (
            (inventory.pools, lambda one: one.vm.pool, "over.pool"),
            (inventory.vos, lambda one: one.vm.vo, "over.vo"),
            (inventory.endpoints, lambda one: one.vm.endpoint, "over.endpoint"),
        ):
            things = {name: one for name, one in every.items() if one.max_vms is not None or one.max_cores is not None}
            over = list(_over(things, _by(staying, key), code)) if things else []
            yield from over
            gone = {one.vm.id for one, _ in over}
            staying = [one for one in staying if one.vm.id not in gone]


def _by(fleet: Iterable[Capacity], key: Callable[[Capacity], str]) -> Mapping[str, list[Capacity]]:
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
    vms, cores = len(members), sum([capacity.vm.resources.cores for capacity in members])
    if _within(vms, thing.max_vms) and _within(cores, thing.max_cores):
        return chosen
    for capacity in sorted(members, key=emptiest_youngest):
        if _within(vms, thing.max_vms) and _within(cores, thing.max_cores):
            break
        vms, cores = vms - 1, cores - capacity.vm.resources.cores
        chosen.append(capacity)
    return chosen


def _within(value: int, limit: int | None) -> bool:
    return limit is None or value <= limit
