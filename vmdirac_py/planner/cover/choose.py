"""The one entry: which method, rank by rank where there is not enough for all."""

from __future__ import annotations

from collections.abc import Sequence
from functools import reduce
from itertools import groupby

from .coarse import coarse
from .fine import fine
from .fleet import Fleet
from .values import Bound, Cover, Fill, Machine, Want
from .world import World

FINE = 600
"""The near-optimal method is used as well where wants, times all pairs of a want and a machine, are at most so many."""


def cover(wants: Sequence[Want], machines: Sequence[Machine], bounds: Sequence[Bound] = ()) -> Cover:
    """Choose new VMs for the wants within the bounds.

    All wants together first; only where the bounds then leave jobs waiting, rank by rank, so that no job waits for
    one of lower rank.
    """
    world = World(wants, machines, bounds)
    everything = range(len(world.wants))
    if len(everything) * sum(map(len, world.fits)) > FINE:
        return _told(coarse(Fleet(world), everything), wants)
    found = _both(Fleet(world), everything)
    ranks = [list(some) for _, some in groupby(everything, key=lambda want: world.wants[want].rank)]
    if any(found.waiting) and len(ranks) > 1:
        found = reduce(_both, ranks, Fleet(world))
    return _told(found, wants)


def _both(fleet: Fleet, wants: Sequence[int]) -> Fleet:
    return min(fine(fleet, wants), coarse(fleet, wants), key=lambda way: way.cost)


def _told(fleet: Fleet, wants: Sequence[Want]) -> Cover:
    world, unserved = fleet.world, [0] * len(wants)
    for own, count in enumerate(fleet.waiting):
        unserved[world.want_at[own]] = count
    fills = (
        Fill(world.machine_at[one.machine], tuple((world.want_at[want], jobs) for want, jobs in one.jobs), count)
        for one, count in sorted(fleet.opened.items())
    )
    waiting = [at for at, count in enumerate(fleet.waiting) if count]
    stopped = {machine for want in waiting for machine in world.fits[want]}
    binding = {at for machine in stopped for at, use in world.uses[machine] if fleet.left[at] < use}
    return Cover(tuple(fills), tuple(unserved), frozenset(binding))
