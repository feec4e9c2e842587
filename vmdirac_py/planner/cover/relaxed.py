"""What a fleet has left to do, as a linear program: VMs may be had in parts, each filled in the best way."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from .fleet import Fleet, Jobs
from .knapsack import Item, Search
from .simplex import Tableau

Column = tuple[int, Jobs]
"""A VM of a machine, and what it holds."""

WORTHWHILE = 1e-3
"""A fill that saves less than this part of its VM's price is not worth looking at."""

MOST_ROUNDS = 60


class Relaxed:
    """Rows are the wants, then the bounds; `columns` are all fills looked at, by column number of the tableau.

    `known` fills of an earlier program are looked at first, cut to what still waits.
    """

    def __init__(self, fleet: Fleet, wants: Sequence[int], known: Iterable[Column]) -> None:
        world = self._world = fleet.world
        self._waiting = fleet.waiting
        self._machines = [at for at in range(len(world.machines)) if fleet.room(at)]
        self._rows = {want: row for row, want in enumerate(wants)}
        bounds = dict.fromkeys(at for machine in self._machines for at, _ in world.uses[machine])
        self._bound_rows = {at: len(wants) + row for row, at in enumerate(bounds)}
        costs = [*(world.values[want] for want in wants), *(0.0 for _ in bounds)]
        self._tableau = Tableau(costs, [*(fleet.waiting[want] for want in wants), *(fleet.left[at] for at in bounds)])
        for row in range(len(wants)):
            self._tableau.add(0.0, [(row, -1.0)])
        self.columns: dict[int, Column] = {}
        for machine, jobs in sorted({self._cut(column) for column in known}):
            if jobs and fleet.room(machine):
                self._add((machine, jobs))

    def _cut(self, column: Column) -> Column:
        machine, jobs = column
        return machine, tuple((want, min(count, self._waiting[want])) for want, count in jobs if self._waiting[want])

    def _add(self, column: Column) -> None:
        machine, jobs = column
        entries = [(self._rows[want], float(count)) for want, count in jobs]
        entries += [(self._bound_rows[at], float(use)) for at, use in self._world.uses[machine]]
        self.columns[self._tableau.add(self._world.prices[machine], entries)] = column

    def solve(self) -> dict[Column, float]:
        """Return how many VMs of which fills are best."""
        solution = self._tableau.solve()
        for _ in range(MOST_ROUNDS):
            better = self._better(self._tableau.prices)
            if not better:
                break
            for column in better:
                self._add(column)
            solution = self._tableau.solve()
        return {self.columns[number]: part for number, part in solution.items() if number in self.columns}

    def _better(self, prices: Sequence[float]) -> list[Column]:
        """Return the best fill of each machine that would save something at these prices of jobs and bounds."""
        found = ((machine, self._best(machine, prices)) for machine in self._machines)
        return [(machine, jobs) for machine, jobs in found if jobs]

    def _best(self, machine: int, prices: Sequence[float]) -> Jobs:
        """Return the fill of one VM that is worth most, if that is more than the VM costs."""
        world, items = self._world, list[Item]()
        best: Jobs = ()
        price = world.prices[machine] * (1 + WORTHWHILE)
        least = price - sum(prices[self._bound_rows[at]] * use for at, use in world.uses[machine])
        for want, row in self._rows.items():
            if machine not in world.fits[want] or prices[row] <= 0:
                continue
            if not world.wants[want].whole_node:
                items.append(Item(want, prices[row], world.needs[want], self._waiting[want]))
            elif prices[row] > least:
                least, best = prices[row], ((want, 1),)
        return Search(items, world.sizes[machine], least).best or best
