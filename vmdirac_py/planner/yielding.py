"""Which VMs to drain for others: the owner of a shared cloud, or a VO's purse. The newest first, a few at a time."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Sequence

from vmdirac_py.lifecycle.states import ALIVE, EDGES, occupies
from vmdirac_py.model.inventory import Endpoint
from vmdirac_py.model.plan import Action, Decision, EndpointView, Snapshot
from vmdirac_py.model.reason import Reason
from vmdirac_py.model.vm import Capacity, VmState

from .accounts import period_seconds, spent_by
from .memory import Memory

MOST_DRAINS = 20
"""Most VMs that one plan drains for one endpoint or VO: use that only seems to have risen must not empty a cloud."""

Chosen = tuple[Capacity, Reason]


def over_reserve(snapshot: Snapshot, leaving: Collection[str] = ()) -> tuple[Decision, ...]:
    """Return drains of what gives way (`giving_way`)."""
    return _decisions(giving_way(snapshot, leaving))


def giving_way(snapshot: Snapshot, leaving: Collection[str] = ()) -> list[Chosen]:
    """Return the newest VMs where foreign use leaves less than `endpoint_reserve_cores` of a quota free, with why.

    VMs that are on their way out, or among `leaving`, count as free already.
    """
    chosen: list[Chosen] = []
    for view in sorted(snapshot.endpoints, key=lambda view: view.name):
        endpoint = snapshot.inventory.endpoints.get(view.name)
        if endpoint and endpoint.reserve_cores and view.max_cores is not None:
            chosen += _newest(snapshot, endpoint, view, view.max_cores, leaving)
    return chosen


def _newest(
    snapshot: Snapshot, endpoint: Endpoint, view: EndpointView, quota: int, leaving: Collection[str]
) -> Iterator[Chosen]:
    ours = [one for one in snapshot.fleet if one.vm.endpoint == endpoint.name and occupies(one.vm)]
    staying = [one for one in ours if one.vm.state in ALIVE and one.vm.id not in leaving]
    excess = view.foreign_cores + endpoint.reserve_cores - quota + sum(one.vm.resources.cores for one in staying)
    reason = Reason.of("over.reserve", endpoint=endpoint.name, reserve=endpoint.reserve_cores)
    for capacity in sorted(staying, key=_newest_emptiest)[:MOST_DRAINS]:
        if excess <= 0:
            break
        excess -= capacity.vm.resources.cores
        yield capacity, reason


def over_budget(snapshot: Snapshot, memory: Memory, leaving: Collection[str] = ()) -> tuple[Decision, ...]:
    """Return drains of what nobody pays for any more (`unpaid`)."""
    return _decisions(unpaid(snapshot, memory, leaving))


def unpaid(snapshot: Snapshot, memory: Memory, leaving: Collection[str] = ()) -> list[Chosen]:
    """Return VMs that cost, of VOs that spent their budget and want that (`vo_budget_drain`), with why."""
    chosen: list[Chosen] = []
    for vo in sorted(snapshot.inventory.vos.values(), key=lambda vo: vo.name):
        spent = spent_by(memory, vo, snapshot.at)
        if vo.budget is not None and vo.budget_drain and spent.amount >= vo.budget:
            until = int(spent.since + period_seconds(vo))
            reason = Reason.of("over.budget", vo=vo.name, budget=vo.budget, until=until)
            chosen += [(one, reason) for one in _costing(snapshot, vo.name, leaving)[:MOST_DRAINS]]
    return chosen


def _costing(snapshot: Snapshot, vo: str, leaving: Collection[str]) -> Sequence[Capacity]:
    priced = {name for name, pool in snapshot.inventory.pools.items() if pool.price and pool.vo == vo}
    living = (one for one in snapshot.fleet if one.vm.pool in priced and one.vm.vo == vo and one.vm.state in ALIVE)
    return sorted((one for one in living if one.vm.id not in leaving), key=_newest_emptiest)


def _newest_emptiest(capacity: Capacity) -> tuple[float, int, str]:
    return -capacity.vm.created_at, capacity.busy_slots, capacity.vm.id


def _decisions(chosen: Iterable[Chosen]) -> tuple[Decision, ...]:
    groups: defaultdict[tuple[str, str, str, Reason], list[str]] = defaultdict(list)
    for capacity, reason in chosen:
        vm = capacity.vm
        # One that still boots cannot drain yet; it is chosen again when it can, rather than an older one in its place.
        if VmState.DRAINING in EDGES[vm.state]:
            groups[vm.endpoint, vm.pool, vm.vo, reason].append(vm.id)
    return tuple(
        Decision(Action.DRAIN, endpoint, pool, vo, len(vms), reason, tuple(vms))
        for (endpoint, pool, vo, reason), vms in groups.items()
    )
