"""The near-linear method: want by want, on the machine that serves it best."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from .fleet import Fleet


def coarse(fleet: Fleet, wants: Iterable[int]) -> Fleet:
    """Return the fleet with VMs for some wants, in their order, which is that of their ranks.

    The cheapest VMs per job are opened first; where bounds then leave jobs waiting, the largest first if fewer wait
    then, since a bound counted in VMs is best spent on those.
    """
    wants = list(wants)
    found = _serve_all(fleet.copy(), wants, fleet.world.prices)
    if not any(found.waiting[want] for want in wants):
        return found
    other = _serve_all(fleet.copy(), wants, [1.0] * len(fleet.world.prices))
    return min(found, other, key=lambda way: (way.waiting_by_rank(), way.cost))


def _serve_all(fleet: Fleet, wants: Iterable[int], weights: Sequence[float]) -> Fleet:
    for want in wants:
        fleet.fill(want)
        if fleet.waiting[want]:
            _serve(fleet, want, weights)
    return fleet


def _serve(fleet: Fleet, want: int, weights: Sequence[float]) -> None:
    """Full VMs with the least weight per job first, then one for the rest."""
    prices, shut, waiting = fleet.world.prices, fleet.shut, fleet.waiting
    fits = [(machine, per_vm) for machine, per_vm in fleet.world.fits[want].items() if machine not in shut]
    for _, machine, per_vm in sorted([(weights[machine] / per_vm, machine, per_vm) for machine, per_vm in fits]):
        if waiting[want] >= per_vm and (room := fleet.room(machine)):
            fleet.open(machine, ((want, per_vm),), min(room, waiting[want] // per_vm))
    while waiting[want] and (open_ := [(prices[machine], machine) for machine, _ in fits if machine not in shut]):
        machine = min(open_)[1]
        if fleet.room(machine):
            fleet.open(machine, ((want, waiting[want]),), 1)
