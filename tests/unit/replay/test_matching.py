from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.support.replays import inventory, job, pool
from vmdirac_py.model.fit import Offer, Wish, cores_given, misfit, wanted_by
from vmdirac_py.model.inventory import Pool
from vmdirac_py.model.queue import TaskQueue
from vmdirac_py.model.resources import Resources
from vmdirac_py.planner.lengths import Lengths
from vmdirac_py.replay.agenda import Agenda
from vmdirac_py.replay.api import TraceJob
from vmdirac_py.replay.fleet import Fleet
from vmdirac_py.replay.lines import Lines
from vmdirac_py.replay.machine import Machine
from vmdirac_py.replay.matching import Matching
from vmdirac_py.worker import pool as worker

AT = 1_000_000.0
POOL = pool(resources=Resources(8, 16_000, 1), tags=("fast",))


def _job(number: int, cores: tuple[int, int], about: dict[str, Any]) -> TraceJob:
    return job(number, float(number), min_cores=cores[0], max_cores=sum(cores), **about)


SHAPES = st.fixed_dictionaries(
    {
        "whole_node": st.booleans(),
        "ram_mb": st.sampled_from((0, 3000, 9000)),
        "gpus": st.integers(0, 1),
        "tags": st.sampled_from(((), ("fast",), ("slow",))),
        "sites": st.sampled_from(((), ("SITE",), ("ELSE",))),
        "banned_sites": st.sampled_from(((), ("SITE",))),
        "cpu_seconds": st.sampled_from((360, 86400, 1080000)),
        "owner": st.sampled_from("ab"),
        "priority": st.sampled_from((1.0, 2.0)),
    }
)
JOBS = st.lists(st.tuples(st.tuples(st.integers(1, 5), st.integers(0, 4)), SHAPES), max_size=12).map(
    lambda found: [_job(number, *one) for number, one in enumerate(found)]
)


class Floor:
    """VMs and waiting jobs, and which job was given to which VM."""

    def __init__(self, of: Pool = POOL) -> None:
        self.pool, self.lines = of, Lines(0.0)
        self.fleet, self.matching = Fleet(inventory(of), Agenda(AT)), Matching(self.lines)
        self.given: list[tuple[int, int, int]] = []
        self.matching.started = lambda vm, slot: self.given.append((slot.job.id, vm.seq, slot.cores))

    def vm(self, *runs: TraceJob, soft_end: float = 0.0) -> Machine:
        """A VM that takes jobs and runs these already."""
        machine = self.fleet.make(self.pool, "b", AT, soft_end)
        for one in runs:
            self.submit(one)
            self.matching.open(machine, AT)
        self.given.clear()
        self.matching.open(machine, AT)
        return machine

    def submit(self, one: TraceJob) -> None:
        """Let a job wait, where no VM is asked."""
        self.lines.push(one)


def by_the_books(jobs: list[TraceJob]) -> list[tuple[int, int]]:
    """What a worker's pool is given, asking the embedded queue wish by wish until it answers nothing."""
    total = worker.Free(8, 16_000, 1)
    slots, waiting, given = worker.Pool(total, 100), list(jobs), []
    while found := _match(slots, waiting):
        one, cores = found
        waiting.remove(one)
        slots.take(_Work(one.id, cores, one.shape.ram_mb, one.shape.gpus), AT)  # type: ignore[arg-type]
        given.append((one.id, cores))
    return given


class _Work:
    def __init__(self, number: int, cores: int, ram_mb: int, gpus: int) -> None:
        self.job, self.cores, self.ram_mb, self.gpus, self.cpu_seconds = number, cores, ram_mb, gpus, 0


def _match(slots: worker.Pool, waiting: list[TraceJob]) -> tuple[TraceJob, int] | None:
    free = Resources(*slots.free)
    left = POOL.max_life
    offer = Offer("vo", "SITE", POOL.resources, free, slots.empty, POOL.tags, POOL.platform, left)
    for wish in map(Wish, slots.wishes()):
        for one in sorted(waiting, key=lambda one: (-one.priority, _oldest(one, waiting), one.at)):
            queue = TaskQueue("q", "vo", one.owner, one.group, one.shape, one.priority, 1, one.at)
            if misfit(queue, offer) is None and wanted_by(wish, one.shape, offer):
                return one, cores_given(one.shape, offer)
    return None


def _oldest(one: TraceJob, waiting: list[TraceJob]) -> float:
    """The oldest submission among the jobs of its task queue."""
    return min(other.at for other in waiting if (other.owner, other.shape) == (one.owner, one.shape))


@settings(max_examples=150, deadline=None)
@given(JOBS)
def test_a_vm_is_given_what_production_would_give_it(jobs: list[TraceJob]) -> None:
    """One VM among waiting jobs gets the same jobs, in the same order and on as many cores, as by worker and queue."""
    floor = Floor()
    for one in jobs:
        floor.submit(one)
    floor.matching.open(floor.fleet.make(POOL, "b", AT, 0.0), AT)
    assert [(number, cores) for number, _, cores in floor.given] == by_the_books(jobs)


@settings(max_examples=100, deadline=None)
@given(JOBS, st.integers(1, 3))
def test_nothing_waits_that_would_fit(jobs: list[TraceJob], vms: int) -> None:
    """However jobs come, none of those that wait fits a VM as it stands; VMs are never given more than they have."""
    floor = Floor()
    machines = [floor.vm() for _ in range(vms)]
    for one in jobs:
        floor.matching.submit(floor.lines.push(one), AT)
    for machine in machines:
        assert min(machine.cores, machine.ram_mb, machine.gpus) >= 0
        for queue in floor.lines.demand(AT).queues:
            assert misfit(queue, machine.offer(AT)) is not None
    assert len(floor.given) + floor.lines.total == len(jobs)


def test_the_oldest_vm_that_a_job_does_not_prolong_is_given_it() -> None:
    """However full it is; an empty one would be prolonged, so it is left to end."""
    floor = Floor()
    floor.matching.lengths = Lengths()
    floor.vm()
    older = floor.vm(job(1, AT, min_cores=3))
    floor.vm(job(2, AT, min_cores=6))
    floor.matching.submit(floor.lines.push(job(3, AT, cpu_seconds=360)), AT)
    assert floor.given == [(3, older.seq, 1)]


def test_a_job_goes_where_it_prolongs_least() -> None:
    """Where it prolongs all that it fits: the VM whose own jobs run on the longest, not the oldest."""
    floor = Floor()
    floor.matching.lengths = Lengths()
    floor.vm(job(1, AT, cpu_seconds=43200))
    later = floor.vm(job(2, AT, cpu_seconds=86400), job(4, AT, cpu_seconds=360))
    floor.matching.submit(floor.lines.push(job(3, AT, cpu_seconds=86400)), AT)
    assert floor.given == [(3, later.seq, 1)]


def test_what_is_beyond_the_reach_of_a_vm_goes_elsewhere() -> None:
    """A VM that runs short jobs takes no long one, unless a plan allowed it."""
    floor = Floor()
    floor.matching.lengths = Lengths()
    soon = floor.vm(job(1, AT, cpu_seconds=360))
    late = floor.vm()
    floor.matching.submit(floor.lines.push(job(2, AT, cpu_seconds=360)), AT)
    floor.matching.submit(floor.lines.push(job(3, AT, cpu_seconds=86400)), AT)
    assert floor.given == [(2, soon.seq, 1), (3, late.seq, 1)]


def test_jobs_are_looked_at_again_when_a_plan_allows_more() -> None:
    """A long job waits beside a VM of short ones until the VM's soft end lets it in."""
    floor = Floor()
    floor.matching.lengths = Lengths()
    vm = floor.vm(job(1, AT, cpu_seconds=360))
    floor.matching.submit(floor.lines.push(job(2, AT, cpu_seconds=86400)), AT)
    assert floor.given == []
    floor.fleet.soften(vm, AT + 200_000.0)
    floor.matching.reconsider(AT)
    assert [number for number, *_ in floor.given] == [2]


@pytest.mark.parametrize("inner_ce", ["InProcess", "Sudo", "Singularity"])
def test_a_vm_without_pool_runs_one_job_at_a_time(inner_ce: str) -> None:
    """With an inner CE alone the other cores stay empty, as on a worker."""
    floor = Floor(pool(inner_ce=inner_ce))
    for number in range(3):
        floor.submit(job(number))
    floor.vm()
    assert (len(floor.given), floor.lines.total) == (1, 2)
