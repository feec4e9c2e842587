"""What was learned of how long VMs boot, from the intent to the first sign of life: the median of the last ones.

A median, because now and then a boot takes many times as long and says nothing of the next. What the inventory says of
the pool counts as one boot among them, so that the first ones seen do not decide alone.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from statistics import median

from vmdirac_py.model.plan import Outcome
from vmdirac_py.model.value import Seconds, Value

LAST = 9
"""Boots that are remembered of each pool."""
MOST_POOLS = 5_000
"""Pools that are remembered; those of which nothing was heard for longest are forgotten first."""


class Boots(Value, frozen=True):
    """How long VMs of a pool are expected to boot, and how long the last ones did, the newest at the end."""

    seconds: Seconds
    last: tuple[Seconds, ...]


def learn(known: Mapping[str, Boots], outcomes: Iterable[tuple[str, float, Outcome]]) -> Mapping[str, Boots]:
    """Return what is known after these outcomes, oldest first, each with its pool's key and the inventory's seconds."""
    fresh: defaultdict[str, list[float]] = defaultdict(list)
    by_inventory: dict[str, float] = {}
    for key, seconds, outcome in outcomes:
        if outcome.booted and outcome.seconds > 0:
            fresh[key].append(round(outcome.seconds, 1))
            by_inventory[key] = seconds
    if not fresh:
        return known
    rest = {key: one for key, one in known.items() if key not in fresh}
    new = {key: _after(known.get(key), by_inventory[key], boots) for key, boots in fresh.items()}
    return dict(list({**rest, **new}.items())[-MOST_POOLS:])


def _after(known: Boots | None, by_inventory: float, fresh: Iterable[float]) -> Boots:
    last = (*(known.last if known else ()), *fresh)[-LAST:]
    return Boots(round(median((by_inventory, *last)), 3), last)
