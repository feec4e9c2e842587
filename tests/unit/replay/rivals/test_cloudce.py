from tests.support.replays import inventory, job, pool, run
from vmdirac_py.replay.rivals.cloudce import CloudCe, Settings
from vmdirac_py.replay.scenario import Boot

from .conftest import Site


def test_one_job_gives_one_vm_each_cycle(site: type[Site]) -> None:
    """As measured: one waiting job that nothing matched for eight cycles is eight VMs."""
    one = site(CloudCe(Settings(1)), inventory(pool()))
    one.wait(1)
    assert one.cycles(8) == [1, 2, 3, 4, 5, 6, 7, 8]


def test_thirty_jobs_give_one_vm_each_cycle_too(site: type[Site]) -> None:
    """As measured: with MaxWaitingJobs 1 thirty jobs are served no faster than one."""
    one = site(CloudCe(Settings(1)), inventory(pool()))
    one.wait(30)
    assert one.cycles(3) == [1, 2, 3]


def test_a_boot_of_ten_minutes_is_five_vms_for_one_job() -> None:
    """With cycles of 120 s it goes on until the first VM takes the job."""
    assert run([job(1)], [pool()], CloudCe(Settings(1)), boot=Boot(600.0)).vms_started in {5, 6}


def test_no_more_vms_than_the_limits_allow(site: type[Site]) -> None:
    """MaxTotalJobs, here the endpoint's limit, ends it."""
    one = site(CloudCe(Settings(10)), inventory(pool(), max_vms=15))
    one.wait(100)
    assert one.cycles(3) == [10, 15, 15]
