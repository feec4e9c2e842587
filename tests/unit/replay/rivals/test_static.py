from tests.support.replays import inventory, job, pool, run
from vmdirac_py.replay.rivals.static import Settings, Static

from .conftest import Site

MEAN = {"vo": 20.0}


def test_the_fleet_has_its_size_from_the_first_cycle(site: type[Site]) -> None:
    """20 cores on average, twice over, are five 8-core VMs, whatever waits."""
    one = site(Static(Settings(2.0), MEAN), inventory(pool()))
    assert one.cycles(3) == [5, 5, 5]


def test_only_the_largest_flavor_is_used(site: type[Site]) -> None:
    """With several flavors all VMs are of the largest."""
    one = site(Static(Settings(1.0), MEAN), inventory(pool("small", 2), pool("large", 16)))
    assert [(found.pool, found.count) for found in one.cycle().decisions] == [("large", 2)]


def test_vms_stay_through_quiet_times_and_end_with_the_last_job() -> None:
    """Idle VMs live on between two jobs a day apart; when all is done they go."""
    result = run([job(1), job(2, at=86400.0)], [pool()], Static(Settings(1.0), {"vo": 8.0}))
    assert result.vms_started == 1
    assert 8 * 86400.0 < result.paid_core_seconds < 8 * (86400.0 + 3600.0 + 1000.0)
