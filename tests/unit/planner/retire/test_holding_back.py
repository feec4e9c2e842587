"""What holds drains back: doubtful input, the cap, and the planner's judgement."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec.structs import replace

from vmdirac_py.model.plan import EndpointView, PoolNote
from vmdirac_py.model.reason import Reason
from vmdirac_py.model.vm import VmState
from vmdirac_py.model.words import words
from vmdirac_py.planner.memory import Memory
from vmdirac_py.planner.retire.judge import MOST_TRIES, Group, Judge, Outlook
from vmdirac_py.planner.retire.policy import Proof
from vmdirac_py.planner.seen import Seen


class TestDoubts:
    """Input that looks wrong."""

    @pytest.mark.parametrize(("age", "gone"), [(599.0, 1), (601.0, 0), (1e9, 0)])
    def test_an_endpoint_not_listed_for_long_keeps_its_idle_vms(
        self, world: Any, build: Any, age: float, gone: int
    ) -> None:
        """Ten minutes; the reason names the endpoint."""
        pool = build.pool()
        listed = (EndpointView("e", world.at - age),)
        snapshot = world.snapshot([pool], [world.vm(pool, idle=5000)], endpoints=listed)
        assert len(world.drained(snapshot)) == gone
        assert world.held(snapshot) == ({} if gone else {"p": ["retire.unlisted"]})

    def test_a_slowly_listed_endpoint_may_be_older(self, world: Any, build: Any) -> None:
        """Ten of its own periods."""
        pool = build.pool()
        snapshot = world.snapshot([pool], [world.vm(pool, idle=5000)], endpoints=(EndpointView("e", world.at - 2500),))
        slow = {"e": replace(snapshot.inventory.endpoints["e"], listing_seconds=300.0)}
        patient = replace(snapshot, inventory=replace(snapshot.inventory, endpoints=slow))
        assert (len(world.drained(snapshot)), len(world.drained(patient))) == (0, 1)

    @pytest.mark.parametrize(("silent", "gone"), [(5, 1), (6, 0)])
    def test_a_fleet_that_falls_silent_keeps_its_vms(self, world: Any, build: Any, silent: int, gone: int) -> None:
        """When more than half missed their last heartbeats, the fault is ours or the network's."""
        pool = build.pool(heartbeat_seconds=60.0)
        quiet = [world.vm(pool, f"quiet-{n}", busy=1, last_seen=world.at - 200) for n in range(silent)]
        loud = [world.vm(pool, f"loud-{n}", busy=1, last_seen=world.at - 10) for n in range(4)]
        idle = world.vm(pool, "idle", idle=5000, last_seen=world.at - 10)
        snapshot = world.snapshot([pool], [*quiet, *loud, idle])
        assert len(world.drained(snapshot)) == gone
        assert world.held(snapshot) == ({} if gone else {"p": ["retire.silent"]})

    def test_another_endpoint_is_not_held_back(self, world: Any, build: Any) -> None:
        """Each cloud is judged by its own listing and heartbeats."""
        dark, fine = build.pool("dark", endpoint="dark"), build.pool("fine", endpoint="fine")
        fleet = [world.vm(pool, pool.name, idle=5000) for pool in (dark, fine)]
        views = (EndpointView("dark", world.at - 9000), EndpointView("fine", world.at))
        assert list(world.drained(world.snapshot([dark, fine], fleet, endpoints=views))) == ["fine"]

    def test_a_demand_that_vanished_ends_no_idle_vm(self, world: Any, build: Any) -> None:
        """The next plan after a queue that seemed to empty keeps what it may need again in a minute."""
        pool = build.pool()
        idle = world.vm(pool, idle=5000)
        before = Memory(seen=Seen(world.at - 30, 1000))
        snapshot = world.snapshot([pool], [idle])
        assert world.drained(snapshot, before) == {}
        (note,) = world.plan(snapshot, before).pools
        assert "1000 waiting jobs vanished" in words(note.reasons[-1])

    def test_a_lowered_limit_is_followed_all_the_same(self, world: Any, build: Any) -> None:
        """What the inventory says needs neither listing nor demand."""
        pool = build.pool(max_vms=0)
        snapshot = world.snapshot([pool], [world.full(pool)], endpoints=())
        assert world.drained(snapshot, Memory(seen=Seen(world.at - 30, 1000))) == {"vm-1": "over.pool"}

    def test_incomplete_demand_retires_nothing(self, world: Any, build: Any) -> None:
        """Not even what is over a limit."""
        pool = build.pool(max_vms=0)
        snapshot = world.snapshot([pool], [world.full(pool)])
        assert world.drained(replace(snapshot, demand=replace(snapshot.demand, complete=False))) == {}


class TestCap:
    """How many may drain within a minute."""

    @pytest.mark.parametrize(("vms", "most"), [(4, 4), (20, 5), (50, 10)])
    def test_a_fifth_of_the_endpoint_and_five_at_least(self, world: Any, build: Any, vms: int, most: int) -> None:
        """Also for a lowered limit; the rest is said to follow."""
        pool = build.pool(max_vms=0)
        snapshot = world.snapshot([pool], [world.full(pool, f"vm-{n}") for n in range(vms)])
        assert len(world.drained(snapshot)) == most
        assert world.held(snapshot) == ({"p": ["retire.capped"]} if most < vms else {})

    def test_the_inventory_may_say_another(self, world: Any, build: Any) -> None:
        """`endpoint_max_drains: 0` lets the planner drain nobody."""
        pool = build.pool(max_vms=0)
        snapshot = world.snapshot([pool], [world.full(pool)])
        closed = {"e": replace(snapshot.inventory.endpoints["e"], max_drains=0)}
        assert world.drained(replace(snapshot, inventory=replace(snapshot.inventory, endpoints=closed))) == {}

    @pytest.mark.parametrize(
        ("state", "code", "since", "left"),
        [
            (VmState.DRAINING, "drain.by_hand", 30, 2),
            (VmState.DRAINING, "retire.idle", 61, 5),
            (VmState.STOPPING, "vm.drained", 30, 2),
            (VmState.STOPPING, "over.pool", 30, 2),
            (VmState.STOPPING, "vm.left", 30, 5),
            (VmState.STOPPING, "deadline.stop", 30, 5),
        ],
    )
    def test_what_drained_within_the_minute_counts(
        self, world: Any, build: Any, state: VmState, code: str, since: float, left: int
    ) -> None:
        """Whoever asked for it, and also when it has ended since; VMs that left by themselves do not."""
        pool = build.pool(max_vms=0)
        gone = [world.vm(pool, f"gone-{n}", state=state, reason=Reason.of(code)) for n in range(3)]
        gone = [replace(one, vm=replace(one.vm, state_since=world.at - since)) for one in gone]
        snapshot = world.snapshot([pool], [*gone, *(world.full(pool, f"vm-{n}") for n in range(10))])
        assert len(world.drained(snapshot)) == left

    def test_the_emptiest_and_youngest_go_first(self, world: Any, build: Any) -> None:
        """So a cap costs the least."""
        pool = build.pool(max_vms=0)
        fleet = [world.vm(pool, f"vm-{n}", busy=n % 3, created_at=world.at - 1000 + n) for n in range(9)]
        assert sorted(world.drained(world.snapshot([pool], fleet))) == ["vm-0", "vm-3", "vm-4", "vm-6", "vm-7"]


def test_a_young_vm_is_not_ended_as_idle(world: Any, build: Any) -> None:
    """Before `pool_min_life` only a person's wish ends it."""
    pool = build.pool(min_life=7200.0)
    young, old = world.vm(pool, "young", idle=3000), world.vm(pool, "old", idle=3000, created_at=world.at - 7200)
    assert list(world.drained(world.snapshot([pool], [young, old]))) == ["old"]
    over = replace(pool, max_vms=0)
    assert sorted(world.drained(world.snapshot([over], [young, old]))) == ["old", "young"]


def test_what_is_held_back_is_added_to_a_pools_reasons(world: Any, build: Any) -> None:
    """Nothing that was said before is lost, and a pool that left the inventory is told of too."""
    pool = build.pool(min_vms=1)
    notes = world.plan(world.snapshot([pool], [world.vm(pool, idle=5000)])).pools
    assert notes == (PoolNote("p", (Reason.of("pool.no_demand", vo="vo"), Reason.of("retire.needed"))),)


class TestJudge:
    """How few plans find out who can be spared."""

    class Needs:
        """A planner that launches what goes of some pools, above so many VMs; and counts its plans."""

        def __init__(self, spare: dict[str, int]) -> None:
            self.spare, self.plans = spare, 0

        def __call__(self, without: frozenset[str]) -> Outlook:
            """Return what would be launched."""
            self.plans += 1
            gone = {pool: sum(vm.startswith(f"{pool}-") for vm in without) for pool in self.spare}
            return Outlook({pool: max(0, gone[pool] - self.spare[pool]) for pool in self.spare}, 0)

    def groups(self, pools: int, vms: int) -> list[Group]:
        """So many pools of so many VMs."""
        return [Group(f"p{n}", tuple(f"p{n}-{one}" for one in range(vms))) for n in range(pools)]

    def test_one_plan_more_spares_all(self) -> None:
        """A thousand VMs nobody needs."""
        needs = self.Needs({f"p{n}": 100 for n in range(10)})
        assert len(Judge(needs).spared(frozenset(), self.groups(10, 100), Proof.UNNEEDED)) == 1000
        assert needs.plans == 2

    def test_a_pool_in_need_is_found_by_halves(self) -> None:
        """All but seven of one pool's VMs go, after a handful of plans."""
        needs = self.Needs({f"p{n}": 93 if n == 3 else 100 for n in range(10)})
        spared = Judge(needs).spared(frozenset(), self.groups(10, 100), Proof.UNNEEDED)
        assert len(spared) == 993
        assert needs.plans <= 25

    def test_plans_are_bounded(self) -> None:
        """However many pools are in need, a step ends; who was not asked about stays."""
        needs = self.Needs({f"p{n}": 1 for n in range(500)})
        spared = Judge(needs).spared(frozenset(), self.groups(500, 3), Proof.UNNEEDED)
        assert needs.plans <= MOST_TRIES + 1
        assert all(vm.endswith("-0") for vm in spared)

    def test_a_wish_needs_no_plan(self) -> None:
        """What somebody asked for is not judged."""
        needs = self.Needs({"p0": 0})
        assert len(Judge(needs).spared(frozenset(), self.groups(1, 3), Proof.ASKED)) == 3
        assert needs.plans == 0

    def test_a_replacement_may_be_launched_but_no_job_lose_its_place(self) -> None:
        """What a policy means to replace is judged by the jobs alone; what moves, also by where the VMs come from."""
        launched, lost = Outlook({"p0": 1}, 0), Outlook({}, 1)
        for proof, outlook, spared in (
            (Proof.UNNEEDED, launched, False), (Proof.REPLACED, launched, True), (Proof.MOVED, launched, False),
            (Proof.MOVED, Outlook({"other": 1}, 0), True), (Proof.REPLACED, lost, False), (Proof.MOVED, lost, False),
        ):  # fmt: skip
            judge = Judge(lambda without, then=outlook: then if without else Outlook({}, 0))
            assert bool(judge.spared(frozenset(), self.groups(1, 1), proof)) is spared
