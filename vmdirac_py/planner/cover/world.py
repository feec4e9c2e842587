"""Wants, machines and bounds as plain numbers, in an order that does not depend on the input's."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from vmdirac_py.model.resources import Resources

from .knapsack import Size
from .values import Bound, Machine, Want

WAITING = 10.0
"""A job left waiting counts as so many times the cheapest way to serve it, so that the most valuable mix is served
where limits bind."""

SPILL = 2.0
"""And it counts at least so many times the dearest way, so that no job waits because the VMs left for it are dear."""

STEP = 10.0
"""Each step down in preference makes a machine count as so many times dearer; waiting counts more by all steps, so
that a job which only a preferred machine fits is not left for one that may go elsewhere."""

FARTHEST = 1e5
"""And the least preferred at most so many times dearer, whatever the steps: beyond that small sums would be lost."""

IDLE = 0.2
"""What a core of a machine without a price counts, in parts of the cheapest price per core."""


class World:
    """The problem; indexes are its own: `wants` and `machines` are sorted, `want_at` is where each one was given.

    `prices` are what VMs count, preferences included, the cheapest being 1.
    """

    def __init__(self, wants: Sequence[Want], machines: Sequence[Machine], bounds: Sequence[Bound]) -> None:
        self.machine_at = sorted(range(len(machines)), key=lambda at: machines[at].pool)
        self.machines = [machines[at] for at in self.machine_at]
        serveable = (at for at, want in enumerate(wants) if want.jobs and want.fits)
        self.want_at = sorted(serveable, key=lambda at: _order(wants[at]))
        self.wants = [wants[at] for at in self.want_at]
        own = {given: at for at, given in enumerate(self.machine_at)}
        self.fits = [{own[given]: count for given, count in sorted(want.fits)} for want in self.wants]
        used = _used([want.need for want in self.wants])
        self.needs = [(max(1, cores), *more) for cores, *more in (_numbers(want.need, used) for want in self.wants)]
        self.sizes = [_numbers(machine.size, used) for machine in self.machines]
        farther = _farther({machine.preference for machine in machines})
        self.prices = _prices(self.machines, farther)
        self.uses = [
            [(at, max(1, machine.size.cores) if bounds[at].by_core else 1) for at in machine.bounds]
            for machine in self.machines
        ]
        self.bounds = [bound.left for bound in bounds]
        self._lift = WAITING * max(farther.values(), default=1.0)
        self.values = [self._value(fits) for fits in self.fits]

    def _value(self, fits: Mapping[int, int]) -> float:
        shares = [self.prices[machine] / per_vm for machine, per_vm in fits.items()]
        # Nobody waits because the only VM left is of a pool that is not preferred, however few it would hold.
        whole = max(self.prices[machine] for machine in fits) if self._lift > WAITING else 0.0
        return max(self._lift * min(shares), SPILL * max(shares), SPILL * whole)


def _order(want: Want) -> tuple[float | str, ...]:
    need = want.need
    return -want.rank, len(want.fits), not want.whole_node, -need.cores, -need.ram_mb, -need.gpus, want.group


def _used(needs: Sequence[Resources]) -> list[str]:
    others = [name for name in ("ram_mb", "gpus", "disk_gb") if any(getattr(need, name) for need in needs)]
    return ["cores", *others]


def _numbers(size: Resources, used: Sequence[str]) -> Size:
    return tuple(getattr(size, name) for name in used)


def _farther(preferences: Collection[int]) -> dict[int, float]:
    """Return how many times dearer a machine counts, by its preference."""
    step = min(STEP, FARTHEST ** (1 / max(1, len(preferences) - 1)))
    return {preference: step**steps for steps, preference in enumerate(sorted(preferences, reverse=True))}


def _prices(machines: Sequence[Machine], farther: Mapping[int, float]) -> list[float]:
    """Return prices; where all are 0, cores; a machine without a price still counts a little per core."""
    per_core = [one.price / max(1, one.size.cores) for one in machines if one.price > 0]
    idle = IDLE * min(per_core) if per_core else 1.0
    priced = [(one.price or idle * max(1, one.size.cores)) * farther[one.preference] for one in machines]
    cheapest = min(priced, default=1.0)
    return [price / cheapest for price in priced]
