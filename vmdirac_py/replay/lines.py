"""The task queues of a replay: kept as values, remade only where something changed."""

from __future__ import annotations

from collections import defaultdict
from heapq import heappop, heappush

from vmdirac_py.model.queue import Demand, Shape, TaskQueue

from .api import TraceJob

SOURCE = "replay"
Key = tuple[str, str, str, Shape, float]


class Line:
    """The waiting jobs of one task queue, oldest first. `plain`: jobs of one core, as most are."""

    __slots__ = ("_heap", "plain", "queue")

    def __init__(self, name: str, job: TraceJob) -> None:
        self._heap: list[tuple[float, int, TraceJob]] = []
        self.queue = TaskQueue(name, job.vo, job.owner, job.group, job.shape, job.priority, 0, 0.0)
        self.plain = job.shape.max_cores == 1 and not job.shape.whole_node

    def __len__(self) -> int:
        return len(self._heap)

    @property
    def oldest(self) -> float:
        """Return when the oldest job was submitted, in seconds of the trace."""
        return self._heap[0][0]

    def push(self, job: TraceJob) -> None:
        """Let a job wait."""
        heappush(self._heap, (job.at, job.id, job))

    def pop(self) -> TraceJob:
        """Take the oldest job."""
        return heappop(self._heap)[2]

    def remade(self, begins: float) -> TaskQueue:
        """Return the value of this moment."""
        old = self.queue
        oldest = begins + self._heap[0][0]
        self.queue = TaskQueue(old.id, old.vo, old.owner, old.group, old.shape, old.priority, len(self._heap), oldest)
        return self.queue


class Lines:
    """All waiting jobs. `jobs` and `cores` count them by VO; `begins` is the epoch second of the trace's zero."""

    def __init__(self, begins: float) -> None:
        self.begins = begins
        self._known: dict[Key, Line] = {}
        self._values: dict[Line, TaskQueue] = {}
        self._changed: dict[Line, None] = {}
        self._by_vo: defaultdict[str, dict[Line, None]] = defaultdict(dict)
        self.jobs: defaultdict[str, int] = defaultdict(int)
        self.cores = 0
        self.total = 0

    def push(self, job: TraceJob) -> Line:
        """Let a job wait; return its line."""
        line = self._line(job)
        line.push(job)
        self._count(line, 1)
        return line

    def pop(self, line: Line) -> TraceJob:
        """Take the oldest job of a line."""
        job = line.pop()
        self._count(line, -1)
        return job

    def waiting(self, vo: str) -> list[Line]:
        """Return the lines of a VO in which jobs wait."""
        return list(self._by_vo[vo])

    def demand(self, at: float) -> Demand:
        """Return all waiting work."""
        for line in self._changed:
            if line:
                self._values[line] = line.remade(self.begins)
            else:
                self._values.pop(line, None)
        self._changed.clear()
        return Demand(at, complete=True, source=SOURCE, queues=tuple(self._values.values()))

    def clear(self) -> int:
        """Give up all waiting jobs; return how many there were."""
        given_up = self.total
        for line in [line for line in self._known.values() if line]:
            while line:
                self.pop(line)
        return given_up

    def _line(self, job: TraceJob) -> Line:
        key = (job.vo, job.owner, job.group, job.shape, job.priority)
        line = self._known.get(key)
        if line is None:
            line = self._known[key] = Line(f"q-{len(self._known):05}", job)
        return line

    def _count(self, line: Line, jobs: int) -> None:
        vo = line.queue.vo
        self._changed[line] = None
        if line:
            self._by_vo[vo][line] = None
        else:
            self._by_vo[vo].pop(line, None)
        self.jobs[vo] += jobs
        self.cores += jobs * line.queue.shape.min_cores
        self.total += jobs
