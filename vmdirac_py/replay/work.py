"""The lives of jobs: they are submitted, start, end, and wait again when their VM is gone."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

from .api import Trace, TraceJob
from .machine import Machine, Slot
from .world import World


class Work:
    """Everything that happens to jobs. `freed` is told of each VM on which a payload has ended.

    A job that may use more cores than it needs runs shorter in proportion, so that its work is the same everywhere.
    """

    def __init__(self, world: World, trace: Trace, freed: Callable[[Machine, float], None]) -> None:
        self._world, self._jobs, self._freed = world, trace.jobs, freed
        self._left, self._next = len(trace.jobs), 0
        self._broken: Counter[int] = Counter()
        self.running = 0
        self.progress_at = world.scenario.begins
        world.matching.started = self._started
        self._await()

    @property
    def stuck_since(self) -> float | None:
        """Return since when (epoch) nothing but waiting jobs is left, none of which starts; None: there is hope."""
        hope = self.running or self._next < len(self._jobs) or not self._left
        return None if hope else self.progress_at

    def give_up(self) -> None:
        """Give up all jobs that are left: nothing will ever run them."""
        self._world.lines.clear()
        self._world.accounts.unserved += self._left
        self._left, self._world.over = 0, True

    def broken(self, _at: float, machine: Machine) -> None:
        """The payloads of a VM ended with it, whether anybody knows it yet or not."""
        for slot in machine.slots.values():
            self._world.accounts.broke(slot)
            self.running -= 1

    def requeue(self, machine: Machine, at: float) -> None:
        """Let the jobs of a VM that was found gone wait again; one that this befell too often is given up."""
        for slot in tuple(machine.slots.values()):
            machine.release(slot, at)
            if not self._world.over:
                self._again(slot.job, at)

    def _again(self, job: TraceJob, at: float) -> None:
        self._broken[job.id] += 1
        if self._broken[job.id] < self._world.scenario.max_attempts:
            self._world.accounts.restarted += 1
            self._queue(job, at)
        else:
            self._world.accounts.unserved += 1
            self._settle()

    def _settle(self) -> None:
        self._left -= 1
        self._world.over = not self._left

    def _await(self) -> None:
        if self._next < len(self._jobs):
            self._world.agenda.note(self._world.scenario.begins + self._jobs[self._next].at, self._submitted)

    def _submitted(self, at: float) -> None:
        job = self._jobs[self._next]
        self._next += 1
        self.progress_at = at
        self._queue(job, at)
        self._await()

    def _queue(self, job: TraceJob, at: float) -> None:
        world = self._world
        world.matching.submit(world.lines.push(job), at)
        lonely = not world.fleet.alive_of_vo[job.vo] and world.lines.jobs[job.vo] > 0
        world.news.happened(at, job.vo, urgent=lonely)

    def _started(self, machine: Machine, slot: Slot) -> None:
        world, job = self._world, slot.job
        world.fleet.touch(machine)
        world.accounts.began(slot)
        self.running += 1
        self.progress_at = slot.since
        world.agenda.note(slot.since + job.seconds * job.shape.min_cores / slot.useful, self._ended, machine, slot)

    def _ended(self, at: float, machine: Machine, slot: Slot) -> None:
        if machine.slots.get(slot.job.id) is not slot or machine.dead:
            return  # its VM died under it
        world, job = self._world, slot.job
        machine.release(slot, at)
        world.fleet.touch(machine)
        world.accounts.finished(slot, world.scenario.begins)
        self.running -= 1
        self.progress_at = at
        self._settle()
        world.news.finished(at, job.vo, job.owner, job.group, at - slot.since, job.shape.cpu_seconds)
        self._freed(machine, at)
