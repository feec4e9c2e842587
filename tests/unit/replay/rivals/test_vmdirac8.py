from tests.support.replays import inventory, job, pool, run
from vmdirac_py.model.batch import ErrorClass
from vmdirac_py.model.vm import VmState
from vmdirac_py.replay.rivals.vmdirac8 import Settings, Vmdirac8
from vmdirac_py.replay.scenario import Trouble

from .conftest import Site


def test_eighty_jobs_give_fifty_vms_in_three_cycles(site: type[Site]) -> None:
    """As measured: 80 one-core jobs, 8-core VMs, MaxVMsToSubmit 20, MaxInstances 50: 20, 40, 50 VMs."""
    one = site(Vmdirac8(Settings(20)), inventory(pool(), max_vms=50))
    one.wait(80)
    assert one.cycles(4) == [20, 40, 50, 50]


def test_running_vms_never_offset_demand(site: type[Site]) -> None:
    """As measured: ten jobs that stay queued while VMs come to run at once: 10, 20, 30, 40 VMs."""
    one = site(Vmdirac8(Settings(20)), inventory(pool()), VmState.RUNNING)
    one.wait(10)
    assert one.cycles(4) == [10, 20, 30, 40]


def test_booting_vms_do(site: type[Site]) -> None:
    """Ten jobs are ten VMs as long as those boot."""
    one = site(Vmdirac8(Settings(20)), inventory(pool()))
    one.wait(10)
    assert one.cycles(3) == [10, 10, 10]


def test_a_cloud_that_fails_is_asked_each_cycle() -> None:
    """As measured: nothing is learned from failures, a cloud that always fails is asked once a minute."""
    trouble = Trouble(error=ErrorClass.UNAVAILABLE, end=630.0)
    result = run([job(1)], [pool()], Vmdirac8(Settings(1)), troubles=(trouble,))
    assert (result.calls["launch"], result.unserved) == (11, 0)


def test_jobs_count_once_for_each_type_but_booting_vms_of_all_types_count(site: type[Site]) -> None:
    """Two VM types share the count of booting VMs, so ten jobs are ten VMs of both together."""
    one = site(Vmdirac8(Settings(20)), inventory(pool("p", 8), pool("q", 4)))
    one.wait(10)
    assert one.cycles(2) == [10, 10]
