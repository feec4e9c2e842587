"""TARDIS on COBalD: feedback from how busy its drones are, with no look at the queue."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from itertools import product
from math import ceil
from typing import Self

from msgspec import Struct

from vmdirac_py.model.inventory import Inventory, Pool
from vmdirac_py.model.plan import Plan, Snapshot
from vmdirac_py.model.vm import Capacity, VmState

from .books import BOOTING, Books, idle_for

HEARTBEAT = 60.0
"""Seconds until a drone that was refused looks at its state; the cycle after that replaces it."""
NEVER = 86400.0
"""Drones do not end by themselves."""
Demands = Mapping[str, float]
"""Cores by pool."""


class Settings(Struct, frozen=True):
    """`rate` (cores per second) by which demand moves; below `utilisation` it falls, above `allocation` it rises."""

    rate: float = 1.0
    utilisation: float = 0.5
    allocation: float = 0.5


class Tardis:
    """A LinearController over a FactoryPool (MatterMiners/cobald, `controller/linear.py`, `composite/factory.py`).

    Each 30 s and for each pool: when running drones are busy to less than `low_utilisation` demand falls,
    else when they are to more than `high_allocation` it rises. Where none runs both count as 1.0, so demand rises from
    nothing, and goes on rising while the first ones boot. What is missing is created at once, what is too much is
    released, the least used first. A refusal leaves no trace but a missing drone. Allocation is the most used of cores
    and memory, utilisation that of the cores.
    """

    name = "TARDIS"
    cycle_seconds = 30.0

    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    @classmethod
    def settings(cls) -> Iterator[Self]:
        """Yield the rule with each of the settings to choose from."""
        for rate, (low, high) in product((0.01, 0.03, 0.1), ((0.5, 0.5), (0.8, 0.95))):
            yield cls(Settings(rate, low, high))

    @property
    def setting(self) -> Settings:
        """Return what it is set to."""
        return self._settings

    def inventory(self, inventory: Inventory) -> Inventory:
        """Return the inventory with VMs that wait to be drained."""
        return idle_for(inventory, NEVER)

    def step(self, snapshot: Snapshot, memory: Demands | None) -> tuple[Plan, Demands]:
        """Regulate once; the memory is the demand of each pool."""
        books, before = Books(snapshot, self.name), memory or {}
        drones = _drones(snapshot)
        demands = {}
        for name, pool in snapshot.inventory.pools.items():
            known, cores = drones[name], pool.resources.cores
            most = (sum(not _refused(one) for one in known) + books.room(pool)) * cores
            demands[name] = min(self._regulated(before.get(name, 0.0), known), float(most))
            _follow(books, pool, demands[name], known)
        return books.plan(), demands

    def _regulated(self, demand: float, drones: Sequence[Capacity]) -> float:
        by, running = self._settings.rate * self.cycle_seconds, [one for one in drones if _runs(one)]
        if _mean([_utilisation(one) for one in running]) < self._settings.utilisation:
            return max(0.0, demand - by)
        return demand + by if _mean([_allocation(one) for one in running]) > self._settings.allocation else demand


def _drones(snapshot: Snapshot) -> defaultdict[str, list[Capacity]]:
    """Return by pool the drones that were not told to end, as far as it knows."""
    found = defaultdict(list)
    for one in snapshot.fleet:
        unnoticed = _refused(one) and snapshot.at - one.vm.created_at <= HEARTBEAT
        if unnoticed or _runs(one) or one.vm.state in BOOTING:
            found[one.vm.pool].append(one)
    return found


def _refused(one: Capacity) -> bool:
    return one.vm.state is VmState.FAILED


def _runs(one: Capacity) -> bool:
    return one.vm.state is VmState.RUNNING


def _follow(books: Books, pool: Pool, demand: float, drones: Sequence[Capacity]) -> None:
    """Create what is missing, release what is too much."""
    cores = pool.resources.cores
    missing = demand - len(drones) * cores
    if missing > 0:
        books.launch(pool, min(ceil(missing / cores), books.room(pool)), 0)
    elif missing < 0:
        idlest = sorted((one for one in drones if _runs(one)), key=_utilisation)
        books.drain(pool, [one.vm.id for one in idlest[: int(-missing // cores)]])


def _utilisation(one: Capacity) -> float:
    cores = one.vm.resources.cores
    return (cores - one.free.cores) / cores


def _allocation(one: Capacity) -> float:
    ram = one.vm.resources.ram_mb
    return max(_utilisation(one), (ram - one.free.ram_mb) / ram if ram else 0.0)


def _mean(values: Sequence[float]) -> float:
    """Return the mean; of nothing it is 1.0."""
    return sum(values) / len(values) if values else 1.0
