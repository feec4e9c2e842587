"""Waiting jobs grouped by VO and shape: what fits them is found out once per group."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from vmdirac_py.model.fit import Offer, misfit
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
    """All queues of one VO and shape. `sample` is one of them, `candidates` the pools that fit."""

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
        self._groups: dict[tuple[str, Shape], Group] = {}
        for queue in queues:
            if (queue.vo, queue.shape) not in self._groups:
                found = _candidates(queue, self.pools_of(queue.vo), memory)
                self._groups[queue.vo, queue.shape] = Group(queue, found)

    def of(self, queue: TaskQueue) -> Group:
        """Return the group of a queue."""
        return self._groups[queue.vo, queue.shape]

    def pools_of(self, vo: str) -> Sequence[Pool]:
        """Return the pools of a VO, by name."""
        return self._pools.get(vo, ())

    def wanted(self) -> Mapping[str, int]:
        """Return how many groups each pool could serve."""
        return Counter(candidate.pool.name for group in self._groups.values() for candidate in group.candidates)


def _pools_by_vo(pools: Mapping[str, Pool]) -> Mapping[str, Sequence[Pool]]:
    by_vo: defaultdict[str, list[Pool]] = defaultdict(list)
    for name in sorted(pools):
        by_vo[pools[name].vo].append(pools[name])
    return by_vo


def _candidates(queue: TaskQueue, pools: Sequence[Pool], memory: Memory) -> list[Candidate]:
    fitting = [(pool, side_by_side(queue, Offer.of_pool(pool))) for pool in pools]
    cores = max(1, queue.shape.min_cores)
    return [Candidate(pool, n, n * cores, _failures(pool, memory)) for pool, n in fitting if n]


def _failures(pool: Pool, memory: Memory) -> int:
    # Only while its endpoint allows single probes: then the next probe should try another pool.
    probing = memory.endpoint(pool.endpoint).allowance is not None
    return memory.pool(pool.name).failures if probing else 0


def side_by_side(queue: TaskQueue, offer: Offer) -> int:
    """Return how many jobs of a queue run at once on what is offered, each with its least need; 0: none fits."""
    if misfit(queue, offer):
        return 0
    return 1 if queue.shape.whole_node else min(_fold_counts(queue.shape, offer.free))


def _fold_counts(shape: Shape, free: Resources) -> list[int]:
    pairs = ((free.cores, max(1, shape.min_cores)), (free.ram_mb, shape.ram_mb), (free.gpus, shape.gpus))
    return [have // need for have, need in pairs if need]
