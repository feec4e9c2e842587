"""The near-optimal method: a linear program of fills of single VMs, rounded step by step, then mended by exchanges.

Gilmore and Gomory's column generation for cutting stock (Operations Research 9, 1961), with several kinds of stock,
several resources and shared bounds.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from .coarse import coarse
from .fleet import Fleet, Opened
from .relaxed import Column, Relaxed

WHOLE = 1e-6
"""Parts of a VM so small are errors of rounding."""

CHOICES = 3
"""So many choices of a dive are made the second-best way, too."""

TRIES = 10
"""So many exchanges in a row may be in vain."""

Choice = tuple[Fleet, Column, Collection[Column]]
"""Where a dive rounded up, which fill it could have taken instead, and the fills it knew."""


def fine(fleet: Fleet, wants: Sequence[int]) -> Fleet:
    """Return the fleet with VMs for some wants."""
    best, choices = _dive(fleet, wants)
    for before, column, known in choices[:CHOICES]:
        _take(before, {column: 1})
        found, _ = _dive(before, wants, known)
        best = min(best, found, key=_cost)
    return _exchanged(best, wants)


def _cost(fleet: Fleet) -> float:
    return fleet.cost


def _dive(fleet: Fleet, wants: Sequence[int], known: Collection[Column] = ()) -> tuple[Fleet, list[Choice]]:
    """Take the whole parts of the solution, solve the rest anew, and so on; where none is whole, the largest.

    What is not worth a VM of its own is served in the end if there is room.
    """
    fleet, choices = fleet.copy(), list[Choice]()
    for want in wants:
        fleet.fill(want)
    while left := [want for want in wants if fleet.waiting[want]]:
        relaxed = Relaxed(fleet, left, known)
        parts, known = relaxed.solve(), set(relaxed.columns.values())
        whole = {column: count for column, part in parts.items() if (count := int(part + WHOLE))}
        if parts and not whole:
            first, *others = sorted(parts, key=lambda column: (-round(parts[column], 6), column))
            choices += [(fleet.copy(), other, known) for other in others[:1]]
            whole = {first: 1}
        if not whole:
            break
        _take(fleet, whole)
    return coarse(fleet, wants), choices


def _take(fleet: Fleet, columns: Mapping[Column, int]) -> None:
    for (machine, jobs), count in sorted(columns.items()):
        most = min(fleet.waiting[want] // number for want, number in jobs)
        if most:
            fleet.open(machine, jobs, min(count, most))


def _exchanged(fleet: Fleet, wants: Sequence[int]) -> Fleet:
    """Give waiting jobs VMs in the place of others as long as that is better."""
    wished = _wished(fleet, wants)
    while wished:
        want, machine = wished.pop()
        found = _exchange(fleet, want, machine, wants)
        if found.cost < fleet.cost - WHOLE:
            fleet, wished = found, _wished(found, wants)
    return fleet


def _wished(fleet: Fleet, wants: Sequence[int]) -> list[tuple[int, int]]:
    """Return wants of which jobs wait, each with a machine that fits them; those to try first come last."""
    wished = [(want, machine) for want in wants if fleet.waiting[want] for machine in fleet.world.fits[want]]
    return wished[:TRIES][::-1]


def _exchange(fleet: Fleet, want: int, machine: int, wants: Sequence[int]) -> Fleet:
    """Return the fleet with one more VM for a want, instead of those that are worth least.

    These hold no jobs like it, and no jobs but of these wants: what was placed for others before stays.
    """
    fleet = fleet.copy()
    jobs = min(fleet.waiting[want], fleet.world.fits[want][machine])
    movable = set(wants) - {want}
    while not fleet.room(machine):
        others = [one for one in fleet.opened if movable.issuperset(dict(one.jobs))]
        worths = {one: worth for one in others if (worth := _worth(fleet, one, machine)) is not None}
        if not worths:
            return fleet
        fleet.close(min(worths, key=lambda one: (worths[one], one)))
    fleet.open(machine, ((want, jobs),), 1)
    return _dive(fleet, wants)[0]


def _worth(fleet: Fleet, one: Opened, machine: int) -> float | None:
    """Return what a VM is worth per part of a bound that leaves no room for a machine; None: it would not help."""
    world = fleet.world
    full = {at for at, use in world.uses[machine] if fleet.left[at] < use}
    part = max((use / world.bounds[at] for at, use in world.uses[one.machine] if at in full), default=0.0)
    value = sum(world.values[want] * jobs for want, jobs in one.jobs) - world.prices[one.machine]
    return value / part if part else None
