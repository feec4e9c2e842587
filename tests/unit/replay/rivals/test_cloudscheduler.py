from tests.support.replays import inventory, pool
from vmdirac_py.model.vm import VmState
from vmdirac_py.replay.rivals.cloudscheduler import Cloudscheduler, Settings

from .conftest import Site


def test_no_vm_is_added_while_enough_start(site: type[Site]) -> None:
    """With the defaults a VO has about five VMs a boot time, however many jobs wait."""
    one = site(Cloudscheduler(Settings()), inventory(pool()))
    one.wait(800)
    assert one.cycles(3) == [5, 5, 5]


def test_vms_that_start_count_only_for_the_throttle(site: type[Site]) -> None:
    """One job is served by one VM each pass until the first registers: only registered cores are subtracted."""
    one = site(Cloudscheduler(Settings()), inventory(pool()))
    one.wait(1)
    assert one.cycles(6) == [1, 2, 3, 4, 5, 5]


def test_registered_cores_count(site: type[Site]) -> None:
    """Nothing is started where as many cores are free as are asked for."""
    one = site(Cloudscheduler(Settings()), inventory(pool()), VmState.RUNNING)
    one.wait(20)
    assert one.cycles(3) == [3, 3, 3]


def test_the_smallest_flavor_that_fits_is_taken(site: type[Site]) -> None:
    """Four-core jobs get four-core VMs where there are some of 1, 4 and 8."""
    one = site(Cloudscheduler(Settings()), inventory(pool("one", 1), pool("four", 4), pool("eight", 8)))
    one.wait(2, min_cores=4)
    assert [(found.pool, found.count) for found in one.cycle().decisions] == [("four", 2)]


def test_many_idle_vms_stop_it(site: type[Site]) -> None:
    """Ten idle VMs of a VO keep it from starting more, although 200 jobs wait."""
    one = site(Cloudscheduler(Settings()), inventory(pool()))
    one.wait(200)
    one.run("p", [0] * 9)
    assert one.cycle().decisions
    one.fleet.clear()
    one.run("p", [0] * 10)
    assert not one.cycle().decisions


def test_groups_of_alike_jobs_are_taken_in_turn(site: type[Site]) -> None:
    """Of two groups each begins every other pass, so that neither has the throttled starts for itself."""
    one = site(Cloudscheduler(Settings(5, 5)), inventory(pool("p", 8), pool("big", 16)))
    one.wait(100)
    one.wait(100, min_cores=12)
    first = one.cycle().decisions[0].pool
    one.fleet.clear()
    assert {first, one.cycle().decisions[0].pool} == {"p", "big"}
