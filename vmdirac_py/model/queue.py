"""Waiting work in DIRAC's terms: a shape, a task queue of equal jobs, and demand at a moment."""

from __future__ import annotations

from bisect import bisect_left
from hashlib import blake2b

from .resources import Resources
from .value import Count, Seconds, Value

# DIRAC rounds a job's CPU time up to one of these segments, in seconds
# (WorkloadManagementSystem/private/Queues.py, maxCPUSegments).
CPU_SEGMENTS = (360, 1800, 3600, 21600, 43200, 86400, 172800, 259200, 345600, 518400, 691200, 864000, 1080000)


def segment(cpu_seconds: float) -> int:
    """Return the segment that an asked-for CPU time belongs to: rounded up, the longest for all that is longer."""
    return CPU_SEGMENTS[min(bisect_left(CPU_SEGMENTS, cpu_seconds), len(CPU_SEGMENTS) - 1)]


class Shape(Value, frozen=True):
    """What one job needs of a machine.

    `min_cores` to `max_cores` is the range it can use; `whole_node` wants an empty machine for itself.
    Empty tuples mean "no wish". `cpu_seconds` is CPU time per core at the norm's speed, already rounded to a DIRAC
    segment.
    """

    min_cores: Count = 1
    max_cores: Count = 1
    whole_node: bool = False
    ram_mb: Count = 0
    gpus: Count = 0
    cpu_seconds: Count = 86400
    tags: tuple[str, ...] = ()
    sites: tuple[str, ...] = ()
    banned_sites: tuple[str, ...] = ()
    platforms: tuple[str, ...] = ()
    disk_gb: Count = 0

    @property
    def need(self) -> Resources:
        """Return the least it can run with."""
        return Resources(self.min_cores, self.ram_mb, self.gpus, self.disk_gb)

    @property
    def fingerprint(self) -> str:
        """Return a short text that is the same for equal shapes only, today and after a restart."""
        return blake2b(repr(self).encode(), digest_size=6).hexdigest()


class TaskQueue(Value, frozen=True):
    """Equal jobs waiting together: same VO, owner, group and shape; `oldest` is the earliest submission."""

    id: str
    vo: str
    owner: str
    group: str
    shape: Shape
    priority: float
    waiting: Count
    oldest: Seconds


LONG_WAIT = 900.0
"""Seconds after which jobs are served by age, whatever others of their priority wait."""


def turn(queue: TaskQueue, oldest: float, lasts: float, at: float) -> tuple[float, bool, float, float, str]:
    """Return a queue's place in the order of being served, the first being least.

    Highest priority first; then who has waited for long, the oldest first; then what is expected to last longest: of
    the jobs a VM takes without being prolonged the long ones fill it, and the short ones find room elsewhere soon.
    """
    waited = at - oldest >= LONG_WAIT
    return -queue.priority, not waited, 0.0 if waited else -lasts, oldest, queue.id


class Demand(Value, frozen=True):
    """All waiting work seen by one source at one moment; incomplete demand neither starts nor retires."""

    at: Seconds
    complete: bool
    source: str
    queues: tuple[TaskQueue, ...]
