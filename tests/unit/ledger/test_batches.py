"""Batches in the ledger."""

from __future__ import annotations

from collections.abc import Callable
from subprocess import Popen
from typing import Any

import pytest
from msgspec.structs import replace

from vmdirac_py.base.clock import ManualClock
from vmdirac_py.base.errors import Conflict
from vmdirac_py.ledger.engine import SqlLedger
from vmdirac_py.model.batch import Batch, BatchKind, BatchState, ErrorClass
from vmdirac_py.model.plan import Outcome
from vmdirac_py.model.reason import Reason
from vmdirac_py.model.vm import Vm

CLAIM = {"token_hash": "ff", "token_deadline": 500.0, "deadline": 300.0, "at": 150.0}
CLAIMER = """
import sys
from vmdirac_py.base.clock import SystemClock
from vmdirac_py.ledger.engine import open_ledger
ledger = open_ledger(sys.argv[1], SystemClock())
print("ready", flush=True)
sys.stdin.readline()
with ledger.write() as tx:
    print(tx.batches.claim("b-1", sys.argv[2], token_hash="ff", token_deadline=500.0, deadline=300.0, at=150.0))
"""


def test_a_batch_comes_back_as_it_was_written(ledger: SqlLedger, a_batch: Callable[..., Batch]) -> None:
    """All fields survive, enumerations and 64-bit numbers included."""
    full = a_batch(
        kind=BatchKind.RETIRE,
        wanted=2**40,
        state=BatchState.UNKNOWN,
        error_class=ErrorClass.LOST,
        error_text="é",
        shapes=("a1", "b2"),
    )
    with ledger.write() as tx:
        tx.batches.insert([full, a_batch(id="b-2")])
        tx.batches.insert([])
    with ledger.read() as tx:
        assert tx.batches.get("b-1") == full
        assert tx.batches.get("b-2") == a_batch(id="b-2")
        assert tx.batches.get("b-3") is None


def test_a_claim_is_made_once(ledger: SqlLedger, a_batch: Callable[..., Batch]) -> None:
    """The first claim sets claimer, token and deadlines; the second finds nothing to claim."""
    with ledger.write() as tx:
        tx.batches.insert([a_batch()])
        assert tx.batches.claim("b-1", "pid-1", **CLAIM)
        assert not tx.batches.claim("b-1", "pid-2", **CLAIM)
        claimed = tx.batches.get("b-1")
        assert tx.batches.by_token("ff") == claimed
        assert tx.batches.by_token("") is None
    assert claimed == replace(
        a_batch(),
        state=BatchState.CLAIMED,
        claimed_by="pid-1",
        token_hash="ff",
        token_deadline=500.0,
        deadline=300.0,
        updated_at=150.0,
    )


def test_of_two_processes_exactly_one_claims(
    url: str, ledger: SqlLedger, a_batch: Callable[..., Batch], start_python: Callable[..., Popen[str]]
) -> None:
    """Two processes that claim one batch at the same time: one hears True, the other False."""
    with ledger.write() as tx:
        tx.batches.insert([a_batch()])
    claimers = {name: start_python(CLAIMER, url, name) for name in ("one", "two")}
    for claimer in claimers.values():
        assert claimer.stdout.readline() == "ready\n"
    for claimer in claimers.values():
        claimer.stdin.write("go\n")
        claimer.stdin.flush()
    answers = {name: claimer.stdout.readline().strip() for name, claimer in claimers.items()}
    assert sorted(answers.values()) == ["False", "True"]
    with ledger.read() as tx:
        assert answers[tx.batches.get("b-1").claimed_by] == "True"


def test_settling_leaves_what_is_not_given(ledger: SqlLedger, a_batch: Callable[..., Batch]) -> None:
    """None leaves a field, and a batch in another state is left alone altogether."""
    with ledger.write() as tx:
        tx.batches.insert([a_batch(launched=1, error_text="old")])
        assert not tx.batches.settle("b-1", {BatchState.CLAIMED}, BatchState.ANSWERED, at=160.0, launched=9)
        written = {BatchState.WRITTEN, BatchState.CLAIMED}
        assert tx.batches.settle("b-1", written, BatchState.UNKNOWN, at=160.0, error_class=ErrorClass.LOST)
        assert tx.batches.settle("b-1", {BatchState.UNKNOWN}, BatchState.CLOSED, at=170.0, refused=2, deadline=1.0)
        settled = tx.batches.get("b-1")
    assert settled == replace(
        a_batch(launched=1, error_text="old"),
        state=BatchState.CLOSED,
        error_class=ErrorClass.LOST,
        refused=2,
        deadline=1.0,
        updated_at=170.0,
    )


def test_batches_are_found_by_state_endpoint_pool_and_kind(ledger: SqlLedger, a_batch: Callable[..., Batch]) -> None:
    """The oldest comes first."""
    with ledger.write() as tx:
        tx.batches.insert(
            [
                a_batch(id="young", created_at=3.0),
                a_batch(id="old", created_at=1.0, endpoint="other", pool="q"),
                a_batch(id="retire", created_at=2.0, kind=BatchKind.RETIRE),
                a_batch(id="closed", state=BatchState.CLOSED),
            ]
        )
        written = {BatchState.WRITTEN}
        assert [batch.id for batch in tx.batches.in_states(written)] == ["old", "retire", "young"]
        assert [batch.id for batch in tx.batches.in_states(written, endpoint="cloud")] == ["retire", "young"]
        assert [batch.id for batch in tx.batches.in_states(written, pool="q")] == ["old"]
        assert [batch.id for batch in tx.batches.in_states(written, kind=BatchKind.LAUNCH)] == ["old", "young"]


def test_outcomes_are_the_launches_answered_since(
    ledger: SqlLedger, clock: ManualClock, a_batch: Callable[..., Batch]
) -> None:
    """Each with its newest event's number and time; retirements and older answers are left out."""
    with ledger.write() as tx:
        tx.batches.insert([a_batch(launched=1, refused=1, error_class=ErrorClass.QUOTA), a_batch(id="b-2")])
        tx.batches.insert([a_batch(id="b-3", kind=BatchKind.RETIRE)])
        old = tx.events.append("batch.answered", subject="b-2")
        for batch in ("b-1", "b-3"):
            tx.events.append("batch.answered", subject=batch)
        tx.events.append("batch.claimed", subject="b-2")
        newest = tx.events.append("batch.answered", subject="b-1")
        expected = Outcome(newest, clock.at, "cloud", "pool", 1, 1, ErrorClass.QUOTA)
        assert tx.batches.outcomes(old) == [expected]
        assert [outcome.seq for outcome in tx.batches.outcomes(0)] == [old, newest]
        assert tx.batches.outcomes(newest) == []


def test_boots_are_outcomes_with_their_seconds(ledger: SqlLedger, clock: ManualClock, a_vm: Callable[..., Vm]) -> None:
    """From the intent to the first sign of life; a VM that never ran took no time of which anything is learned."""
    with ledger.write() as tx:
        vms = [a_vm("vm-1", created_at=clock.at - 42.5), a_vm("vm-2", created_at=clock.at - 99.0)]
        tx.vms.insert(vms, actor="test", reason=Reason.of("test"))
        ran = tx.events.append("vm.running", subject="vm-1")
        died = tx.events.append("vm.stillborn", subject="vm-2")
        assert tx.batches.outcomes(0) == [
            Outcome(ran, clock.at, "cloud", "pool", 1, 0, None, booted=True, seconds=42.5),
            Outcome(died, clock.at, "cloud", "pool", 0, 1, ErrorClass.STILLBORN, booted=True),
        ]


def test_what_vms_found_are_outcomes_with_its_shapes(
    ledger: SqlLedger, clock: ManualClock, a_vm: Callable[..., Vm]
) -> None:
    """A first payload, or an end without any; neither says how long the boot took."""
    about: dict[str, Any] = {"booted": True, "shapes": ("a1", "b2")}
    with ledger.write() as tx:
        tx.vms.insert([a_vm("vm-1"), a_vm("vm-2")], actor="test", reason=Reason.of("test"))
        found = tx.events.append("vm.worked", subject="vm-1", data={"shapes": ("a1", "b2")})
        missed = tx.events.append("vm.unmatched", subject="vm-2", data={"shapes": ["a1", "b2"]})
        assert tx.batches.outcomes(0) == [
            Outcome(found, clock.at, "cloud", "pool", 1, 0, None, **about),
            Outcome(missed, clock.at, "cloud", "pool", 0, 1, ErrorClass.NO_MATCH, **about),
        ]


def test_a_batch_is_written_once(ledger: SqlLedger, a_batch: Callable[..., Batch]) -> None:
    """The same id again is a conflict, and nothing of that transaction is kept."""
    with ledger.write() as tx:
        tx.batches.insert([a_batch()])
        before = tx.batches.get("b-1")
    with pytest.raises(Conflict), ledger.write() as tx:
        tx.batches.insert([a_batch(id="b-2"), a_batch(wanted=9)])
    with ledger.read() as tx:
        assert tx.batches.get("b-1") == before
        assert tx.batches.get("b-2") is None
