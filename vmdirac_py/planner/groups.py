"""Waiting jobs grouped by VO and shape: what fits them is found out once per group."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from vmdirac_py.model.fit import Offer, failing
from vmdirac_py.model.inventory import Pool
from vmdirac_py.model.queue import Shape, TaskQueue
from vmdirac_py.model.resources import Resources

from .kinds import Kind
from .memory import Memory


@dataclass(frozen=True, slots=True)
class Candidate:
    """A pool whose empty VMs fit a kind of job: how many at once, of how many useful cores, after how many failures."""

    pool: Pool
    per_vm: int
    useful_cores: int
    failures: int


@dataclass(slots=True, eq=False)
class Group:
    """All queues of one VO and shape. `sample` is one of them, `candidates` the pools that fit, preferred first."""

    sample: TaskQueue
    candidates: Sequence[Candidate]
    per_vm: dict[Kind, int] = field(default_factory=dict)

    def on(self, kind: Kind) -> int:
        """Return how many of its jobs run side by side on one VM of a kind."""
        known = self.per_vm.get(kind)
        if known is None:
            known = self.per_vm[kind] = side_by_side(self.sample, kind.offer)
        return known


class Groups:
    """The groups of all queues, and the pools of their VOs."""

    def __init__(self, pools: Mapping[str, Pool], queues: Sequence[TaskQueue], memory: Memory) -> None:
        self._pools = _pools_by_vo(pools)
        self._offers = {name: Offer.of_pool(pool) for name, pool in pools.items()}
        self._groups: dict[tuple[str, Shape], Group] = {}
        for queue in queues:
            if (queue.vo, queue.shape) not in self._groups:
                self._groups[queue.vo, queue.shape] = Group(queue, self._candidates(queue, memory))

    def of(self, queue: TaskQueue) -> Group:
        """Return the group of a queue."""
        return self._groups[queue.vo, queue.shape]

    def pools_of(self, vo: str) -> Sequence[Pool]:
        """Return the pools of a VO, preferred first, then by name."""
        return self._pools.get(vo, ())

    def _candidates(self, queue: TaskQueue, memory: Memory) -> list[Candidate]:
        cores = max(1, queue.shape.min_cores)
        fitting = [(pool, side_by_side(queue, self._offers[pool.name])) for pool in self.pools_of(queue.vo)]
        return [Candidate(pool, n, n * cores, _failures(pool, memory)) for pool, n in fitting if n]

    def wanted(self) -> Mapping[str, int]:
        """Return how many groups each pool could serve."""
        return Counter(candidate.pool.name for group in self._groups.values() for candidate in group.candidates)


def _pools_by_vo(pools: Mapping[str, Pool]) -> Mapping[str, Sequence[Pool]]:
    by_vo: defaultdict[str, list[Pool]] = defaultdict(list)
    for pool in sorted(pools.values(), key=lambda pool: (-pool.priority, pool.name)):
        by_vo[pool.vo].append(pool)
    return by_vo


def _failures(pool: Pool, memory: Memory) -> int:
    # Only while its endpoint allows single probes: then the next probe should try another pool.
    probing = memory.endpoint(pool.endpoint).allowance is not None
    return memory.pool(pool).failures if probing else 0


def side_by_side(queue: TaskQueue, offer: Offer) -> int:
    """Return how many jobs of a queue run at once on what is offered, each with its least need; 0: none fits."""
    if failing(queue, offer):
        return 0
    return 1 if queue.shape.whole_node else min(_fold_counts(queue.shape, offer.free))


def _fold_counts(shape: Shape, free: Resources) -> list[int]:
    pairs = (
        (free.cores, max(1, shape.min_cores)),
        (free.ram_mb, shape.ram_mb),
        (free.gpus, shape.gpus),
        (free.disk_gb, shape.disk_gb),
    )
    return [have // need for have, need in pairs if need]
