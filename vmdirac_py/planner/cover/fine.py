"""The near-optimal method: fills of single VMs as columns of a linear program, rounded step by step.

Gilmore and Gomory's column generation for cutting stock, with several kinds of stock, several resources and shared
bounds; then diving: whole parts are taken, the rest is solved anew, and the largest remaining part is taken whole.
"""

from __future__ import annotations

from collections.abc import Iterable

from .fleet import Fleet
from .relaxed import Column, Relaxed

WHOLE = 1e-6


def fine(fleet: Fleet, wants: Iterable[int]) -> Fleet:
    """Return the fleet with VMs for some wants; jobs not worth a VM of their own are left."""
    fleet, wants, columns = fleet.copy(), list(wants), set[Column]()
    for want in wants:
        fleet.fill(want)
    while wants := [want for want in wants if fleet.waiting[want]]:
        relaxed = Relaxed(fleet, wants, columns)
        if not _round(fleet, relaxed.solve()):
            break
        columns = set(relaxed.columns.values())
    return fleet


def _round(fleet: Fleet, solution: dict[Column, float]) -> bool:
    whole = {column: count for column, part in solution.items() if (count := int(part + WHOLE))}
    if solution and not whole:
        whole = {min(solution, key=lambda column: (-round(solution[column], 6), column)): 1}
    for (machine, jobs), count in sorted(whole.items()):
        most = min(fleet.waiting[want] // number for want, number in jobs)
        if most:
            fleet.open(machine, jobs, min(count, most))
    return bool(whole)
