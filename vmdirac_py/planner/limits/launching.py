"""What endpoints and pools may be asked for after they failed: their launch budgets, and one probe at a time."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from vmdirac_py.lifecycle.budget import Budget, allow
from vmdirac_py.lifecycle.probing import probe_room, probes
from vmdirac_py.model.batch import ErrorClass
from vmdirac_py.model.inventory import Pool

from .limit import NO_LIMIT, Limit, Room
from .world import Use, World


def of_endpoint_budgets(world: World) -> Room:
    """What an endpoint refused lately, over all its pools."""
    limits = {
        name: list(_of_budget(world.memory.endpoint(name), world.at, name, world.by_endpoint[name]))
        for name in world.inventory.endpoints
    }
    return {name: limits.get(pool.endpoint, []) for name, pool in world.inventory.pools.items()}


def of_pool_budgets(world: World) -> Room:
    """What was refused to pools that ask for the same flavor and image for the same VO; they share it."""
    pools = world.inventory.pools
    first = {world.keys[name]: pools[name] for name in sorted(pools, reverse=True)}
    limits = {
        key: list(_of_budget(world.memory.pool(pool), world.at, pool.name, world.by_key[key]))
        for key, pool in first.items()
    }
    return {name: limits[world.keys[name]] for name in pools}


def _of_budget(budget: Budget, at: float, scope: str, use: Use) -> Iterator[Limit]:
    # A pool on probation for stillborn VMs has proved nothing before a VM of it runs.
    unproved = use.booting if budget.error_class is ErrorClass.STILLBORN else use.in_flight
    left, reason = allow(budget, NO_LIMIT, at, scope=scope, in_flight=unproved)
    if reason:
        yield Limit(left, by_core=False, reason=reason)


def of_probes(world: World) -> Room:
    """After any failure, an endpoint's pools that proved nothing since share one probe at a time."""
    room: dict[str, list[Limit]] = {}
    for name, pools in world.pools_by(lambda pool: pool.endpoint).items():
        probing = [pool for pool in pools if _probes(world, pool)]
        if probing:
            shared = _shared(world, name, probing)
            room |= {pool.name: [shared] for pool in probing}
    return room


def _probes(world: World, pool: Pool) -> bool:
    proved = world.by_key[world.keys[pool.name]].running > 0
    return probes(world.memory.pace(pool.endpoint), world.memory.pool(pool), proved=proved)


def _shared(world: World, endpoint: str, probing: list[Pool]) -> Limit:
    uses: Mapping[str, Use] = {world.keys[pool.name]: world.by_key[world.keys[pool.name]] for pool in probing}
    left, reason = probe_room(
        world.memory.pace(endpoint),
        world.at,
        last_probe=max(use.newest for use in uses.values()),
        in_flight=sum(use.in_flight for use in uses.values()),
        endpoint=endpoint,
    )
    return Limit(left, by_core=False, reason=reason)
