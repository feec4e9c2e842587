import pytest

from tests.support.replays import inventory, job, pool, run
from vmdirac_py.model.vm import VmState
from vmdirac_py.replay.rivals.bestfit import BestFit, Settings

from .conftest import BEGIN, Site


def test_eighty_jobs_are_ten_vms(site: type[Site]) -> None:
    """It counts cores and what boots: ten 8-core VMs, and no more in the next cycles."""
    one = site(BestFit(Settings()), inventory(pool()))
    one.wait(80)
    assert one.cycles(3) == [10, 10, 10]


def test_what_runs_and_boots_is_filled_first(site: type[Site]) -> None:
    """Three free cores and a booting VM leave five of sixteen jobs for a new VM."""
    one = site(BestFit(Settings()), inventory(pool()))
    one.run("p", [8, 5])
    one.fleet.append(one.vm(one.of.pools["p"], VmState.SUBMITTED, 1))
    one.wait(11)
    assert one.cycle().decisions == ()
    one.wait(5)
    assert one.cycles(2) == [4, 4]


def test_jobs_of_several_queues_share_a_new_vm(site: type[Site]) -> None:
    """Three queues with six cores in all are one VM."""
    one = site(BestFit(Settings()), inventory(pool()))
    one.wait(2)
    one.wait(1, min_cores=3)
    one.wait(1, ram_mb=2000)
    assert one.cycles(1) == [1]


def test_a_vm_that_is_not_filled_waits(site: type[Site]) -> None:
    """Eleven jobs are one VM now and another once they have waited long enough."""
    one = site(BestFit(Settings(hold=100.0)), inventory(pool()))
    one.run("p", [8])
    one.wait(11, oldest=BEGIN)
    assert one.cycles(3) == [2, 2, 3]


def test_a_vo_without_vm_is_not_held(site: type[Site]) -> None:
    """The first job of a VO gets its VM at once."""
    one = site(BestFit(Settings(hold=100.0)), inventory(pool()))
    one.wait(1)
    assert one.cycles(1) == [1]


@pytest.mark.parametrize(("there", "cores"), [(0, 1), (65, 2), (80, 4), (90, 8)])
def test_flavors_grow_as_the_endpoint_fills(site: type[Site], there: int, cores: int) -> None:
    """Small VMs while there is room for many, larger ones as instances become few."""
    flavors = [pool(f"p{cores}", cores) for cores in (1, 2, 4, 8)]
    one = site(BestFit(Settings()), inventory(*flavors, max_vms=100))
    one.run("p8", [8] * there)
    one.wait(8)
    assert {found.pool for found in one.cycle().decisions} == {f"p{cores}"}


def test_a_large_vm_is_not_taken_for_few_jobs(site: type[Site]) -> None:
    """Where half of a VM holds what is left, half of it is taken."""
    one = site(BestFit(Settings()), inventory(*(pool(f"p{cores}", cores) for cores in (1, 2, 4, 8)), max_vms=100))
    one.run("p8", [8] * 80)
    one.wait(6)
    assert [(found.pool, found.count) for found in one.cycle().decisions] == [("p4", 1), ("p2", 1)]


def test_a_job_goes_to_the_fullest_vm() -> None:
    """Of two VMs the fuller one is given the job, so that the other can end."""
    jobs = [*(job(n, seconds=9000.0 if n > 3 else 3000.0) for n in range(16)), job(20, at=4000.0, seconds=9000.0)]
    result = run(jobs, [pool(idle_seconds=0.0)], BestFit(Settings()))
    assert (result.vms_started, result.unserved) == (2, 0)
