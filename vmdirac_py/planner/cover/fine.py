"""The near-optimal method: fills of single VMs as columns of a linear program, rounded step by step.

Gilmore and Gomory's column generation for cutting stock, with several kinds of stock, several resources and shared
bounds; then diving: whole parts are taken, the rest is solved anew, and the largest remaining part is taken whole.
Each such choice is also made another way once (limited discrepancy search).
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence

from .coarse import coarse
from .fleet import Fleet, Opened
from .relaxed import Column, Relaxed

WHOLE = 1e-6
MOST_EXCHANGES = 20
OTHERS = 1
"""So many other ways each choice is made."""

Choice = tuple[Fleet, Column, Collection[Column]]
"""Where a dive took one VM, which one it could have taken instead, and the fills it knew."""


def fine(fleet: Fleet, wants: Sequence[int]) -> Fleet:
    """Return the fleet with VMs for some wants."""
    fleet = fleet.copy()
    for want in wants:
        fleet.fill(want)
    best, choices = _dive(fleet, wants, ())
    for before, column, known in choices:
        other = before.copy()
        _take(other, {column: 1})
        found, _ = _dive(other, wants, known)
        best = min(best, found, key=lambda way: way.cost)
    return _exchanged(best, wants)


def _exchanged(fleet: Fleet, wants: Sequence[int]) -> Fleet:
    for _ in range(MOST_EXCHANGES):
        ways = [_exchange(fleet, want, machine, wants) for want, machine in _wished(fleet, wants)]
        best = min(ways, key=lambda way: way.cost, default=fleet)
        if DEPTH and best.cost >= fleet.cost - WHOLE:
            ways = [_exchange(way, want, machine, wants) for way in ways for want, machine in _wished(way, wants)]
            best = min(ways, key=lambda way: way.cost, default=fleet)
        if best.cost >= fleet.cost - WHOLE:
            break
        fleet = best
    return fleet

import os
DEPTH=int(os.environ.get("DEPTH","0"))

def _wished(fleet: Fleet, wants: Sequence[int]) -> list[tuple[int, int]]:
    """Return the wants of which jobs still wait, with the machines that fit them."""
    return [(want, machine) for want in wants if fleet.waiting[want] for machine in fleet.world.fits[want]]


def _exchange(fleet: Fleet, want: int, machine: int, wants: Sequence[int]) -> Fleet:
    """Return the fleet with one more VM for a want in the place of those that are worth least."""
    fleet = fleet.copy()
    jobs = min(fleet.waiting[want], fleet.world.fits[want][machine])
    while not fleet.room(machine):
        full = {at for at, use in fleet.world.uses[machine] if fleet.left[at] < use}
        worth = [(one_worth, one) for one in fleet.opened if want not in dict(one.jobs) and (one_worth := _worth(fleet, one, full)) is not None]
        if not worth:
            return fleet
        fleet.close(min(worth)[1], 1)
    fleet.open(machine, ((want, jobs),), 1)
    return _dive(fleet, wants, ())[0]


def _worth(fleet: Fleet, one: Opened, full: Collection[int]) -> float | None:
    world = fleet.world
    use = max((use / world.bounds[at] for at, use in world.uses[one.machine] if at in full), default=0)
    value = sum(world.values[want] * jobs for want, jobs in one.jobs) - world.prices[one.machine]
    return value / use if use else None


def _dive(fleet: Fleet, wants: Sequence[int], known: Collection[Column]) -> tuple[Fleet, list[Choice]]:
    fleet, choices = fleet.copy(), list[Choice]()
    for want in wants:
        fleet.fill(want)
    while left := [want for want in wants if fleet.waiting[want]]:
        relaxed = Relaxed(fleet, left, known)
        solution = relaxed.solve()
        known = set(relaxed.columns.values())
        if not solution:
            break
        whole = {column: count for column, part in solution.items() if (count := int(part + WHOLE))}
        if not whole:
            first, *others = sorted(solution, key=lambda column: (-round(solution[column], 6), column))
            choices += [(fleet.copy(), other, known) for other in others[:OTHERS]]
            whole = {first: 1}
        _take(fleet, whole)
    return coarse(fleet, wants), choices


def _take(fleet: Fleet, columns: dict[Column, int]) -> None:
    for (machine, jobs), count in sorted(columns.items()):
        most = min(fleet.waiting[want] // number for want, number in jobs)
        if most:
            fleet.open(machine, jobs, min(count, most))
