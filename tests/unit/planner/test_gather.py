from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NoReturn

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vmdirac_py.model.fit import Offer, failing
from vmdirac_py.model.queue import LONG_WAIT, Shape, TaskQueue
from vmdirac_py.model.resources import Resources
from vmdirac_py.planner.gather import PATIENCE, Host, gathering, gathers_for, passes

NOW = 100_000.0


def queue(name: str, waited: float, *, priority: float = 1.0, waiting: int = 1, **shape: Any) -> TaskQueue:
    """Return a queue whose oldest job has waited so long."""
    return TaskQueue(name, "alpha", "jane", "g", Shape(**shape), priority, waiting, NOW - waited)


def host(name: str, free: int, *, cores: int = 8, slots: int = 1, free_ram: int = 8000) -> Host:
    """Return a VM with some cores free."""
    left = Resources(free, free_ram if free < cores else 8000)
    empty = free == cores
    return Host(name, Offer("alpha", "S", Resources(cores, 8000), left, empty=empty), 0 if empty else slots)


def gathers(vm: str, hosts: Sequence[Host], *queues: TaskQueue) -> str:
    """Return the queue a VM gathers for, empty if it does not."""
    offer = next(one.offer for one in hosts if one.vm == vm)
    found = gathers_for(vm, offer, queues, lambda: hosts, at=NOW)
    return found.id if found else ""


def not_asked() -> NoReturn:
    """Fail: nobody should want to know the other VMs."""
    pytest.fail("the fleet was asked for")


BUSY = (host("a", 1, slots=7), host("b", 3, slots=5), host("c", 0, slots=8))
WHOLE, FOUR = {"whole_node": True}, {"min_cores": 4, "max_cores": 4}


def test_the_vm_that_lacks_least_gathers() -> None:
    """For a whole-node job that waited long one VM starts nothing, and only that one."""
    small, large = queue("small", 0), queue("large", LONG_WAIT, **WHOLE)
    assert [gathers(name, BUSY, small, large) for name in "ab"] == ["", "large"]


@pytest.mark.parametrize(("missing", "vm"), [(FOUR, "b"), ({"ram_mb": 6000}, "a")])
def test_cores_and_memory_are_gathered_alike(missing: dict[str, Any], vm: str) -> None:
    """Whatever a job lacks, the VM nearest to it gathers."""
    hosts = (host("a", 1, free_ram=5000), host("b", 3, free_ram=1000))
    small, large = queue("small", 0), queue("large", LONG_WAIT, **missing)
    assert [one.vm for one in hosts if gathers(one.vm, hosts, small, large)] == [vm]


def test_a_young_job_is_not_gathered_for() -> None:
    """Before a large job has waited long, cores are not left idle for it, and nobody asks for the fleet."""
    queues = (queue("small", 0), queue("large", LONG_WAIT - 1, **WHOLE))
    assert gathers_for("b", BUSY[1].offer, queues, not_asked, at=NOW) is None


def test_where_all_wait_nothing_is_gathered() -> None:
    """A large job that waits no longer than `PATIENCE` times the small ones waits for want of everything."""
    small, large = queue("small", LONG_WAIT), queue("large", PATIENCE * LONG_WAIT - 1, **WHOLE)
    assert gathers("b", BUSY, small, large) == ""
    assert gathers("b", BUSY, small, queue("large", PATIENCE * LONG_WAIT, **WHOLE)) == "large"


def test_a_vm_that_has_room_is_enough() -> None:
    """While the job fits some VM, empty or booting, none gathers."""
    small, large = queue("small", 0), queue("large", 1e5, **WHOLE)
    assert gathering([large], (*BUSY, host("d", 8))) == {}
    assert gathers("b", (*BUSY, host("d", 8)), small, large) == ""


def test_an_empty_vm_refuses_nothing() -> None:
    """What a VM could give a large job at once, it need not gather."""
    assert gathers("d", (host("d", 8),), queue("small", 0), queue("large", 1e5, min_cores=9, max_cores=9)) == ""


def test_more_important_small_jobs_still_start() -> None:
    """Up to the large job's own priority nothing younger starts on the VM that gathers; above it, everything."""
    large = queue("large", 1e5, priority=5.0, **WHOLE)
    assert [passes(queue("small", 0, priority=priority), large) for priority in (4.0, 5.0, 5.1)] == [False, False, True]
    assert passes(queue("small", 0), None)


def test_who_waits_longer_is_not_held_up() -> None:
    """A large job that fits now starts where a younger one gathers room: it has waited as long, and would starve."""
    small, younger = queue("small", 0), queue("younger", 1e5, ram_mb=6000)
    older = queue("older", 2e5, min_cores=3, max_cores=3)
    assert gathers("b", (host("b", 3, slots=5, free_ram=5000),), small, younger, older) == "younger"
    assert passes(older, younger)
    assert not passes(small, younger)


def test_a_tenth_of_many_vms_gathers() -> None:
    """Of forty VMs four gather for ten jobs, and no more than there are jobs."""
    hosts = [host(f"vm-{number:02}", 1, slots=7) for number in range(40)]
    assert len(gathering([queue("large", 1e5, waiting=10, **WHOLE)], hosts)) == 4
    assert len(gathering([queue("large", 1e5, waiting=2, **WHOLE)], hosts)) == 2


def test_two_large_jobs_gather_on_two_vms() -> None:
    """The oldest has the nearest VM, the next one the nearest of the others, or they would wait for the same cores."""
    older, younger = queue("older", 2e5, **WHOLE), queue("younger", 1e5, **FOUR)
    assert gathering([younger, older], BUSY) == {"b": older, "a": younger}


def test_few_payloads_are_nearer_to_an_empty_node_than_free_cores() -> None:
    """One payload on seven cores ends sooner than the last of four small ones."""
    hosts = (host("few", 1, slots=1), host("many", 4, slots=4))
    assert list(gathering([queue("large", 1e5, **WHOLE)], hosts)) == ["few"]


def test_a_vm_that_will_be_empty_by_itself_is_not_counted_on() -> None:
    """A VM full with one payload starts nothing anyway: another one gathers."""
    hosts = (host("full", 0, slots=1), host("many", 1, slots=7))
    assert list(gathering([queue("large", 1e5, **WHOLE)], hosts)) == ["many"]


def test_without_smaller_jobs_nothing_is_refused() -> None:
    """Equal and larger jobs take nothing from one that waits."""
    large = queue("large", 1e5, **FOUR)
    assert gathers("b", BUSY, large, queue("equal", 0, **FOUR), queue("larger", 0, **WHOLE)) == ""


hosts_drawn = st.lists(st.tuples(st.integers(0, 8), st.integers(1, 8)), min_size=1, max_size=30)


@given(hosts_drawn, st.integers(1, 12), st.integers(1, 5))
def test_only_vms_that_could_ever_run_it_gather(drawn: list[tuple[int, int]], cores: int, waiting: int) -> None:
    """Who gathers would fit the job when empty, does not now, and no VM lacks less that does not gather."""
    hosts = [host(f"vm-{number:02}", free, slots=slots) for number, (free, slots) in enumerate(drawn)]
    large = queue("large", 1e5, waiting=waiting, min_cores=cores, max_cores=cores)
    chosen = gathering([large], hosts)
    free = {one.vm: one.offer.free.cores for one in hosts}
    assert cores <= 8 or not chosen
    assert len(chosen) <= waiting
    assert all(failing(large, one.offer) for one in hosts if one.vm in chosen)
    others = [free[one.vm] for one in hosts if one.vm not in chosen]
    assert not chosen or min(free[vm] for vm in chosen) >= max(others, default=0)
