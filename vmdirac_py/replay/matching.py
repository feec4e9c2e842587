"""Which job goes to which VM: `model/fit.py` and the order of the embedded queue, over what changed only."""

from __future__ import annotations

from bisect import bisect_left, insort
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from math import inf

from vmdirac_py.model.fit import Offer, Wish, cores_given, failing, wanted_by
from vmdirac_py.model.queue import LONG_WAIT, TaskQueue, turn
from vmdirac_py.model.vm import Run
from vmdirac_py.planner.ends import takes
from vmdirac_py.planner.lengths import Lengths

from .lines import Line, Lines
from .machine import Machine, Slot

Started = Callable[[Machine, Slot], None]
Cost = Callable[[Machine, float, float], float]
"""What it costs to put a job that runs so long (seconds) on a VM at a moment; 0.0: no other VM can be better."""


class Matching:
    """Hands waiting jobs to VMs that take jobs; `started` (set before the first) is told of each.

    Between two calls no waiting job fits any VM that takes jobs, so each change is looked at alone: a new job is
    offered to the VMs, to the oldest that it does not prolong, else to the one that it prolongs least (or by another
    `cost`); a VM with new room is offered the lines, first in rank first.
    """

    def __init__(self, lines: Lines) -> None:
        self._lines = lines
        self.started: Started
        self._open: defaultdict[str, list[tuple[int, Machine]]] = defaultdict(list)
        self.lengths: Lengths | None = None
        self.cost: Cost = self._prolonged

    def submit(self, line: Line, at: float) -> None:
        """Give the new job of a line to the best VM that it fits, if any."""
        if len(line) > 1:
            return  # what fits no VM for those that wait already fits none for this one
        best, least, queue = None, inf, line.queue
        seconds = self._expects(queue)
        for _, machine in self._open[queue.vo]:
            if machine.open_cores < queue.shape.min_cores or not self._takes(line, machine, seconds, at):
                continue
            cost = self.cost(machine, seconds, at)
            if (best is None or cost < least) and failing(queue, machine.offer(at)) is None:
                best, least = machine, cost
                if not cost:
                    break
        if best is not None:
            self._start(line, best, best.offer(at), at)

    def open(self, machine: Machine, at: float) -> None:
        """Let a VM take jobs from now on, or look again at one whose room has changed."""
        vo = machine.vm.vo
        while self._lines.jobs[vo] and machine.open_cores > 0 and self._serve(machine, at):
            pass
        self.place(machine)

    def reconsider(self, at: float) -> None:
        """Look again at all VMs with room: what is expected of jobs has changed, or time has passed."""
        for vo in [vo for vo, jobs in self._lines.jobs.items() if jobs]:
            for _, machine in tuple(self._open[vo]):
                self.open(machine, at)

    def place(self, machine: Machine) -> None:
        """Put a VM where it belongs among those that take jobs."""
        self.close(machine)
        if machine.open_cores > 0:
            machine.entry = (machine.seq, machine)
            insort(self._open[machine.vm.vo], machine.entry)

    def close(self, machine: Machine) -> None:
        """Let a VM take no more jobs."""
        if machine.entry is not None:
            shelf = self._open[machine.vm.vo]
            del shelf[bisect_left(shelf, machine.entry)]
            machine.entry = None

    def _serve(self, machine: Machine, at: float) -> bool:
        """Give a VM the first job that fits, wish by wish, as `queues/embedded.py` does; False when none does."""
        offer, lines = machine.offer(at), self._in_turn(machine.vm.vo, at)
        for wish in _wishes(machine, lines):
            for line in lines:
                if self._suits(wish, line, machine, offer, at):
                    self._start(line, machine, offer, at)
                    return True
        return False

    def _in_turn(self, vo: str, at: float) -> list[Line]:
        """Return the lines of a VO in which jobs wait, the first to be served first."""
        lines = self._lines.waiting(vo)
        if len(lines) < 2:  # noqa: PLR2004 - nothing to put in order
            return lines
        begins = self._lines.begins
        return sorted(lines, key=lambda line: turn(line.queue, begins + line.oldest, self._expects(line.queue), at))

    def _suits(self, wish: Wish, line: Line, machine: Machine, offer: Offer, at: float) -> bool:
        queue = line.queue
        if wish is not Wish.ANY and not wanted_by(wish, queue.shape, offer):
            return False
        return self._takes(line, machine, self._expects(queue), at) and failing(queue, offer) is None

    def _expects(self, queue: TaskQueue) -> float:
        asked = queue.shape.cpu_seconds
        return self.lengths.expected(queue.vo, queue.owner, asked) if self.lengths else float(asked)

    def _takes(self, line: Line, machine: Machine, seconds: float, at: float) -> bool:
        """Tell whether a VM takes jobs of a length, as production's match does; without lengths it takes all."""
        if self.lengths is None or at - self._lines.begins - line.oldest >= LONG_WAIT:
            return True
        return takes(machine.vm, machine.pool, seconds, remaining=machine.remaining(self.lengths, at), at=at)

    def _prolonged(self, machine: Machine, seconds: float, at: float) -> float:
        """Return the core-seconds by which a job prolongs a VM's life; what lies idle would rather end."""
        remaining = machine.remaining(self.lengths, at) if self.lengths else None
        return inf if remaining is None else max(0.0, machine.pool.resources.cores * (seconds - remaining))

    def _start(self, line: Line, machine: Machine, offer: Offer, at: float) -> None:
        job, shape = self._lines.pop(line), line.queue.shape
        cores = cores_given(shape, offer)
        run = Run(job.owner, job.group, at, cores, shape.cpu_seconds)
        slot = Slot(job, line, cores, min(cores, max(shape.max_cores, shape.min_cores)), at, run)
        machine.take(slot)
        if machine.entry is not None:
            self.place(machine)
        self.started(machine, slot)


def fullest(machine: Machine, _seconds: float, _at: float) -> float:
    """Prefer the VM with the least cores free: a `Cost`."""
    return float(machine.open_cores)


def _wishes(machine: Machine, lines: Iterable[Line]) -> Iterator[Wish]:
    """Yield what the worker's pool asks for (`worker/pool.py`); where only plain jobs wait, any is as good."""
    if not all(line.plain for line in lines):
        if not machine.slots:
            yield Wish.WHOLE_NODE
        if machine.open_cores > 1:
            yield from (Wish.ALL_FREE, Wish.MULTI)
    yield Wish.ANY
