"""The most valuable fill of one VM: a bounded knapsack in several resources, by depth-first search."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

MOST_NODES = 150
SLACK = 1 + 1e-9
UNNEEDED = float("inf")
Size = tuple[int, ...]


class Item(NamedTuple):
    """Equal jobs that fit an empty VM: the want's index, what one is worth, what it needs, how many there are."""

    want: int
    worth: float
    need: Size
    most: int


class Search:
    """One search: `best` is the most valuable fill that is worth more than `least`, empty if there is none.

    It gives up after 150 steps with the best so far.
    """

    def __init__(self, items: Sequence[Item], size: Size, least: float) -> None:
        self._items = sorted(items, key=lambda item: (-item.worth / _share(item.need, size), item.want))
        self._rates = _rates(self._items, len(size))
        self._nodes = 0
        self._taken = [0] * len(items)
        self._worth, self._best = least, self._taken.copy()
        self._from(0, size, 0.0)

    @property
    def best(self) -> tuple[tuple[int, int], ...]:
        """Return how many jobs of which wants."""
        found = zip(self._items, self._best, strict=True)
        return tuple(sorted((item.want, count) for item, count in found if count))

    def _from(self, at: int, free: Size, worth: float) -> None:
        if worth > self._worth * SLACK:
            self._worth, self._best = worth, self._taken.copy()
        self._nodes += 1
        if at == len(self._items) or self._nodes > MOST_NODES:
            return
        item, rates = self._items[at], self._rates[at]
        if worth + min(map(_times, rates, free)) <= self._worth * SLACK:
            return
        most = min(item.most, *[have // need for have, need in zip(free, item.need, strict=True) if need])
        for count in range(most, -1, -1):
            self._taken[at] = count
            left = tuple([have - count * need for have, need in zip(free, item.need, strict=True)])
            self._from(at + 1, left, worth + count * item.worth)
        self._taken[at] = 0


def _times(rate: float, free: int) -> float:
    return rate * free if rate < UNNEEDED else UNNEEDED


def _share(need: Size, size: Size) -> float:
    return max(want / have for want, have in zip(need, size, strict=True) if want)


def _rates(items: Sequence[Item], kinds: int) -> list[list[float]]:
    """Return, for each item and those after it, the most any of them is worth per unit of each resource."""
    rates, best = [], [0.0] * kinds
    for item in reversed(items):
        mine = [item.worth / need if need else UNNEEDED for need in item.need]
        best = [max(pair) for pair in zip(best, mine, strict=True)]
        rates.append(best)
    return rates[::-1]
