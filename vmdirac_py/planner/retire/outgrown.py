"""Small VMs where instances are few: each takes up one of them, and waiting jobs refill it for ever."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from typing import ClassVar

from vmdirac_py.model.fit import Offer, failing_shape
from vmdirac_py.model.inventory import Pool
from vmdirac_py.model.queue import Shape
from vmdirac_py.model.reason import Reason
from vmdirac_py.model.vm import Capacity, VmState
from vmdirac_py.planner.limits import Limit
from vmdirac_py.planner.limits.counts import of_endpoints, of_vos
from vmdirac_py.planner.limits.world import World

from .launchable import launchable
from .policy import EVERY_DOUBT, Candidate, Proof, Terms
from .view import View

FEW = 0.1
"""Instances are few once no more than this part of a limit in VMs is left."""


class Outgrown:
    """A limit in VMs of an endpoint or VO is nearly used up, and jobs wait for more cores than are free.

    A VM of few cores is never left to end, for any job is within its reach. So as many of the smallest drain as, each
    replaced by one of the VO's largest there, give the cores that are missing.
    """

    terms: ClassVar[Terms] = Terms(Proof.ASKED, EVERY_DOUBT, busy=True)

    def candidates(self, view: View) -> Iterator[Candidate]:
        """Yield the smallest VMs of VOs whose jobs wait where instances are few."""
        crowded = list(_crowded(view)) if _may_be_few(view) else []
        if not crowded:
            return
        wanted, places = _Wanted(view), _places(view)
        for pool, left in crowded:
            cores = pool.resources.cores
            smaller = [one for one in places[pool.vo, pool.endpoint] if one.vm.resources.cores < cores]
            if smaller:
                yield from _smallest(view, pool, smaller, wanted.missing(pool) - left * cores)


def _may_be_few(view: View) -> bool:
    """Tell whether anything is limited in VMs and jobs wait; most plans need not count the fleet for it."""
    things, waiting = view.snapshot.inventory, view.snapshot.demand.queues
    limits = [one.max_vms for one in things.vos.values()]
    limits += [endpoint.max_vms for endpoint in things.endpoints.values()]
    limits += [told.max_vms for told in view.snapshot.endpoints]
    return any(limit is not None for limit in limits) and any(queue.waiting for queue in waiting)


class _Wanted:
    """How many cores jobs wait for, those of a VO that are alike counted once, and how many are free, by VO."""

    def __init__(self, view: View) -> None:
        self._waiting: defaultdict[str, Counter[Shape]] = defaultdict(Counter)
        for queue in view.snapshot.demand.queues:
            self._waiting[queue.vo][queue.shape] += queue.waiting * max(1, queue.shape.min_cores)
        self._free = Counter[str]()
        for one in view.staying:
            self._free[one.vm.vo] += one.free.cores

    def missing(self, pool: Pool) -> int:
        """Return how many cores jobs that fit a pool wait for beyond those that are free."""
        offer = Offer.of_pool(pool)
        fitting = [cores for shape, cores in self._waiting[pool.vo].items() if failing_shape(shape, offer) is None]
        return sum(fitting) - self._free[pool.vo]


def _places(view: View) -> Mapping[tuple[str, str], Sequence[Capacity]]:
    """Return the VMs by VO and endpoint."""
    found: defaultdict[tuple[str, str], list[Capacity]] = defaultdict(list)
    for one in view.snapshot.fleet:
        found[one.vm.vo, one.vm.endpoint].append(one)
    return found


def _crowded(view: View) -> Iterator[tuple[Pool, int]]:
    """Yield the largest pool of a VO at an endpoint where few instances are left, and how many are."""
    world = World(view.snapshot, view.memory)
    of_vo, of_endpoint = of_vos(world), of_endpoints(world)
    largest: dict[tuple[str, str], Pool] = {}
    for pool in launchable(view):
        place = pool.vo, pool.endpoint
        largest[place] = max(pool, largest.get(place, pool), key=_cores)
    for pool in largest.values():
        tight = [limit.left for limit in (*of_vo[pool.name], *of_endpoint[pool.name]) if _is_tight(limit)]
        if tight:
            yield pool, max(0, min(tight))


def _is_tight(limit: Limit) -> bool:
    return not limit.by_core and limit.most > 0 and limit.left <= FEW * limit.most


def _smallest(view: View, pool: Pool, smaller: Sequence[Capacity], missing: int) -> Iterator[Candidate]:
    """Yield smaller VMs, until the pool's in their place give the cores that are missing."""
    cores = pool.resources.cores
    missing -= sum(cores - one.vm.resources.cores for one in smaller if _goes(view, one))
    reason = Reason.of("retire.outgrown", endpoint=pool.endpoint, cores=cores)
    for one in sorted(smaller, key=_rank) if missing > 0 else ():
        if missing > 0 and one.vm.state is VmState.RUNNING and not _goes(view, one):
            missing -= cores - one.vm.resources.cores
            yield one, reason


def _goes(view: View, one: Capacity) -> bool:
    return one.vm.id in view.leaving or one.vm.state is VmState.DRAINING


def _cores(pool: Pool) -> tuple[int, str]:
    return pool.resources.cores, pool.name


def _rank(one: Capacity) -> tuple[int, int, float, str]:
    return one.vm.resources.cores, one.busy_slots, -one.vm.created_at, one.vm.id
