import pytest

from tests.support.replays import inventory, job, pool, run
from vmdirac_py.model.plan import Action
from vmdirac_py.model.vm import VmState
from vmdirac_py.replay.rivals.tardis import Settings, Tardis

from .conftest import Site


def test_a_site_that_refuses_is_asked_without_end(site: type[Site]) -> None:
    """As measured: 1,000 drones wanted and refused are created anew each 90 s: about 660 create calls a minute."""
    one = site(Tardis(Settings()), inventory(pool(cores=1), max_vms=1000), VmState.FAILED)
    one.memory = {"p": 1000.0}
    one.cycles(9)
    assert one.asked == [1000, 0, 0] * 3
    assert sum(one.asked) / (9 * one.rule.cycle_seconds / 60.0) == pytest.approx(660, rel=0.02)


def test_it_does_not_look_at_the_queue(site: type[Site]) -> None:
    """With nothing to do it wants a drone, and with a thousand jobs no more of them."""
    quiet, busy = (site(Tardis(Settings(rate=0.03)), inventory(pool())) for _ in range(2))
    busy.wait(1000)
    assert quiet.cycles(3) == busy.cycles(3) == [1, 1, 1]


def test_demand_rises_while_the_first_drones_boot(site: type[Site]) -> None:
    """Nothing that runs counts as all busy, so a slow boot has more and more drones created."""
    one = site(Tardis(Settings(rate=0.27)), inventory(pool()))
    assert one.cycles(4) == [2, 3, 4, 5]


@pytest.mark.parametrize(("busy", "moves"), [(8, 1), (5, 0), (1, -1)])
def test_demand_follows_how_busy_drones_are(site: type[Site], busy: int, moves: int) -> None:
    """Above the allocation it rises, below the utilisation it falls, in between it stays."""
    one = site(Tardis(Settings(rate=8 / 30, utilisation=0.5, allocation=0.8)), inventory(pool()))
    one.memory = {"p": 32.0}
    one.run("p", [busy] * 4)
    one.cycle()
    assert one.memory["p"] == pytest.approx(32.0 + 8 * moves)


def test_the_least_used_are_released(site: type[Site]) -> None:
    """What is too much is drained, the idlest first, and no drone of which only a part is too much."""
    one = site(Tardis(Settings(rate=12 / 30, utilisation=0.9, allocation=0.95)), inventory(pool()))
    one.memory = {"p": 24.0}
    one.run("p", [6, 1, 7])
    (found,) = one.cycle().decisions
    assert (found.action, found.vms) == (Action.DRAIN, ("vm-01001",))


def test_all_jobs_run_in_the_end() -> None:
    """Feedback serves a queue it never saw, and ends its drones when nothing is left."""
    result = run([job(n) for n in range(40)], [pool()], Tardis(Settings(rate=0.1)))
    assert (result.unserved, result.used_core_seconds) == (0, 40 * 3600.0)
