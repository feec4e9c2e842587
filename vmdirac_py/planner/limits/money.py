"""Money budgets of VOs: no launch that would pass what is left, and warnings before."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from vmdirac_py.lifecycle.states import occupies
from vmdirac_py.model.inventory import Pool, Vo
from vmdirac_py.model.reason import Reason
from vmdirac_py.planner.accounts import HOUR, period_seconds, spent_by

from .limit import NO_LIMIT, Limit, Room
from .world import World

FORECAST_STEP = 5
"""Forecasts are told in steps of so many percent: else every plan would tell another one."""


def least_life(pool: Pool) -> float:
    """Return for how many seconds a VM of a pool surely costs: its boot and idle time, at least its minimum life."""
    return max(pool.min_life, pool.boot_seconds + pool.idle_seconds)


@dataclass(frozen=True, slots=True)
class Purse:
    """A VO's budget: spent so far, what living VMs will surely cost yet, cost per hour now, and the period's end."""

    vo: Vo
    total: float
    spent: float
    committed: float
    per_hour: float
    until: float

    def percent(self, amount: float) -> int:
        """Return an amount as a part of the budget."""
        return int(100 * amount / self.total) if self.total else 100

    def reason(self, code: str, **about: int) -> Reason:
        """Return a reason that tells of this budget."""
        return Reason.of(code, vo=self.vo.name, budget=self.total, until=int(self.until), **about)

    def forecast(self, at: float) -> float:
        """Return what will be spent at the period's end if the fleet stays as it is."""
        return self.spent + self.per_hour * max(0.0, self.until - at) / HOUR


def purses(world: World) -> Iterator[Purse]:
    """Yield the budget of each VO that has one."""
    for vo in world.inventory.vos.values():
        if vo.budget is not None:
            spent = spent_by(world.memory, vo, world.at)
            hourly, committed = _fleet_cost(world, vo.name)
            yield Purse(vo, vo.budget, spent.amount, committed, hourly, spent.since + period_seconds(vo))


def _fleet_cost(world: World, vo: str) -> tuple[float, float]:
    hourly, committed, pools = 0.0, 0.0, world.inventory.pools
    for vm in (capacity.vm for capacity in world.snapshot.fleet):
        pool = pools.get(vm.pool)
        if pool and vm.vo == vo and occupies(vm):
            hourly += pool.price
            committed += pool.price * max(0.0, vm.created_at + least_life(pool) - world.at) / HOUR
    return hourly, committed


def of_money(world: World) -> Room:
    """VMs that cost, as many as the rest of the budget pays for; counted as the dearest of the VO's pools."""
    room: dict[str, list[Limit]] = {}
    pools = world.pools_by(lambda pool: pool.vo)
    for purse in purses(world):
        priced = [pool for pool in pools.get(purse.vo.name, ()) if pool.price]
        if priced:
            shared = _limit(purse, priced)
            room |= {pool.name: [shared] for pool in priced}
    return room


def _limit(purse: Purse, priced: list[Pool]) -> Limit:
    taken = purse.spent + purse.committed
    one = max(pool.price * least_life(pool) / HOUR for pool in priced)
    rest = max(0.0, purse.total - taken)
    count = int(min(NO_LIMIT, rest / one)) if one else (NO_LIMIT if rest else 0)
    return Limit(count, by_core=False, reason=purse.reason("budget.spent", percent=purse.percent(taken)))


def warnings(world: World) -> Mapping[str, tuple[Reason, ...]]:
    """Return by pool what is to be told of its VO's budget from `budget_warn` on."""
    told = {purse.vo.name: (_warning(purse, world.at),) for purse in purses(world) if _worrying(purse)}
    return {name: told[pool.vo] for name, pool in world.inventory.pools.items() if pool.price and pool.vo in told}


def _worrying(purse: Purse) -> bool:
    return purse.spent >= purse.vo.budget_warn * purse.total


def _warning(purse: Purse, at: float) -> Reason:
    forecast = purse.percent(purse.forecast(at)) // FORECAST_STEP * FORECAST_STEP
    return purse.reason("budget.warn", percent=purse.percent(purse.spent), forecast=forecast)
