"""Room for the jobs that no running VM takes: VMs on their way, then new ones, chosen together for all."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from math import ceil
from typing import NamedTuple

from vmdirac_py.model.inventory import Pool
from vmdirac_py.model.resources import Resources

from .asks import Ask
from .assign import Share
from .cover import Bound, Fill, Machine, cover
from .ends import WASTE
from .hold import Patience
from .limits import Limits
from .memory import Memory
from .pricing import counted_price, wanted_cores
from .spots import Fits, Spot, Spots
from .stock import Phase

PROBED = 10**7
"""While an endpoint is probed, a failure of a pool outweighs any priority: the next probe tries another one."""
COMING = 10**12
"""What is on its way is preferred to anything new."""


class Launch(NamedTuple):
    """New VMs of a pool whose longest job is expected to run for `seconds`, and the jobs they are for."""

    pool: Pool
    vms: int
    seconds: float
    jobs: Mapping[Share, int]


class Launching:
    """Deals the jobs that are left to VMs that come, and asks for new ones within the limits."""

    def __init__(self, spots: Spots, limits: Limits, memory: Memory, patience: Patience) -> None:
        self._spots, self._limits, self._memory, self._patience = spots, limits, memory, patience
        self._bounds: list[Bound] = []
        self._tried: Counter[str] = Counter()
        self._dealt: Counter[str] = Counter()

    def run(self, shares: Sequence[Share]) -> list[Launch]:
        """Note in the shares which jobs VMs on their way take, and return what to launch for the others."""
        for share in shares:
            share.forget()
        self._dealt.clear()
        asks = self._asks(shares)
        if not asks:
            return []
        spots = list({spot.name: spot for ask in asks for spot, _ in ask.fits}.values())
        at = {spot.name: position for position, spot in enumerate(spots)}
        machines = self._machines(spots, asks)
        found = cover([ask.want(at) for ask in asks], machines, self._bounds)
        return [
            launch
            for fill in sorted(found.fills, key=_fullest)
            for launch in self._deal(spots[fill.machine], fill, asks)
        ]

    def _asks(self, shares: Iterable[Share]) -> list[Ask]:
        alike: defaultdict[tuple[str, float, Resources, bool, int], list[tuple[Share, int]]] = defaultdict(list)
        fitting: dict[int, Fits] = {}
        for share in shares:
            jobs = self._allowed(share) if share.left else 0
            fits = self._spots.of(share.group) if jobs else ()
            if fits:
                group = share.group
                key = (group.vo, group.turn, group.shape.need, group.shape.whole_node, id(fits))
                alike[key].append((share, jobs))
                fitting[id(fits)] = fits
        return [Ask(fitting[key[-1]], some) for key, some in alike.items()]

    def _allowed(self, share: Share) -> int:
        """Return how many of the jobs without room may get a VM, by the limits of their DIRAC group."""
        group, left = share.group, share.left
        for limit in self._limits.of_group(group.vo, group.limited):
            each = max(1, group.shape.min_cores) if limit.by_core else 1 / max(1, group.most_per_vm)
            room = max(0, int((limit.left - ceil((group.jobs - share.left) * each)) / each))
            if room < left:
                left = room
                share.reasons.append(limit.reason)
        return left

    def _machines(self, spots: Sequence[Spot], asks: Sequence[Ask]) -> list[Machine]:
        self._bounds.clear()
        at: dict[int, int] = {}
        for limit in (limit for spot in spots if spot.key is None for limit in self._limits.of_pool[spot.pool.name]):
            if id(limit) not in at:
                at[id(limit)] = self._bound(Bound(max(0, limit.left), limit.by_core))
        probed = self._probed(asks)
        wanted = sum(ask.cores for ask in asks)
        return [self._machine(spot, at, probed.get(spot.name), wanted) for spot in spots]

    def _probed(self, asks: Iterable[Ask]) -> dict[str, int]:
        """Return the pools that are tried with few VMs after earlier ones found no work, and with how many."""
        probed: dict[str, int] = {}
        for ask in asks if self._memory.no_match else ():
            for spot, _ in ask.fits:
                if spot.key is None:
                    room = max(0, self._limits.of_shape(spot.pool, ask.shape)[0] - self._tried[spot.name])
                    probed[spot.name] = min(room, probed.get(spot.name, room))
        return probed

    def _machine(self, spot: Spot, at: Mapping[int, int], probed: int | None, wanted: int) -> Machine:
        if spot.key is not None:
            alone = self._bound(Bound(spot.vms))
            return Machine(spot.name, spot.key.total, 0.0, (alone,), COMING, spot.vms)
        pool = spot.pool
        bounds = tuple([at[id(limit)] for limit in self._limits.of_pool[pool.name]])
        if probed is not None:
            bounds = (*bounds, self._bound(Bound(probed)))
        preference = pool.priority - PROBED * self._failures(pool)
        price = counted_price(pool, self._limits.of_pool[pool.name], self._memory.lengths, wanted)
        return Machine(spot.name, pool.resources, price, bounds, preference)

    def _bound(self, bound: Bound) -> int:
        self._bounds.append(bound)
        return len(self._bounds) - 1

    def _failures(self, pool: Pool) -> int:
        # Only while its endpoint allows single probes: then the next probe should try another pool.
        probing = self._memory.endpoint(pool.endpoint).allowance is not None
        return self._memory.pool(pool).failures if probing else 0

    def _deal(self, spot: Spot, fill: Fill, asks: Sequence[Ask]) -> Iterator[Launch]:
        """Deal jobs to the VMs of a fill, the longest together; yield those that are new and worth it."""
        left, parts = fill.count, [(asks[want], jobs) for want, jobs in fill.jobs]
        small, full = not self._large_enough(spot.pool, parts), _full(spot.pool, parts)
        may_wait = spot.key is None and (small or spot.pool.resources.cores > WASTE)
        while left:
            count = min(left, *(ask.vms(jobs) for ask, jobs in parts))
            seconds = max(ask.seconds for ask, _ in parts)
            taken = {share: jobs for ask, each in parts for share, jobs in ask.take(each * count)}
            left -= count
            if may_wait and self._patience.hold(taken, spot.pool, full=full and not small):
                continue
            self._give(spot, taken, count)
            if spot.key is None:
                self._tried[spot.name] += count
                yield Launch(spot.pool, self._limits.take(spot.pool, count), seconds, taken)

    def _large_enough(self, pool: Pool, parts: Sequence[tuple[Ask, int]]) -> bool:
        """Tell whether a VM of a pool may take up an instance while these are few; a VO's largest always may."""
        wanted = wanted_cores(self._limits.of_pool[pool.name])
        largest = max(spot.pool.resources.cores for ask, _ in parts for spot, _ in ask.fits)
        return pool.resources.cores >= min(wanted, largest)

    def _give(self, spot: Spot, taken: Mapping[Share, int], count: int) -> None:
        """Note for how many of the jobs dealt to so many VMs of a spot these boot already, and for how many not."""
        dealt = self._dealt[spot.name]
        self._dealt[spot.name] += count
        soon = spot.soon(dealt, count)
        for share, jobs in taken.items():
            here = jobs * soon // count
            share.give(Phase.BOOTING, here)
            share.give(Phase.NEW, jobs - here)


def _full(pool: Pool, parts: Sequence[tuple[Ask, int]]) -> bool:
    """Tell whether a VM with these jobs has no room for another of them."""
    if any(ask.shape.whole_node for ask, _ in parts):
        return True
    rest = pool.resources
    for ask, jobs in parts:
        rest = rest - ask.used(jobs)
    return not any(ask.fits_in(rest) for ask, _ in parts)


def _fullest(fill: Fill) -> tuple[int, int]:
    """Deal the fullest VMs first: what boots already is counted on first."""
    return -sum(jobs for _, jobs in fill.jobs), fill.machine
