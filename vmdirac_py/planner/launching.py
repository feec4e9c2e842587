"""New VMs for the jobs that found no room: how many, of which pools, and for jobs of what length."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from math import ceil
from typing import NamedTuple

from vmdirac_py.model.inventory import Pool

from .asks import Ask
from .assign import Share
from .cover import Bound, Fill, Machine, cover
from .groups import Candidate
from .hold import Patience
from .limits import Limits
from .memory import Memory

FAILURES = 100
"""A pool's preference is its priority times this, less its failures: those only decide among equals."""


class Launch(NamedTuple):
    """New VMs of a pool whose longest job is expected to run for `seconds`, and the jobs they are for."""

    pool: Pool
    vms: int
    seconds: float
    jobs: Mapping[Share, int]


class _Rooms(dict[str, int]):
    """How many VMs each pool may have before any is launched; asked once."""

    def __init__(self, limits: Limits, pools: Mapping[str, Pool]) -> None:
        super().__init__()
        self._limits, self._pools = limits, pools

    def __missing__(self, name: str) -> int:
        room = self[name] = self._limits.room(self._pools[name])[0]
        return room


class Launching:
    """Asks for new VMs within the limits; what it holds back is noted in the shares."""

    def __init__(self, pools: Mapping[str, Pool], limits: Limits, memory: Memory, patience: Patience) -> None:
        self._limits, self._memory, self._patience = limits, memory, patience
        self._bounds: list[Bound] = []
        self._fits: dict[int, tuple[Candidate, ...]] = {}
        self._rooms = _Rooms(limits, pools)

    def run(self, shares: Sequence[Share]) -> list[Launch]:
        """Return what to launch now for the jobs of these shares that found no room."""
        for share in shares:
            share.held = 0
            share.reasons.clear()
        asks = self._asks(shares)
        if not asks:
            return []
        pools = list({one.pool.name: one.pool for ask in asks for one in ask.fits}.values())
        at = {pool.name: position for position, pool in enumerate(pools)}
        wants = [ask.want(at) for ask in asks]
        found = cover(wants, self._machines(pools, asks), self._bounds)
        return [launch for fill in found.fills for launch in self._launches(pools[fill.machine], fill, asks)]

    def _asks(self, shares: Iterable[Share]) -> list[Ask]:
        alike: defaultdict[tuple[object, ...], list[tuple[Share, int]]] = defaultdict(list)
        fitting: dict[tuple[object, ...], Sequence[Candidate]] = {}
        for share in shares:
            jobs = self._allowed(share) if share.left else 0
            fits = self._open(share) if jobs else ()
            if fits:
                group = share.group
                room = tuple((one.pool.name, one.per_vm) for one in fits)
                key = (group.vo, group.priority, group.shape.need, group.shape.whole_node, room)
                alike[key].append((share, jobs))
                fitting[key] = fits
        return [Ask(fitting[key], some) for key, some in alike.items()]

    def _allowed(self, share: Share) -> int:
        """Return for how many of the jobs without room VMs may be launched, by the limits of their DIRAC group."""
        group, left = share.group, share.left
        for limit in self._limits.of_group(group.vo, group.limited):
            each = max(1, group.shape.min_cores) if limit.by_core else 1 / max(1, group.most_per_vm)
            room = max(0, int((limit.left - ceil((group.jobs - share.left) * each)) / each))
            if room < left:
                left = room
                share.reasons.append(limit.reason)
        return left

    def _open(self, share: Share) -> tuple[Candidate, ...]:
        key = id(share.group.candidates)
        if key not in self._fits:
            found = share.group.candidates
            self._fits[key] = tuple([one for one in found if self._rooms[one.pool.name]])
        fits = self._fits[key]
        if not self._memory.no_match:
            return fits
        return tuple([one for one in fits if self._limits.of_shape(one.pool, share.group.shape)[0]])

    def _machines(self, pools: Sequence[Pool], asks: Iterable[Ask]) -> list[Machine]:
        at: dict[int, int] = {}
        for limit in (limit for pool in pools for limit in self._limits.of_pool[pool.name]):
            if id(limit) not in at:
                at[id(limit)] = len(self._bounds)
                self._bounds.append(Bound(max(0, limit.left), limit.by_core))
        probed = self._probed(asks)
        return [self._machine(pool, at, probed.get(pool.name)) for pool in pools]

    def _probed(self, asks: Iterable[Ask]) -> dict[str, int]:
        """Return the pools that are tried with few VMs after earlier ones found no work, and with how many."""
        if not self._memory.no_match:
            return {}
        rooms = ((one.pool.name, self._limits.of_shape(one.pool, ask.shape)[0]) for ask in asks for one in ask.fits)
        probed: dict[str, int] = {}
        for name, room in rooms:
            probed[name] = min(room, probed.get(name, room))
        return probed

    def _machine(self, pool: Pool, at: Mapping[int, int], probed: int | None) -> Machine:
        bounds = tuple(at[id(limit)] for limit in self._limits.of_pool[pool.name])
        if probed is not None:
            bounds = (*bounds, len(self._bounds))
            self._bounds.append(Bound(probed))
        preference = pool.priority * FAILURES - min(FAILURES - 1, self._failures(pool))
        return Machine(pool.name, pool.resources, pool.price, bounds, preference)

    def _failures(self, pool: Pool) -> int:
        # Only while its endpoint allows single probes: then the next probe should try another pool.
        probing = self._memory.endpoint(pool.endpoint).allowance is not None
        return self._memory.pool(pool).failures if probing else 0

    def _launches(self, pool: Pool, fill: Fill, asks: Sequence[Ask]) -> Iterator[Launch]:
        left, parts = fill.count, [(asks[want], jobs) for want, jobs in fill.jobs]
        full = _full(pool, parts)
        while left:
            count = min(left, *(ask.vms(jobs) for ask, jobs in parts))
            seconds = max(ask.seconds for ask, _ in parts)
            taken = {share: jobs for ask, each in parts for share, jobs in ask.take(each * count)}
            left -= count
            if not full and self._patience.hold(taken, pool):
                continue
            yield Launch(pool, self._limits.take(pool, count), seconds, taken)


def _full(pool: Pool, parts: Sequence[tuple[Ask, int]]) -> bool:
    """Tell whether a VM with these jobs has no room for another of them."""
    if any(ask.shape.whole_node for ask, _ in parts):
        return True
    rest = pool.resources
    for ask, jobs in parts:
        rest = rest - ask.used(jobs)
    return not any(ask.fits_in(rest) for ask, _ in parts)
