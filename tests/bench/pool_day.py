"""A day of VMs that fill themselves from one queue: real book-keeping and match, in virtual time."""

from __future__ import annotations

import heapq
import math
import random
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from itertools import count

from vmdirac_py.model.fit import Offer, Wish, cores_given
from vmdirac_py.model.inventory import Pool
from vmdirac_py.model.plan import Finished
from vmdirac_py.model.queue import LONG_WAIT, Shape, TaskQueue
from vmdirac_py.model.resources import Resources
from vmdirac_py.model.vm import Capacity, Run, Vm, VmState
from vmdirac_py.planner.ends import remaining, takes
from vmdirac_py.planner.gather import Host
from vmdirac_py.planner.lengths import REFRESH, Lengths, learn
from vmdirac_py.queues.choosing import choices
from vmdirac_py.worker import pool as worker
from vmdirac_py.worker.ce import MANY
from vmdirac_py.worker.wire import Work

DAY = 86400.0
ASK_SECONDS = 20.0
"""How often a pilot with room asks while it gets nothing (`worker/pilot.py`)."""
VO, SITE, WALL = "alpha", "CLOUD.North.xy", 86400
RAM_MB, RAM_OF_ONE = 4000, 2000  # per core: of a VM, and of a job
SPREAD = 1.0
"""Sigma of the lognormal lengths: a tenth of the jobs run more than twice the mean."""


@dataclass(frozen=True, slots=True)
class Job:
    """One job: when it is submitted, its cores (a whole VM's where it wants one), and how long it turns out to run."""

    kind: str
    at: float
    cores: int
    seconds: float


@dataclass(frozen=True, slots=True)
class Scene:
    """How many VMs of how many cores, and the load: what is submitted, as a part of what they can run.

    `at_once`: all of it is submitted at the beginning, else at random over the day.
    """

    load: float
    at_once: bool = False
    vms: int = 10
    cores: int = 8
    mean_seconds: float = 3600.0

    @property
    def mix(self) -> tuple[tuple[str, float, int], ...]:
        """Kinds of jobs with their shares and cores."""
        return ("whole", 0.1, self.cores), ("four", 0.3, 4), ("single", 0.6, 1)


def jobs_of(scene: Scene, seed: int) -> list[Job]:
    """Draw a day's jobs: they come at random, of the mix, and nobody knows how long they run."""
    dice, at, jobs = random.Random(f"{seed}/{scene.load}"), 0.0, list[Job]()
    work = scene.mean_seconds * sum(share * cores for _, share, cores in scene.mix)
    rate = scene.load * scene.vms * scene.cores / work
    kinds, shares = scene.mix, [share for _, share, _ in scene.mix]
    while (at := at + dice.expovariate(rate)) < DAY:
        kind, _, cores = dice.choices(kinds, shares)[0]
        length = dice.lognormvariate(math.log(scene.mean_seconds) - SPREAD**2 / 2, SPREAD)
        jobs.append(Job(kind, 0.0 if scene.at_once else at, cores, min(DAY / 2, max(60.0, length))))
    return jobs


class Node:
    """One VM: the worker's slots, and what the ledger knows of it."""

    def __init__(self, number: int, scene: Scene) -> None:
        size = Resources(scene.cores, scene.cores * RAM_MB)
        self.pool = Pool("pool", "north", VO, SITE, flavor="m", image="i", resources=size)
        self.vm = Vm(f"vm-{number:04}", "b", "north", "pool", VO, size, VmState.RUNNING, 0.0, 0.0, 0.0)
        self.slots = worker.Pool(worker.Free(scene.cores, size.ram_mb, 0), MANY)
        self.runs: dict[int, Run] = {}
        self.asks, self.phase = False, ASK_SECONDS * number / scene.vms

    def next_beat(self, at: float) -> float:
        """Return when its pilot asks next: each VM has its own beat."""
        beat = self.phase + ASK_SECONDS * (math.floor((at - self.phase) / ASK_SECONDS) + 1)
        return beat if beat > at else beat + ASK_SECONDS

    @property
    def offer(self) -> Offer:
        """What it offers now."""
        free = self.slots.free
        left = Resources(free.cores, free.ram_mb)
        return Offer(VO, SITE, self.vm.resources, left, empty=self.slots.empty)


@dataclass
class Day:
    """What became of a day."""

    core_seconds: float = 0.0
    waits: dict[str, list[float]] = field(default_factory=dict)


class Simulation:
    """Plays a day. `gathers`: whether VMs gather room for large jobs, as production does."""

    def __init__(self, scene: Scene, jobs: Sequence[Job], *, gathers: bool = True) -> None:
        self.jobs, self.nodes = jobs, [Node(number, scene) for number in range(scene.vms)]
        self.lines: dict[str, deque[int]] = {kind: deque() for kind, *_ in scene.mix}
        self.shapes = {
            kind: Shape(cores, cores, whole_node=kind == "whole", ram_mb=cores * RAM_OF_ONE, cpu_seconds=WALL)
            for kind, _, cores in scene.mix
        }
        self.day = Day(waits={kind: [] for kind in self.lines})
        self._gathers, self._lengths, self._finished = gathers, Lengths(), list[Finished]()
        self._agenda, self._numbers = list[tuple[float, int, Callable[[float], None]]](), count()

    def run(self) -> Day:
        """Play the whole day."""
        for number, job in enumerate(self.jobs):
            self._plan(job.at, partial(self._arrives, number))
        self._plan(REFRESH, self._learns)
        while self._agenda and self._agenda[0][0] < DAY:
            at, _, happens = heapq.heappop(self._agenda)
            happens(at)
        for kind, line in self.lines.items():
            self.day.waits[kind] += [DAY - self.jobs[number].at for number in line]
        return self.day

    def _plan(self, at: float, happens: Callable[[float], None]) -> None:
        heapq.heappush(self._agenda, (at, next(self._numbers), happens))

    def _arrives(self, number: int, at: float) -> None:
        self.lines[self.jobs[number].kind].append(number)
        for node in self.nodes:
            self._ask_later(node, at)

    def _ask_later(self, node: Node, at: float) -> None:
        """Let a VM with room ask when its pilot does so next."""
        if not node.asks and node.slots.free.cores and any(self.lines.values()):
            node.asks = True
            self._plan(node.next_beat(at), partial(self._asks, node))

    def _asks(self, node: Node, at: float) -> None:
        node.asks = False
        while (kind := self._match(node, at)) is not None:
            self._starts(node, self.lines[kind].popleft(), at)
        self._ask_later(node, at)

    def _match(self, node: Node, at: float) -> str | None:
        wishes = [Wish(wish) for wish in node.slots.wishes()]
        queues, lasts = list(self._queues()), partial(self._lasts, node, at)
        chosen = choices(queues, node.vm.id, node.offer, wishes, at=at, lasts=lasts, hosts=self._hosts)
        return next((queue.id for queue in chosen), None)

    def _queues(self) -> Iterator[TaskQueue]:
        for kind, line in self.lines.items():
            if line:
                oldest = self.jobs[line[0]].at
                yield TaskQueue(kind, VO, "jane", "g", self.shapes[kind], 1.0, len(line), oldest)

    def _lasts(self, node: Node, at: float, queue: TaskQueue) -> float | None:
        """Tell how long a job would run, None: it should not start here (as `operations/soft_ends.py` does)."""
        seconds = self._lengths.expected(VO, queue.owner, queue.shape.cpu_seconds)
        left = remaining(VO, node.runs.values(), self._lengths, at) if node.runs else None
        long = at - queue.oldest >= LONG_WAIT
        return seconds if long or takes(node.vm, node.pool, seconds, remaining=left, at=at) else None

    def _hosts(self) -> list[Host]:
        return [Host(node.vm.id, node.offer, len(node.runs)) for node in self.nodes] if self._gathers else []

    def _starts(self, node: Node, number: int, at: float) -> None:
        job, shape = self.jobs[number], self.shapes[self.jobs[number].kind]
        cores = cores_given(shape, node.offer)
        work = Work(number, 1, cores, "x", "", "o", "e", False, [], {}, 0, shape.ram_mb)
        node.slots.take(work, at)
        node.runs[number] = Run("jane", "g", at, cores, shape.cpu_seconds)
        self.day.waits[job.kind].append(at - job.at)
        self.day.core_seconds += cores * (min(DAY, at + job.seconds) - at)
        self._plan(at + job.seconds, partial(self._ends, node, number))

    def _ends(self, node: Node, number: int, at: float) -> None:
        node.slots.release(number)
        del node.runs[number]
        self._finished.append(Finished(number + 1, VO, "jane", "g", self.jobs[number].seconds, WALL))
        self._asks(node, at)

    def _learns(self, at: float) -> None:
        fleet = [Capacity(node.vm, node.offer.free, runs=tuple(node.runs.values())) for node in self.nodes]
        self._lengths, self._finished = learn(self._lengths, self._finished, fleet, at), []
        self._plan(at + REFRESH, self._learns)
