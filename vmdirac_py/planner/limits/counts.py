"""Limits that people or clouds wrote down as numbers: of pools, VOs, endpoints, quotas, and one batch."""

from __future__ import annotations

from collections.abc import Iterator

from vmdirac_py.model.inventory import Endpoint
from vmdirac_py.model.reason import Reason

from .limit import Limit, Room, pair
from .world import World


def of_pools(world: World) -> Room:
    """A pool's own most VMs and cores."""
    return {
        name: list(pair(pool.max_vms, pool.max_cores, use.vms, use.cores, "limit.pool", pool=name))
        for name, pool in world.inventory.pools.items()
        for use in (world.by_pool[name],)
    }


def of_vos(world: World) -> Room:
    """A VO's most VMs and cores, over all its pools."""
    limits = {
        name: list(pair(vo.max_vms, vo.max_cores, use.vms, use.cores, "limit.vo", vo=name))
        for name, vo in world.inventory.vos.items()
        for use in (world.by_vo[name],)
    }
    return {name: limits.get(pool.vo, []) for name, pool in world.inventory.pools.items()}


def of_endpoints(world: World) -> Room:
    """An endpoint's most VMs and cores, its cloud's quota less foreign use and reserve, and the size of one batch."""
    limits = {
        name: [*_own(world, endpoint), *_quota(world, endpoint), _ramp(endpoint)]
        for name, endpoint in world.inventory.endpoints.items()
    }
    return {name: limits.get(pool.endpoint, []) for name, pool in world.inventory.pools.items()}


def _own(world: World, endpoint: Endpoint) -> Iterator[Limit]:
    use, name = world.by_endpoint[endpoint.name], endpoint.name
    yield from pair(endpoint.max_vms, endpoint.max_cores, use.vms, use.cores, "limit.endpoint", endpoint=name)


def _quota(world: World, endpoint: Endpoint) -> Iterator[Limit]:
    view, use = world.view(endpoint.name), world.by_endpoint[endpoint.name]
    foreign = {"foreign_vms": view.foreign_vms, "foreign_cores": view.foreign_cores}
    vms, cores = use.vms + view.foreign_vms, use.cores + view.foreign_cores
    yield from pair(view.max_vms, view.max_cores, vms, cores, "quota.endpoint", endpoint=view.name, **foreign)
    if view.max_cores is not None and endpoint.reserve_cores:
        reserve = endpoint.reserve_cores
        reason = Reason.of("limit.reserve", endpoint=view.name, max=view.max_cores, reserve=reserve)
        yield Limit(view.max_cores - cores - reserve, by_core=True, reason=reason)


def _ramp(endpoint: Endpoint) -> Limit:
    reason = Reason.of("limit.ramp", endpoint=endpoint.name, max=endpoint.ramp)
    return Limit(endpoint.ramp, by_core=False, reason=reason)
