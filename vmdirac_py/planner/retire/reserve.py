"""VMs that give way to the owner of a shared cloud."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from typing import ClassVar

from vmdirac_py.model.inventory import Endpoint
from vmdirac_py.model.reason import Reason
from vmdirac_py.model.vm import Capacity

from .policy import FOR_WISHES, Candidate, Terms
from .view import View


class OverReserve:
    """Foreign use leaves less than `endpoint_reserve_cores` of a quota free.

    VMs on their way out count as free already. Those that still boot are chosen too: they cannot drain yet, and are
    chosen again when they can, rather than an older one in their place.
    """

    terms: ClassVar[Terms] = FOR_WISHES

    def candidates(self, view: View) -> Iterator[Candidate]:
        """Yield the newest VMs of such endpoints, without which the reserve is free again."""
        excess = {endpoint.name: cores for endpoint, cores in _excess(view) if cores > 0}
        for name, members in _by_endpoint(view, excess).items():
            endpoint = view.snapshot.inventory.endpoints[name]
            reason = Reason.of("over.reserve", endpoint=name, reserve=endpoint.reserve_cores)
            yield from ((one, reason) for one in _newest(members, excess[name]))


def _excess(view: View) -> Iterator[tuple[Endpoint, int]]:
    """Yield endpoints with the cores that are missing of their reserve."""
    for one in view.snapshot.endpoints:
        endpoint = view.snapshot.inventory.endpoints.get(one.name)
        if endpoint and endpoint.reserve_cores and one.max_cores is not None:
            ours = sum(vm.vm.resources.cores for vm in view.staying if vm.vm.endpoint == one.name)
            yield endpoint, one.foreign_cores + endpoint.reserve_cores - one.max_cores + ours


def _by_endpoint(view: View, names: Mapping[str, int]) -> Mapping[str, list[Capacity]]:
    groups: defaultdict[str, list[Capacity]] = defaultdict(list)
    for one in view.staying if names else ():
        if one.vm.endpoint in names:
            groups[one.vm.endpoint].append(one)
    return groups


def _newest(members: Sequence[Capacity], excess: int) -> Iterator[Capacity]:
    for one in sorted(members, key=_newest_emptiest):
        if excess <= 0:
            return
        excess -= one.vm.resources.cores
        yield one


def _newest_emptiest(capacity: Capacity) -> tuple[float, int, str]:
    return -capacity.vm.created_at, capacity.busy_slots, capacity.vm.id
