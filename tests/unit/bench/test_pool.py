"""The day by which PoolCE's fill is measured, and the bound it is held against."""

from __future__ import annotations

import pytest

from tests.bench.pool_bound import SLICE, most
from tests.bench.pool_day import DAY, RAM_MB, Job, Scene, Simulation, jobs_of

SMALL = Scene(1.2, vms=3, mean_seconds=7200.0)


def test_the_mix_is_as_told() -> None:
    """A tenth of the jobs want a whole node, three tenths four cores, and all together the load that was asked for."""
    scene = Scene(1.0, vms=200)
    jobs = jobs_of(scene, 1)
    share = {kind: sum(job.kind == kind for job in jobs) / len(jobs) for kind, *_ in scene.mix}
    assert share == pytest.approx({"whole": 0.1, "four": 0.3, "single": 0.6}, abs=0.02)
    work = sum(job.cores * job.seconds for job in jobs)
    assert work / (scene.vms * scene.cores * DAY) == pytest.approx(1.0, abs=0.05)


def test_a_seed_is_a_day() -> None:
    """The same seed draws the same day, another one another."""
    assert jobs_of(SMALL, 1) == jobs_of(SMALL, 1) != jobs_of(SMALL, 2)


@pytest.mark.parametrize("gathers", [True, False])
def test_no_schedule_beats_the_bound_and_no_vm_is_overfilled(*, gathers: bool) -> None:
    """What was run is at most the bound, the bound at most all cores all day, and every job is accounted for once."""
    jobs = jobs_of(SMALL, 1)
    simulation = Simulation(SMALL, jobs, gathers=gathers)
    day, bound = simulation.run(), most(SMALL, jobs)
    assert day.core_seconds <= bound <= SMALL.vms * SMALL.cores * DAY
    assert sum(map(len, day.waits.values())) == len(jobs)
    for node in simulation.nodes:
        assert sum(run.cores for run in node.runs.values()) + node.slots.free.cores == SMALL.cores
        assert 0 <= node.slots.free.ram_mb <= SMALL.cores * RAM_MB


def test_the_bound_knows_cores_and_arrivals() -> None:
    """One job cannot run on more than its cores, nor before its slice; ten of them not on more cores than there are."""
    scene = Scene(1.0, vms=1)
    late = Job("single", DAY - 10 * SLICE, 1, DAY)
    assert most(scene, [late]) == pytest.approx(10 * SLICE)
    assert most(scene, [late] * 10) == pytest.approx(8 * 10 * SLICE)
    assert most(scene, [Job("four", 0.0, 4, 100.0)]) == pytest.approx(400.0)
