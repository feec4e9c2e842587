from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from vmdirac_py.lifecycle.budget import Budget
from vmdirac_py.model.inventory import Endpoint, Vo
from vmdirac_py.model.plan import Snapshot
from vmdirac_py.model.vm import VmState
from vmdirac_py.planner.accounts import counted
from vmdirac_py.planner.memory import Memory, Spent

HALF_LIFE = 86400.0


def world(build: Any, vms: int = 1, *, created_at: float = 0.0, budget: float | None = None, **pool: Any) -> Snapshot:
    """Some 8-core VMs at 2.0 an hour."""
    one = build.pool(price=2.0, **pool)
    fleet = [build.vm(one, f"vm-{n}", created_at=created_at or build.AT) for n in range(vms)]
    endpoint = Endpoint("e", "local", "SITE", share_half_life=HALF_LIFE)
    return build.snapshot([one], [], fleet, vos=[Vo("vo", budget=budget)], endpoints=[endpoint])


def test_use_is_core_seconds(build: Any) -> None:
    """Ten minutes of eight cores are 4800 core-seconds, less the little that faded meanwhile."""
    memory = counted(Memory(counted_at=build.AT), replace(world(build), at=build.AT + 600))
    assert memory.used == {"e/vo": pytest.approx(4800, rel=0.003)}
    assert memory.used["e/vo"] < 4800


def test_use_counts_half_after_the_half_life(build: Any) -> None:
    """What was used a half-life ago counts half, and is forgotten in the end."""
    memory = Memory(used={"e/vo": 1000.0}, counted_at=build.AT)
    later = counted(memory, replace(world(build, 0), at=build.AT + HALF_LIFE))
    assert later.used == {"e/vo": pytest.approx(500.0)}
    for days in range(2, 12):
        later = counted(later, replace(world(build, 0), at=build.AT + days * HALF_LIFE))
    assert later.used == {}


def test_money_is_price_times_hours(build: Any) -> None:
    """Three VMs at 2.0 an hour for half an hour cost 3."""
    memory = counted(Memory(counted_at=build.AT), replace(world(build, 3, budget=100.0), at=build.AT + 1800))
    assert memory.spent == {"vo": Spent(build.AT + 1800, 0.0)}
    more = counted(memory, replace(world(build, 3, budget=100.0), at=build.AT + 3600))
    assert more.spent == {"vo": Spent(build.AT + 1800, pytest.approx(3.0))}


def test_a_vm_counts_from_its_making(build: Any) -> None:
    """Nobody pays for the time before a VM was asked for, or for one that is gone."""
    memory = Memory(counted_at=build.AT, spent={"vo": Spent(build.AT)})
    snapshot = replace(world(build, 1, created_at=build.AT + 1800, budget=9.0), at=build.AT + 3600)
    assert counted(memory, snapshot).spent["vo"].amount == pytest.approx(1.0)
    gone = replace(snapshot, fleet=tuple(replace(c, vm=replace(c.vm, state=VmState.HALTED)) for c in snapshot.fleet))
    assert counted(memory, gone).spent["vo"].amount == 0.0


def test_a_clock_set_back_costs_nothing_and_forgets_nothing(build: Any) -> None:
    """Use and money neither grow nor vanish while the clock repeats an hour, and count on from there."""
    memory = Memory(counted_at=build.AT, used={"e/vo": 1000.0}, spent={"vo": Spent(build.AT - 60, 5.0)})
    snapshot = world(build, budget=9.0, created_at=build.AT - 9000)
    back = counted(memory, replace(snapshot, at=build.AT - 3600))
    assert (back.used, back.spent["vo"].amount, back.counted_at) == ({"e/vo": 1000.0}, 5.0, build.AT - 3600)
    on = counted(back, replace(snapshot, at=build.AT - 1800))
    assert on.spent["vo"].amount == pytest.approx(6.0)


def test_a_leap_of_the_clock_counts_a_day_at_most(build: Any) -> None:
    """Ten years forward cost one day."""
    memory = Memory(counted_at=build.AT, spent={"vo": Spent(build.AT)})
    snapshot = replace(world(build, budget=9.0, created_at=build.AT - 9000), at=build.AT + 10 * 365 * 86400.0)
    assert counted(memory, snapshot).spent["vo"].amount <= 48.0


def test_an_idle_installation_changes_nothing(build: Any) -> None:
    """Without VMs and accounts the memory is the same value, so nothing is written; nor is it twice a minute."""
    assert counted(Memory(), world(build, 0)) == Memory()
    memory = Memory(counted_at=build.AT - 59)
    assert counted(memory, world(build)) is memory


def test_old_failures_are_forgotten(build: Any) -> None:
    """A pool that failed a week ago and was never heard of again starts afresh."""
    old, new = Budget(3, 1, build.AT - 8 * 86400), Budget(3, 1, build.AT - 6 * 86400)
    memory = counted(Memory(pools={"old": old, "new": new}, no_match={"old": old}), world(build, 0))
    assert (memory.pools, memory.no_match) == ({"new": new}, {})


@given(cuts=st.lists(st.floats(60.0, 40_000.0), min_size=1, max_size=6), used=st.floats(0, 1e7))
def test_it_does_not_matter_how_often_is_counted(cuts: list[float], used: float, build: Any) -> None:
    """Use counted in many steps is use counted in one."""
    start = Memory(counted_at=build.AT, used={"e/vo": used + 1e4})
    at, often = build.AT, start
    for cut in cuts:
        at = min(at + cut, build.AT + 86_000.0)
        often = counted(often, replace(world(build), at=at))
    once = counted(start, replace(world(build), at=often.counted_at))
    assert often.used["e/vo"] == pytest.approx(once.used["e/vo"], rel=1e-9)


@given(seconds=st.lists(st.floats(60.0, 9e5), min_size=1, max_size=20), used=st.floats(1.0, 1e9))
def test_use_only_fades_without_vms(seconds: list[float], used: float, build: Any) -> None:
    """Decay is monotone: without VMs use never grows."""
    memory, at = Memory(counted_at=build.AT, used={"e/vo": used}), build.AT
    for more in seconds:
        at += more
        after = counted(memory, replace(world(build, 0), at=at))
        assert after.used.get("e/vo", 0.0) < memory.used.get("e/vo", 0.0) or not memory.used
        memory = after
