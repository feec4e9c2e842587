"""The one entry: which method for which wants, rank by rank where there is not enough for all."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import reduce
from itertools import groupby

from msgspec.structs import replace

from .coarse import coarse
from .fine import fine
from .fleet import Fleet
from .values import Bound, Cover, Fill, Machine, Want
from .world import World

FINE = 200
"""The near-optimal method is used as well if its effort is at most that: wants times pairs of a want and a machine.

It is applied to all wants together or, if that is too much, to each set of wants that share no machine with others
(those of one VO), when these together are not too much.
"""


def cover(wants: Sequence[Want], machines: Sequence[Machine], bounds: Sequence[Bound] = ()) -> Cover:
    """Choose VMs for the wants within the bounds.

    Those that are coming are tried alone first; only if they are not enough, new ones are chosen together with them.
    """
    if _may_do(wants, machines):
        found = _covered([_on_coming(want, machines) for want in wants], machines, bounds)
        if not any(found.unserved):
            return found
    return _covered(wants, machines, bounds)


def _may_do(wants: Sequence[Want], machines: Sequence[Machine]) -> bool:
    """Tell whether what is coming has the cores for all wants, and would be enough for each if it were alone."""
    cores = sum(machine.size.cores * machine.coming for machine in machines)
    return sum(want.jobs * max(1, want.need.cores) for want in wants) <= cores and all(
        want.jobs <= sum(per_vm * machines[at].coming for at, per_vm in want.fits) for want in wants
    )


def _on_coming(want: Want, machines: Sequence[Machine]) -> Want:
    return replace(want, fits=tuple([(at, per_vm) for at, per_vm in want.fits if machines[at].coming]))


def _covered(wants: Sequence[Want], machines: Sequence[Machine], bounds: Sequence[Bound]) -> Cover:
    """Choose VMs of any machine that the wants fit.

    All ranks at once first; only where the bounds then leave jobs waiting, rank by rank, so that no job waits for
    one of lower rank.
    """
    world = World(wants, machines, bounds)
    everything = list(range(len(world.wants)))
    sets = _sets(world, everything)
    found = coarse(Fleet(world), everything)
    if sets is None or (_plain(world) and not any(found.waiting)):
        return _told(found, wants)
    found = reduce(_both, sets, Fleet(world))
    ranks = [list(some) for _, some in groupby(everything, key=lambda want: world.wants[want].rank)]
    if any(found.waiting) and len(ranks) > 1:
        found = reduce(
            _both, ([want for want in some if want in rank] for rank in ranks for some in sets), Fleet(world)
        )
    return _told(found, wants)


def _sets(world: World, everything: list[int]) -> list[list[int]] | None:
    """Return the sets of wants that are each covered in the near-optimal way, None: they are too many."""
    if len(everything) > FINE:
        return None
    for sets in ([everything], _apart(world)):
        if _effort(world, sets) <= FINE:
            return sets
    return None


def _plain(world: World) -> bool:
    """Tell whether there is nothing to choose: all jobs need the same, and all machines that fit one are of a size."""
    needs = {(tuple(need), want.whole_node) for need, want in zip(world.needs, world.wants, strict=True)}
    return len(needs) <= 1 and all(len({world.sizes[machine] for machine in fits}) <= 1 for fits in world.fits)


def _effort(world: World, sets: Iterable[Sequence[int]]) -> int:
    return sum(len(wants) * sum(len(world.fits[want]) for want in wants) for wants in sets)


def _apart(world: World) -> list[list[int]]:
    """Return sets of wants such that no machine fits wants of two of them."""
    sets: list[tuple[set[int], list[int]]] = []
    for want, fits in enumerate(world.fits):
        machines, wants = set(fits), [want]
        for one in [one for one in sets if not one[0].isdisjoint(fits)]:
            sets.remove(one)
            machines |= one[0]
            wants += one[1]
        sets.append((machines, wants))
    return sorted(sorted(wants) for _, wants in sets)


def _both(fleet: Fleet, wants: Sequence[int]) -> Fleet:
    return min(fine(fleet, wants), coarse(fleet, wants), key=lambda way: way.cost) if wants else fleet


def _told(fleet: Fleet, wants: Sequence[Want]) -> Cover:
    world, unserved = fleet.world, [want.jobs for want in wants]
    for own, count in enumerate(fleet.waiting):
        unserved[world.want_at[own]] = count
    fills = (
        Fill(world.machine_at[one.machine], tuple((world.want_at[want], jobs) for want, jobs in one.jobs), count)
        for one, count in sorted(fleet.opened.items())
    )
    return Cover(tuple(fills), tuple(unserved), fleet.binding())
