"""Room for jobs on one VM, there or wished for."""

from __future__ import annotations

from collections.abc import Iterable
from math import inf

from vmdirac_py.model.fit import Offer, failing, norm_seconds, side_by_side
from vmdirac_py.model.inventory import Pool
from vmdirac_py.model.queue import TaskQueue
from vmdirac_py.model.resources import Resources


class Room:
    """What is left of a VM while jobs are put on it; `oldest` (epoch) is since when the first of those waits."""

    __slots__ = ("_empty", "_free", "_seconds_left", "jobs", "oldest", "pool")

    def __init__(self, pool: Pool, free: Resources, *, empty: bool, seconds_left: float) -> None:
        self.pool, self._free, self._empty = pool, free, empty
        self._seconds_left = norm_seconds(max(0.0, seconds_left), pool)
        self.jobs, self.oldest = 0, inf

    @classmethod
    def new(cls, pool: Pool) -> Room:
        """Return an empty VM of a pool."""
        return cls(pool, pool.resources, empty=True, seconds_left=pool.max_life - pool.boot_deadline)

    @property
    def cores(self) -> int:
        """Return how many cores are free."""
        return self._free.cores

    @property
    def full(self) -> bool:
        """Tell whether no core is left."""
        return not self._free.cores

    def holds(self, queue: TaskQueue) -> int:
        """Return how many jobs of a queue find room."""
        offer = self._offer()
        if failing(queue, offer):
            return 0
        return side_by_side(queue.shape, offer.free, empty=offer.empty, seconds_left=offer.seconds_left)

    def take(self, queue: TaskQueue, count: int) -> None:
        """Put jobs on it."""
        need = queue.shape.need
        cores = self.pool.resources.cores if queue.shape.whole_node else need.cores
        self._free -= Resources(cores * count, need.ram_mb * count, need.gpus * count)
        self._empty = False
        self.jobs += count
        self.oldest = min(self.oldest, queue.oldest)

    def _offer(self) -> Offer:
        pool = self.pool
        return Offer(
            pool.vo, pool.site, pool.resources, self._free, self._empty, pool.tags, pool.platform, self._seconds_left
        )


def put(queue: TaskQueue, count: int, rooms: Iterable[Room]) -> int:
    """Put jobs of a queue where there is room; return how many find none."""
    for room in rooms:
        if not count:
            break
        taken = min(count, room.holds(queue)) if room.cores else 0
        if taken:
            room.take(queue, taken)
            count -= taken
    return count
