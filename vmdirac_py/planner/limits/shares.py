"""VO shares: where an endpoint cannot give all VOs what they want, who used much lately gets less.

What an endpoint may give is filled up by weights (weighted max-min fairness), so that nobody is held back while others
want less than their share, and a VO alone may use all. A weight is the VO's share times Slurm's fair-share factor
2^(-use/share), use and share as parts of those who compete (multifactor priority plugin).
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from math import ceil

from vmdirac_py.model.inventory import Endpoint, Pool, Vo
from vmdirac_py.model.reason import Reason
from vmdirac_py.planner.accounts import use_key
from vmdirac_py.planner.memory import Memory

from .limit import NO_LIMIT, Limit, Room
from .windows import closed
from .world import World

DEEPEST = 20.0
"""Most halvings of a weight: a VO that used everything still gets a millionth of its share."""
Amounts = Mapping[str, float]


def of_shares(world: World) -> Room:
    """Ceilings of VOs on endpoints where they want more than there is."""
    room: defaultdict[str, list[Limit]] = defaultdict(list)
    for name, pools in world.pools_by(lambda pool: pool.endpoint).items():
        if len({pool.vo for pool in pools}) > 1:
            for vo, limit in _of_endpoint(world, world.inventory.endpoints[name], pools):
                for pool in pools:
                    if pool.vo == vo:
                        room[pool.name].append(limit)
    return room


def _of_endpoint(world: World, endpoint: Endpoint, pools: Sequence[Pool]) -> Iterator[tuple[str, Limit]]:
    useful = [pool for pool in pools if not closed(pool, world.at)]
    by_vo = {vo: [pool for pool in useful if pool.vo == vo] for vo in sorted({pool.vo for pool in pools})}
    waiting = _waiting(world, endpoint)
    for by_core, capacity in _capacities(world, endpoint):
        has = _held(world, endpoint, by_core=by_core)
        wants = {
            vo: _want(world.inventory.vos[vo], has[vo], waiting.get(vo, (0, 0)), found, by_core=by_core)
            for vo, found in by_vo.items()
        }
        free = max(0.0, capacity - sum(amount for vo, amount in has.items() if vo not in wants))
        given = filled(free, wants, weights(world.memory, endpoint.name, _competing(world, wants)))
        for vo in (vo for vo in wants if given[vo] < wants[vo]):
            percent = round(100 * given[vo] / capacity) if capacity > 0 else 0
            reason = Reason.of("limit.share", vo=vo, endpoint=endpoint.name, percent=percent)
            biggest = max((pool.resources.cores for pool in by_vo[vo]), default=1) if by_core else 1
            yield vo, Limit(_rounded(given[vo] - has[vo], biggest), by_core=by_core, reason=reason)


def _rounded(left: float, biggest: int) -> int:
    """Let the VM pass in which a share ends: shares smaller than a VM would else leave cores to nobody."""
    whole = ceil(left - 1e-9)
    return whole + biggest - 1 if whole > 0 else whole


def _competing(world: World, wants: Amounts) -> Mapping[str, Vo]:
    return {vo: world.inventory.vos[vo] for vo, amount in wants.items() if amount > 0}


def weights(memory: Memory, endpoint: str, vos: Mapping[str, Vo]) -> Amounts:
    """Return the weight of each competing VO by its share and its decayed use of the endpoint."""
    used = {name: memory.used.get(use_key(endpoint, name), 0.0) for name in vos}
    all_used, all_shares = sum(used.values()), sum(vo.share for vo in vos.values())
    halvings = {name: used[name] / all_used / (vo.share / all_shares) if all_used else 0.0 for name, vo in vos.items()}
    return {name: vo.share * 2.0 ** -min(DEEPEST, halvings[name]) for name, vo in vos.items()}


def filled(capacity: float, wants: Amounts, weights: Amounts) -> dict[str, float]:
    """Return what each gets: all it wants where that is within its part by weight, else that part of what is left."""
    given = {name: 0.0 for name in wants if name not in weights}
    open_, left = [name for name in wants if name in weights], capacity
    while open_:
        level = left / sum(weights[name] for name in open_)
        content = [name for name in open_ if wants[name] <= weights[name] * level]
        if not content:
            return given | {name: weights[name] * level for name in open_}
        given |= {name: wants[name] for name in content}
        left = max(0.0, left - sum(wants[name] for name in content))
        open_ = [name for name in open_ if name not in content]
    return given


def _capacities(world: World, endpoint: Endpoint) -> Iterator[tuple[bool, float]]:
    """Yield what the endpoint gives all our VOs together: by cores, by VMs, or neither where nothing limits it."""
    view = world.view(endpoint.name)
    cores = None if view.max_cores is None else view.max_cores - view.foreign_cores - endpoint.reserve_cores
    vms = None if view.max_vms is None else view.max_vms - view.foreign_vms
    for by_core, limits in ((True, (cores, endpoint.max_cores)), (False, (vms, endpoint.max_vms))):
        known = [limit for limit in limits if limit is not None]
        if known:
            yield by_core, float(max(0, min(known)))


def _held(world: World, endpoint: Endpoint, *, by_core: bool) -> Counter[str]:
    uses = world.by_vo_at.get(endpoint.name, {})
    return Counter({vo: use.cores if by_core else use.vms for vo, use in uses.items()})


def _waiting(world: World, endpoint: Endpoint) -> Mapping[str, tuple[int, int]]:
    """Return by VO the jobs that wait and may run at the endpoint's site, and their cores."""
    waiting: defaultdict[str, tuple[int, int]] = defaultdict(lambda: (0, 0))
    for (vo, sites, banned), (jobs, cores) in world.waiting.items():
        if (not sites or endpoint.site in sites) and endpoint.site not in banned:
            waiting[vo] = waiting[vo][0] + jobs, waiting[vo][1] + cores
    return waiting


def _want(vo: Vo, has: int, waiting: tuple[int, int], pools: Sequence[Pool], *, by_core: bool) -> float:
    """Return how much a VO may want: what it has, and more for its waiting jobs, within its own limits."""
    jobs, cores = waiting
    if not pools or not jobs:
        return float(has)
    smallest = min(pool.resources.cores for pool in pools)
    wanted = max(cores, smallest) if by_core else min(jobs, -(-cores // smallest))
    most = _least((vo.max_cores if by_core else vo.max_vms, sum(_most(pool, by_core=by_core) for pool in pools)))
    return float(max(has, min(has + wanted, most)))


def _most(pool: Pool, *, by_core: bool) -> int:
    cores = pool.resources.cores
    if by_core:
        return _least((pool.max_cores, None if pool.max_vms is None else pool.max_vms * cores))
    return _least((pool.max_vms, None if pool.max_cores is None else pool.max_cores // cores))


def _least(limits: Iterable[int | None]) -> int:
    return min((limit for limit in limits if limit is not None), default=NO_LIMIT)
