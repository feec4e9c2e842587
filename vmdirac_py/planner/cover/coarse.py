"""The near-linear method: want by want, on the machine that serves it best."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from .fleet import Fleet

Order = Callable[[float, int], float]
"""From price and jobs per VM to a number: lower comes first."""

ORDERS: tuple[Order, ...] = (lambda price, per_vm: price / per_vm, lambda _, per_vm: -per_vm)
"""The cheapest VMs per job first, or the largest: a bound counted in VMs is best spent on those."""


def coarse(fleet: Fleet, wants: Iterable[int]) -> Fleet:
    """Return the fleet with VMs for some wants, in their order; of several ways the one that counts least."""
    wants = list(wants)
    ways = [_serve_all(fleet.copy(), wants, ORDERS[0])]
    if any(ways[0].waiting[want] for want in wants):
        ways += [_serve_all(fleet.copy(), wants, order) for order in ORDERS[1:]]
    return min(ways, key=lambda way: way.cost)


def _serve_all(fleet: Fleet, wants: Iterable[int], order: Order) -> Fleet:
    for want in wants:
        fleet.fill(want)
        if fleet.waiting[want]:
            _serve(fleet, want, order)
    return fleet


def _serve(fleet: Fleet, want: int, order: Order) -> None:
    """Full VMs of the best machines first, then one for the rest."""
    prices, fits = fleet.world.prices, fleet.world.fits[want]
    ranked = sorted([(order(prices[at], per_vm), prices[at], at, per_vm) for at, per_vm in fits.items()])
    for _, _, machine, per_vm in ranked:
        waiting = fleet.waiting[want]
        count = min(waiting // per_vm, fleet.room(machine)) if waiting >= per_vm else 0
        if count:
            fleet.open(machine, ((want, per_vm),), count)
    rest = fleet.waiting[want]
    cheapest = min(((prices[at], at) for _, _, at, per_vm in ranked if rest and fleet.room(at)), default=None)
    if cheapest:
        fleet.open(cheapest[1], ((want, rest),), 1)
