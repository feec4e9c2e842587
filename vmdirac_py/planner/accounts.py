"""What VOs used and spent, counted from snapshot to snapshot into the memory.

Use fades: core-seconds count half after the endpoint's half-life (HTCondor's PRIORITY_HALFLIFE is a day as well). They
are integrated exactly, so it does not matter how often they are counted. Money does not fade; it is forgotten when a
budget's period ends.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from math import exp2, floor, log

from msgspec.structs import replace

from vmdirac_py.lifecycle.budget import Budget
from vmdirac_py.lifecycle.states import occupies
from vmdirac_py.model.inventory import Endpoint, Inventory, Vo
from vmdirac_py.model.plan import Snapshot
from vmdirac_py.model.vm import Vm

from .memory import Memory, Spent

HOUR, DAY = 3600.0, 86400.0
COUNT_SECONDS = 60.0
"""Least time between two counts: the memory is written at each."""
LONGEST_GAP = DAY
"""A longer gap is a clock that jumped, or a scheduler that stood still: so much of it is counted."""
FORGOTTEN_AFTER = 7 * DAY
"""A failure of which nothing was heard for so long says nothing about today."""
LEAST_USE = 1.0

Told = tuple[Vm, float]
"""A VM, and for how many seconds up to now it was not counted yet."""


def use_key(endpoint: str, vo: str) -> str:
    """Return what a VO's use of an endpoint is remembered by."""
    return f"{endpoint}/{vo}"


def period_seconds(vo: Vo) -> float:
    """Return how long a VO's budget lasts."""
    return vo.budget_days * DAY


def counted(memory: Memory, snapshot: Snapshot) -> Memory:
    """Return the memory with use and money up to `snapshot.at`; a clock that went back counts nothing twice."""
    passed, living = snapshot.at - memory.counted_at, [one.vm for one in snapshot.fleet if occupies(one.vm)]
    if 0.0 <= passed < COUNT_SECONDS or not (living or memory.used or memory.spent or memory.pools or memory.no_match):
        return memory
    told = list(_told(living, memory.counted_at, snapshot.at))
    return replace(
        memory,
        used=_used(memory.used, snapshot.inventory, told, min(LONGEST_GAP, max(0.0, passed))),
        spent=_spent(memory, snapshot, told),
        pools=_remembered(memory.pools, snapshot.at),
        no_match=_remembered(memory.no_match, snapshot.at),
        counted_at=snapshot.at,
    )


def _told(living: Iterable[Vm], counted_at: float, at: float) -> Iterator[Told]:
    for vm in living:
        seconds = at - max(counted_at, vm.created_at, at - LONGEST_GAP)
        if seconds > 0.0:
            yield vm, seconds


def _used(used: Mapping[str, float], inventory: Inventory, told: Iterable[Told], passed: float) -> Mapping[str, float]:
    fresh: defaultdict[str, float] = defaultdict(float)
    for name, endpoint in inventory.endpoints.items():
        for key in (use_key(name, vo) for vo in inventory.vos):
            fresh[key] = faded(used.get(key, 0.0), passed, endpoint)
    weights: dict[tuple[str, float], float] = {}
    for vm, seconds in told:
        if vm.endpoint in inventory.endpoints:
            weight = weights.get((vm.endpoint, seconds))
            if weight is None:
                weight = weights[vm.endpoint, seconds] = weighed(seconds, inventory.endpoints[vm.endpoint])
            fresh[use_key(vm.endpoint, vm.vo)] += vm.resources.cores * weight
    return {key: amount for key, amount in fresh.items() if amount >= LEAST_USE}


def faded(amount: float, seconds: float, endpoint: Endpoint) -> float:
    """Return what is left of use after some seconds."""
    return amount * exp2(-seconds / endpoint.share_half_life)


def weighed(seconds: float, endpoint: Endpoint) -> float:
    """Return what one core in use during the last `seconds` counts now: the integral of the fading."""
    return endpoint.share_half_life / log(2.0) * (1.0 - exp2(-seconds / endpoint.share_half_life))


def spent_by(memory: Memory, vo: Vo, at: float) -> Spent:
    """Return what a VO spent in the budget period that holds at a time."""
    spent, length = memory.spent.get(vo.name, Spent(at)), period_seconds(vo)
    if at < spent.since:
        # The clock was set back: what was spent stays spent.
        return Spent(at, spent.amount)
    periods = floor((at - spent.since) / length)
    return Spent(spent.since + periods * length) if periods else spent


def _spent(memory: Memory, snapshot: Snapshot, told: Iterable[Told]) -> Mapping[str, Spent]:
    inventory, at = snapshot.inventory, snapshot.at
    spent = {vo.name: spent_by(memory, vo, at) for vo in inventory.vos.values() if vo.budget is not None}
    for vm, seconds in told:
        pool = inventory.pools.get(vm.pool)
        if pool and vm.vo in spent:
            known = spent[vm.vo]
            cost = pool.price * min(seconds, max(0.0, at - known.since)) / HOUR
            spent[vm.vo] = Spent(known.since, known.amount + cost)
    return spent


def _remembered(budgets: Mapping[str, Budget], at: float) -> Mapping[str, Budget]:
    return {key: budget for key, budget in budgets.items() if budget.not_before > at - FORGOTTEN_AFTER}
