"""The fleet in the ledger."""

from __future__ import annotations

import itertools
from collections import defaultdict
from collections.abc import Callable
from threading import Barrier, Thread

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from vmdirac_py.base.errors import Conflict
from vmdirac_py.ledger.engine import SqlLedger
from vmdirac_py.model.batch import Batch
from vmdirac_py.model.plan import SoftEnd
from vmdirac_py.model.reason import Reason
from vmdirac_py.model.vm import Move, Vm, VmState

BORN = Reason.of("plan.new")
WHY = Reason.of("cloud.accepted", instance="i-1")
_numbers = itertools.count()


def _move(vm: str, was: VmState = VmState.NEW, to: VmState = VmState.SUBMITTED, deadline: float = 900.0) -> Move:
    return Move(vm, was, to, WHY, deadline)


def test_a_vm_comes_back_as_it_was_written(ledger: SqlLedger, a_vm: Callable[..., Vm]) -> None:
    """All fields of a VM survive, the reason and 64-bit numbers included."""
    full = a_vm(
        "vm-1",
        instance_id="i-1",
        address="::1",
        soft_end=7.5,
        last_seen=5.5,
        missed_listings=1,
        retire_batch="b-9",
        reason=WHY,
    )
    with ledger.write() as tx:
        tx.vms.insert([full, a_vm("vm-2")], actor="test", reason=BORN)
    with ledger.read() as tx:
        assert tx.vms.get("vm-1") == full
        assert tx.vms.get("vm-2") == a_vm("vm-2")
        assert tx.vms.get("vm-3") is None


def test_a_move_sets_everything_that_belongs_to_the_new_state(ledger: SqlLedger, a_vm: Callable[..., Vm]) -> None:
    """State, since when, deadline and reason change together, and history says who did it."""
    with ledger.write() as tx:
        tx.vms.insert([a_vm("vm-1")], actor="planner", reason=BORN)
        assert tx.vms.move([_move("vm-1")], actor="cloud", at=150.0) == ["vm-1"]
        moved = tx.vms.get("vm-1")
        assert moved == replace(a_vm("vm-1"), state=VmState.SUBMITTED, state_since=150.0, deadline=900.0, reason=WHY)
        first, second = tx.vms.history("vm-1")
    assert (first.was, first.to, first.at, first.actor, first.reason) == (None, VmState.NEW, 100.0, "planner", BORN)
    assert (second.was, second.to, second.at, second.actor, second.reason) == (
        VmState.NEW,
        VmState.SUBMITTED,
        150.0,
        "cloud",
        WHY,
    )


def test_only_those_move_that_are_in_the_expected_state(ledger: SqlLedger, a_vm: Callable[..., Vm]) -> None:
    """The guard holds row by row over more than one chunk, and the answer names exactly the moved ones."""
    fleet = [a_vm(f"vm-{number:04}") for number in range(1200)]
    ids = [vm.id for vm in fleet]
    with ledger.write() as tx:
        tx.vms.insert(fleet, actor="test", reason=BORN)
        early = tx.vms.move([_move(vm) for vm in ids[::3]], actor="test", at=150.0)
        rest = tx.vms.move([_move(vm) for vm in [*ids, "vm-none"]], actor="test", at=160.0)
        assert early == ids[::3]
        assert sorted(early + rest) == ids
        assert all(len(tx.vms.history(vm)) == 2 for vm in ids[:10])
        assert tx.vms.counts() == {("vo", "pool", VmState.SUBMITTED): 1200}


def test_of_two_movers_at_once_exactly_one_moves_each_vm(ledger: SqlLedger, a_vm: Callable[..., Vm]) -> None:
    """Two threads with the same moves in opposite order share the fleet without loss or doubling."""
    ids = [f"vm-{number}" for number in range(50)]
    with ledger.write() as tx:
        tx.vms.insert([a_vm(vm) for vm in ids], actor="test", reason=BORN)
    barrier, won = Barrier(2), {}

    def mover(name: str, order: list[str]) -> None:
        barrier.wait()
        with ledger.write() as tx:
            won[name] = tx.vms.move([_move(vm) for vm in order], actor=name, at=150.0)

    threads = [Thread(target=mover, args=("a", ids)), Thread(target=mover, args=("b", ids[::-1]))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(won["a"] + won["b"]) == sorted(ids)
    with ledger.read() as tx:
        assert all(len(tx.vms.history(vm)) == 2 for vm in ids)


_moves = st.lists(
    st.tuples(st.integers(0, 3), st.sampled_from(VmState), st.sampled_from(VmState), st.floats(0, 1e9)), max_size=30
)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(batches=st.lists(_moves, max_size=4))
def test_history_never_loses_a_step(
    ledger: SqlLedger, a_vm: Callable[..., Vm], batches: list[list[tuple[int, VmState, VmState, float]]]
) -> None:
    """After any moves, histories are unbroken chains of exactly the moves reported, ending in the row's state."""
    example = next(_numbers)
    ids = [f"vm-{example}-{number}" for number in range(4)]
    moved_times = defaultdict(int)
    with ledger.write() as tx:
        tx.vms.insert([a_vm(vm) for vm in ids], actor="test", reason=BORN)
    for moves in batches:
        with ledger.write() as tx:
            wanted = [Move(ids[number], was, to, WHY, deadline) for number, was, to, deadline in moves]
            for vm in tx.vms.move(wanted, actor="test", at=150.0):
                moved_times[vm] += 1
    with ledger.read() as tx:
        for vm in ids:
            history = tx.vms.history(vm)
            assert [line.was for line in history] == [None, *(line.to for line in history[:-1])]
            assert history[-1].to is tx.vms.get(vm).state
            assert len(history) - 1 >= moved_times[vm]
            assert (len(history) > 1) == (moved_times[vm] > 0)


def test_an_instance_is_bound_once(ledger: SqlLedger, a_vm: Callable[..., Vm]) -> None:
    """The same instance again is fine, another one is refused, and the address is kept when none is given."""
    with ledger.write() as tx:
        tx.vms.insert([a_vm("vm-1")], actor="test", reason=BORN)
        assert tx.vms.bind("vm-1", "i-1", "10.0.0.1")
        assert tx.vms.bind("vm-1", "i-1", "")
        assert not tx.vms.bind("vm-1", "i-2", "10.0.0.2")
        assert not tx.vms.bind("vm-none", "i-3", "")
        found = tx.vms.by_instance("cloud", "i-1")
        assert (found.id, found.address) == ("vm-1", "10.0.0.1")
        assert tx.vms.by_instance("other", "i-1") is None
        assert tx.vms.by_instance("cloud", "") is None


def test_one_instance_never_belongs_to_two_vms(ledger: SqlLedger, a_vm: Callable[..., Vm]) -> None:
    """Binding another VM of the endpoint to the same instance is a conflict; other endpoints may reuse the name."""
    with ledger.write() as tx:
        tx.vms.insert([a_vm("vm-1"), a_vm("vm-2"), a_vm("vm-3", endpoint="other")], actor="test", reason=BORN)
        assert tx.vms.bind("vm-1", "i-1", "")
        assert tx.vms.bind("vm-3", "i-1", "")
    with pytest.raises(Conflict), ledger.write() as tx:
        tx.vms.bind("vm-2", "i-1", "")


def test_a_listing_counts_who_was_missing(ledger: SqlLedger, a_vm: Callable[..., Vm]) -> None:
    """Present rows start again at 0, absent live bound ones count up; others are left alone."""
    with ledger.write() as tx:
        fleet = [
            a_vm("here", instance_id="i-1", missed_listings=1),
            a_vm("gone", instance_id="i-2", missed_listings=1),
            a_vm("unbound"),
            a_vm("halted", instance_id="i-3", state=VmState.HALTED),
            a_vm("elsewhere", instance_id="i-4", endpoint="other"),
            a_vm("changed-since", instance_id="i-5", state_since=301.0),
        ]
        tx.vms.insert(fleet, actor="test", reason=BORN)
        tx.vms.listed("cloud", {"i-1", "i-strange"}, at=300.0)
        missed = {vm.id: vm.missed_listings for vm in tx.vms.get_many([vm.id for vm in fleet])}
    assert missed == {"here": 0, "gone": 2, "unbound": 0, "halted": 0, "elsewhere": 0, "changed-since": 0}


def test_vms_are_found_by_what_they_are(ledger: SqlLedger, a_vm: Callable[..., Vm]) -> None:
    """State, endpoint, pool, VO, batch and retire batch select; the oldest comes first."""
    with ledger.write() as tx:
        fleet = [
            a_vm("young", created_at=102.0),
            a_vm("old", created_at=101.0, vo="vo2", pool="pool2", endpoint="other", batch="b-2"),
            a_vm("halted", state=VmState.HALTED),
        ]
        tx.vms.insert(fleet, actor="test", reason=BORN)
        assert [vm.id for vm in tx.vms.in_states({VmState.NEW})] == ["old", "young"]
        assert [vm.id for vm in tx.vms.in_states({VmState.NEW}, vo="vo2", pool="pool2", endpoint="other")] == ["old"]
        assert tx.vms.in_states({VmState.NEW}, vo="vo2", pool="pool") == []
        assert tx.vms.in_states(set()) == []
        assert [vm.id for vm in tx.vms.of_batch("b-2")] == ["old"]
        assert tx.vms.mark_retire(["young", "old", "none"], "b-3") == 2
        assert [vm.id for vm in tx.vms.to_retire("b-3")] == ["old", "young"]
        tx.vms.seen(["old"], at=333.0)
        assert [vm.last_seen for vm in tx.vms.get_many(["young", "old"])] == [333.0, 0.0]


def test_soft_ends_are_set_in_bulk_and_only_changes_count(ledger: SqlLedger, a_vm: Callable[..., Vm]) -> None:
    """Each VM gets its own end, 0.0 takes it away, and what was so already or is no VM is not counted."""
    with ledger.write() as tx:
        tx.vms.insert([a_vm("vm-1"), a_vm("vm-2"), a_vm("vm-3", soft_end=9.5)], actor="test", reason=BORN)
        ends = [SoftEnd("vm-2", 700.5), SoftEnd("vm-1", 600.5), SoftEnd("vm-3", 0.0), SoftEnd("vm-none", 1.0)]
        assert tx.vms.soften(ends) == 3
        assert tx.vms.soften(ends) == 0
        assert tx.vms.soften([]) == 0
    with ledger.read() as tx:
        assert [vm.soft_end for vm in tx.vms.get_many(["vm-1", "vm-2", "vm-3"])] == [600.5, 700.5, 0.0]


def test_vos_are_found_by_the_states_of_their_vms(ledger: SqlLedger, a_vm: Callable[..., Vm]) -> None:
    """Each once, however many VMs it has; none without states."""
    with ledger.write() as tx:
        fleet = [a_vm("vm-1", vo="a"), a_vm("vm-2", vo="a"), a_vm("vm-3", vo="b", state=VmState.HALTED)]
        tx.vms.insert(fleet, actor="test", reason=BORN)
        assert tx.vms.vos((VmState.NEW, VmState.RUNNING)) == {"a"}
        assert tx.vms.vos((VmState.NEW, VmState.HALTED)) == {"a", "b"}
        assert tx.vms.vos(()) == set()


def test_a_vm_keeps_what_it_was_made_of(ledger: SqlLedger, a_vm: Callable[..., Vm]) -> None:
    """Image and profile are written with the row, and again for those whose request was sent with others."""
    with ledger.write() as tx:
        vms = [a_vm("vm-1", image="one", profile="1"), a_vm("vm-2", image="one")]
        tx.vms.insert(vms, actor="test", reason=Reason.of("test"))
        assert tx.vms.made_of(["vm-2"], image="two", profile="2") == 1
    with ledger.read() as tx:
        found = [(vm.id, vm.image, vm.profile) for vm in tx.vms.get_many(["vm-1", "vm-2"])]
    assert found == [("vm-1", "one", "1"), ("vm-2", "two", "2")]


def test_a_first_payload_is_noted_once(
    ledger: SqlLedger, a_vm: Callable[..., Vm], a_batch: Callable[..., Batch]
) -> None:
    """Until then a VM is known with what its batch was launched for; one launched for nothing is not."""
    with ledger.write() as tx:
        tx.batches.insert([a_batch(id="b-1", shapes=("a1", "b2")), a_batch(id="b-2")])
        tx.vms.insert([a_vm("vm-1"), a_vm("vm-2"), a_vm("vm-3", batch="b-2")], actor="test", reason=BORN)
        assert tx.vms.unworked(["vm-1", "vm-2", "vm-3"]) == dict.fromkeys(("vm-1", "vm-2"), ("a1", "b2"))
        assert [tx.vms.worked("vm-1", at=at) for at in (5.0, 6.0)] == [True, False]
        assert set(tx.vms.unworked(["vm-1", "vm-2"])) == {"vm-2"}
        assert tx.vms.unworked([]) == {}
