"""Each policy: whom it names, and whom it lets be."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec.structs import replace

from vmdirac_py.lifecycle.budget import Budget
from vmdirac_py.model.inventory import Endpoint
from vmdirac_py.model.plan import Finished, RetireOrder, Snapshot
from vmdirac_py.model.vm import VmState
from vmdirac_py.planner.memory import Memory, learned, pool_key
from vmdirac_py.planner.retire.choose import retire
from vmdirac_py.planner.retire.judge import Outlook

DAY = 86400.0


def test_an_idle_vm_nobody_needs_is_drained(world: Any, build: Any) -> None:
    """After `pool_idle_seconds` and two heartbeats of grace, not a second sooner."""
    pool = build.pool(idle_seconds=600.0, heartbeat_seconds=60.0)
    assert world.drained(world.snapshot([pool], [world.vm(pool, idle=720)])) == {"vm-1": "retire.idle"}
    assert world.drained(world.snapshot([pool], [world.vm(pool, idle=719)])) == {}


def test_a_vm_that_never_goes_for_want_of_work_is_let_be(world: Any, build: Any) -> None:
    """`never` binds the planner too; with a billing boundary it waits for what is paid for."""
    lasting = build.pool(idle_seconds=600.0, stop_policies=("never",))
    assert world.drained(world.snapshot([lasting], [world.vm(lasting, idle=50_000)])) == {}
    hourly = build.pool(idle_seconds=600.0, heartbeat_seconds=60.0, stop_policies=("no_jobs", "billing_boundary"))
    assert world.drained(world.snapshot([hourly], [world.vm(hourly, idle=4319)])) == {}
    assert world.drained(world.snapshot([hourly], [world.vm(hourly, idle=4320)])) == {"vm-1": "retire.idle"}


def test_an_idle_vm_that_waiting_jobs_need_stays(world: Any, build: Any) -> None:
    """Without it a VM would have to be launched; of two the younger goes when one is enough."""
    pool = build.pool(cores=8)
    old, young = world.vm(pool, "old", idle=5000, created_at=world.at - 9000), world.vm(pool, "young", idle=5000)
    snapshot = world.snapshot([pool], [old, young], [build.queue(8)])
    assert world.drained(snapshot) == {"young": "retire.idle"}
    assert world.held(snapshot) == {"p": ["retire.needed"]}


def test_an_idle_vm_stays_when_its_jobs_would_find_no_place(world: Any, build: Any) -> None:
    """A limit that forbids the launch does not make the VM less needed."""
    pool = build.pool(cores=8, max_vms=1)
    assert world.drained(world.snapshot([pool], [world.vm(pool, idle=5000)], [build.queue(1)])) == {}


def test_a_pool_keeps_its_minimum_of_idle_vms(world: Any, build: Any) -> None:
    """Of three idle VMs two stay when `pool_min_vms` is two."""
    pool = build.pool(min_vms=2)
    fleet = [world.vm(pool, f"vm-{n}", idle=5000) for n in range(3)]
    assert len(world.drained(world.snapshot([pool], fleet))) == 1


def test_one_vo_in_need_does_not_keep_the_idle_vms_of_others(world: Any, build: Any) -> None:
    """VMs are judged pool by pool where all together cannot go."""
    pools = [build.pool(f"p{n}", vo=f"vo{n}") for n in range(5)]
    fleet = [world.vm(pool, pool.name, idle=5000) for pool in pools]
    snapshot = world.snapshot(pools, fleet, [build.queue(1, vo="vo2")])
    assert sorted(world.drained(snapshot)) == ["p0", "p1", "p3", "p4"]


@pytest.mark.parametrize(("load", "gone"), [(0.01, True), (0.06, False), (None, False)])
def test_a_vm_without_load_goes_where_slots_are_not_counted(world: Any, build: Any, load: Any, gone: Any) -> None:
    """Nobody knows since when it is idle, but its load has told it for long."""
    pool = build.pool()
    vm = world.vm(pool, cpu_load=load, load_since=world.at - 3600)
    assert world.drained(world.snapshot([pool], [vm])) == ({"vm-1": "retire.no_cpu"} if gone else {})


def test_a_quiet_payload_is_no_lack_of_load(world: Any, build: Any) -> None:
    """What waited for its input until a moment ago leaves a VM that is idle since then, not since its load fell."""
    pool = build.pool()
    vm = world.vm(pool, idle=10, cpu_load=0.0, load_since=world.at - 3600)
    assert world.drained(world.snapshot([pool], [vm])) == {}


def test_a_vm_that_asks_in_vain_goes_although_jobs_wait_for_it(world: Any, build: Any) -> None:
    """It is one that would have been counted on for ever; another VM is launched for the jobs."""
    pool = build.pool()
    vm = world.vm(pool, idle=1000, failed_matches=9)
    old = replace(build.queue(1), oldest=world.at - 3600)
    snapshot = world.snapshot([pool], [vm], [old])
    assert world.drained(snapshot) == {"vm-1": "retire.no_match"}
    assert build.launched(world.plan(snapshot)) == {"p": 1}


@pytest.mark.parametrize("change", [{"waited": 60.0}, {"failed_matches": 2}, {"cores": 16}, {"idle": 300.0}], ids=str)
def test_asking_in_vain_needs_time_tries_and_a_fitting_job(world: Any, build: Any, change: Any) -> None:
    """A job that came just now, few requests, a job too large for it, or a short idleness prove nothing."""
    about = {"waited": 3600.0, "failed_matches": 9, "cores": 1, "idle": 1000.0} | change
    pool = build.pool(idle_seconds=90_000.0)
    vm = world.vm(pool, idle=about["idle"], failed_matches=about["failed_matches"])
    queue = replace(build.queue(1, min_cores=about["cores"]), oldest=world.at - about["waited"])
    assert world.drained(world.snapshot([pool], [vm], [queue])) == {}


def test_a_vm_near_its_end_takes_no_more_jobs(world: Any, build: Any) -> None:
    """It is drained, also with payloads, once less is left than its VO's jobs are known to run."""
    pool = build.pool(max_life=100_000.0)
    vm = world.full(pool, created_at=world.at - 95_000.0)
    snapshot = world.snapshot([pool], [vm])
    assert codes(snapshot, ran(7200.0)) == ["retire.end_of_life"]
    assert codes(snapshot, ran(3600.0)) == []
    assert codes(snapshot) == []


def ran(seconds: float) -> Memory:
    """A memory of many payloads of VO `vo` that ran so long."""
    ended = [Finished(n, "vo", "user", "vo_user", seconds, 86_400) for n in range(1, 100)]
    return learned(Memory(), ended, (), 1_800_000_000.0)


def codes(snapshot: Snapshot, memory: Memory | None = None) -> list[str]:
    """The reasons of drains where nothing would be launched."""
    retired = retire(snapshot, memory or Memory(), lambda _without: Outlook({}, 0))
    return [one.reason.code for one in retired.decisions]


def test_the_end_of_life_margin_is_bounded(world: Any, build: Any) -> None:
    """Jobs as long as a life do not end VMs before they began."""
    pool = build.pool(max_life=100_000.0)
    vm = world.full(pool, created_at=world.at - 89_000.0)
    assert codes(world.snapshot([pool], [vm]), ran(1e6)) == []


def test_a_campaign_that_is_over_drains_its_pool(world: Any, build: Any) -> None:
    """All its VMs, with payloads or without; no other pool's."""
    over, on = build.pool("over", campaign_end=world.at - 1), build.pool("on", campaign_end=world.at + 1)
    fleet = [world.full(over, "a"), world.vm(over, "b"), world.vm(on, "c")]
    assert world.drained(world.snapshot([over, on], fleet)) == {"a": "retire.campaign", "b": "retire.campaign"}


class TestDrift:
    """VMs that are not what their pool says."""

    def test_is_let_be_by_default(self, world: Any, build: Any) -> None:
        """Another image alone drains nobody."""
        pool = build.pool(image="new")
        assert world.drained(world.snapshot([pool], [world.full(pool, image="old")])) == {}

    @pytest.mark.parametrize(
        ("was", "code"),
        [({"image": "old"}, "retire.drift_image"), ({"profile": "1"}, "retire.drift_profile"), ({"image": ""}, None)],
    )
    def test_drains_where_the_pool_says_so(self, world: Any, build: Any, was: Any, code: Any) -> None:
        """Image and profile count; a VM of which nothing was recorded is let be."""
        pool = build.pool(image="new", profile="2", drift="drain")
        drained = world.drained(world.snapshot([pool], [world.full(pool, **was)]))
        assert drained == ({"vm-1": code} if code else {})

    def test_goes_a_tenth_at_a_time(self, world: Any, build: Any) -> None:
        """Of forty VMs four drain; one that drains already counts."""
        pool = build.pool(image="new", drift="drain")
        fleet = [world.full(pool, f"vm-{n}", image="old") for n in range(39)]
        leaving = world.vm(pool, "leaving", state=VmState.DRAINING, image="old")
        snapshot = world.snapshot([pool], [*fleet, leaving])
        assert len(world.drained(snapshot)) == 3
        assert world.held(snapshot) == {"p": ["retire.gradual"]}

    def test_stops_while_launches_fail(self, world: Any, build: Any) -> None:
        """A broken new image does not cost the VMs of the old one."""
        pool = build.pool(image="new", drift="drain")
        failing = Memory(pools={pool_key(pool): Budget(failures=1, allowance=1, not_before=world.at)})
        assert world.drained(world.snapshot([pool], [world.full(pool, image="old")]), failing) == {}


class TestImageOrders:
    """`vmdirac image retire`."""

    def order(self, world: Any, hours_ago: float, hours: float, vms: int) -> RetireOrder:
        """An order given so long ago, for so long."""
        since = world.at - hours_ago * 3600
        return RetireOrder("old", since, since + hours * 3600, vms, "unix:ann")

    @pytest.mark.parametrize(("hours_ago", "gone"), [(0.0, 0), (1.0, 2), (5.0, 10), (9.9, 20), (11.0, 20)])
    def test_is_spread_over_its_time(self, world: Any, build: Any, hours_ago: float, gone: int) -> None:
        """Of twenty VMs a tenth each hour of ten, busy ones too, and all of them at its end."""
        pool = build.pool()
        fleet = [world.full(pool, f"vm-{n}", image="old") for n in range(20)]
        snapshot = world.snapshot([pool], fleet, orders=(self.order(world, hours_ago, 10.0, 20),))
        limits = [replace(snapshot.inventory.endpoints["e"], max_drains=100)]
        drained = world.drained(replace(snapshot, inventory=world.snapshot([pool], (), limits=limits).inventory))
        assert abs(len(drained) - gone) <= (hours_ago not in {0.0, 11.0})
        assert set(drained.values()) <= {"retire.image"}

    def test_vms_that_went_by_themselves_count(self, world: Any, build: Any) -> None:
        """Half of the time is over and half of the VMs are gone: nothing is to be done."""
        pool = build.pool()
        fleet = [world.full(pool, f"vm-{n}", image="old") for n in range(10)]
        assert world.drained(world.snapshot([pool], fleet, orders=(self.order(world, 5.0, 10.0, 20),))) == {}

    def test_takes_the_emptiest_first_and_no_other_image(self, world: Any, build: Any) -> None:
        """What runs is disturbed last."""
        pool = build.pool()
        fleet = [world.full(pool, "busy", image="old"), world.vm(pool, "empty", image="old"), world.vm(pool, "other")]
        assert list(world.drained(world.snapshot([pool], fleet, orders=(self.order(world, 5, 10, 2),)))) == ["empty"]

    def test_nothing_is_launched_from_it(self, world: Any, build: Any) -> None:
        """Jobs go to pools of other images, or wait with the reason."""
        old, new = build.pool("old", image="old", priority=9), build.pool("new", image="new")
        order = self.order(world, 0.0, 10.0, 0)
        both = world.plan(world.snapshot([old, new], (), [build.queue(8)], orders=(order,)))
        assert build.launched(both) == {"new": 1}
        alone = world.plan(world.snapshot([old], (), [build.queue(8)], orders=(order,)))
        assert build.launched(alone) == {}
        assert build.codes(alone) == {"q": ["retire.image_closed"]}


class TestCheaper:
    """VMs that another pool would replace for less."""

    def pools(self, build: Any, **about: Any) -> list[Any]:
        """A dear pool, and a cheap one."""
        return [build.pool("dear", price=1.0, **about), build.pool("cheap", price=0.5)]

    def test_a_long_lived_vm_gives_way(self, world: Any, build: Any) -> None:
        """While jobs wait that would fill it again, and one at a time."""
        pools = self.pools(build)
        fleet = [world.full(pools[0], f"vm-{n}") for n in range(3)]
        snapshot = world.snapshot(pools, fleet, [build.queue(40)])
        assert list(world.drained(snapshot).values()) == ["retire.cheaper"]
        assert build.launched(world.plan(snapshot)) == {"cheap": 5}

    @pytest.mark.parametrize(
        "dear", [{"replace_saving": 0.6}, {"max_life": 80_000.0}, {"priority": 1}, {"tags": ("GPU",)}],
        ids=["saves too little", "ends soon", "is preferred", "offers more"],
    )  # fmt: skip
    def test_stays_where_it_does_not_pay(self, world: Any, build: Any, dear: Any) -> None:
        """The saving is too small, it ends soon anyway, operators prefer it, or the other cannot do the same."""
        pools = self.pools(build, **dear)
        assert world.drained(world.snapshot(pools, [world.full(pools[0])], [build.queue(40)])) == {}

    def test_stays_without_waiting_jobs(self, world: Any, build: Any) -> None:
        """Then it runs dry by itself."""
        pools = self.pools(build)
        assert world.drained(world.snapshot(pools, [world.full(pools[0])])) == {}

    def test_stays_where_the_cheap_pool_is_full_or_failing(self, world: Any, build: Any) -> None:
        """What cannot be launched replaces nothing."""
        dear, cheap = self.pools(build)
        full = replace(cheap, max_vms=0)
        assert world.drained(world.snapshot([dear, full], [world.full(dear)], [build.queue(40)])) == {}
        failing = Memory(pools={pool_key(cheap): Budget(failures=1, allowance=1, not_before=world.at)})
        assert world.drained(world.snapshot([dear, cheap], [world.full(dear)], [build.queue(40)]), failing) == {}

    def test_half_empty_large_vms_give_way_to_small_ones(self, world: Any, build: Any) -> None:
        """The price is per used core: two of eight cores cost less on a small VM of the same price per core."""
        large = build.pool("large", cores=8, price=0.8)
        small = build.pool("small", cores=2, price=0.199)
        snapshot = world.snapshot([large, small], [world.vm(large, busy=2)], [build.queue(1, min_cores=2, name="q")])
        assert codes(snapshot) == ["retire.cheaper"]
        assert codes(world.snapshot([large, small], [world.full(large)], [build.queue(1)])) == []


class TestOutgrown:
    """Small VMs that take up one of few instances each while jobs wait."""

    def crowd(self, world: Any, build: Any, *, small: int = 9, waiting: int = 40, most: int = 10, **large: Any) -> Any:
        """So many full VMs of one core at an endpoint of ten, where the VO may also have eight cores."""
        pools = [build.pool("small", cores=1), build.pool("large", cores=8, **large)]
        fleet = [world.full(pools[0], f"vm-{n}") for n in range(small)]
        queues = [build.queue(waiting)] if waiting else []
        return world.snapshot(pools, fleet, queues, limits=[Endpoint("e", "local", "SITE", max_vms=most, ramp=100)])

    def test_give_way_to_large_ones(self, world: Any, build: Any) -> None:
        """As many as, each replaced by a large one, give the cores that the last free instances do not give."""
        drained = world.drained(self.crowd(world, build, waiting=21))
        assert list(drained.values()) == ["retire.outgrown"] * 2

    def test_stay_where_instances_are_left(self, world: Any, build: Any) -> None:
        """Then a large one is launched beside them."""
        assert world.drained(self.crowd(world, build, most=20)) == {}

    def test_stay_without_waiting_jobs(self, world: Any, build: Any) -> None:
        """Then they run dry by themselves."""
        assert world.drained(self.crowd(world, build, waiting=0)) == {}

    @pytest.mark.parametrize(
        "large", [{"mode": "manual"}, {"max_vms": 0}, {"tags": (), "vo": "other"}], ids=["manual", "full", "another's"]
    )
    def test_stay_where_nothing_larger_may_come(self, world: Any, build: Any, large: Any) -> None:
        """What cannot be launched replaces nothing."""
        assert world.drained(self.crowd(world, build, **large)) == {}

    def test_those_that_go_already_count(self, world: Any, build: Any) -> None:
        """Another plan before they are gone drains no more."""
        snapshot = self.crowd(world, build, waiting=15)
        first, *rest = snapshot.fleet
        going = replace(first, vm=replace(first.vm, state=VmState.DRAINING))
        assert world.drained(replace(snapshot, fleet=(going, *rest))) == {}
