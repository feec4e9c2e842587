"""Leases in the ledger."""

from __future__ import annotations

import time
from collections.abc import Callable
from threading import Event, Thread
from typing import Any

import pytest

from vmdirac_py.base.clock import ManualClock
from vmdirac_py.ledger.api import LeaseHeld
from vmdirac_py.ledger.engine import SqlLedger

PAST = -1.0  # seconds: a lease taken for less than no time has expired


def test_a_held_lease_is_refused_with_its_holder(ledger: SqlLedger) -> None:
    """A second owner hears who holds it and until when; the owner itself renews and keeps its token."""
    with ledger.write() as tx:
        lease = tx.leases.take("plan", "one", 60.0)
        with pytest.raises(LeaseHeld) as refusal:
            tx.leases.take("plan", "two", 60.0)
        assert (refusal.value.owner, refusal.value.expires_at) == ("one", lease.expires_at)
        again = tx.leases.take("plan", "one", 120.0)
        assert again.token == lease.token
        assert again.expires_at > lease.expires_at
        assert tx.leases.holders() == [again]


def test_expiry_is_database_time(ledger: SqlLedger, clock: ManualClock) -> None:
    """The expiry is counted from the database's clock, whatever ours says."""
    clock.at = 1.0
    before = time.time()
    with ledger.write() as tx:
        lease = tx.leases.take("plan", "one", 60.0)
    assert before + 59.0 < lease.expires_at < time.time() + 61.0


def test_an_expired_lease_is_taken_over_with_a_greater_token(ledger: SqlLedger) -> None:
    """The old holder fails its check from its expiry on, and after the take-over hears the new holder."""
    with ledger.write() as tx:
        old = tx.leases.take("plan", "one", PAST)
        assert tx.leases.holders() == []
        with pytest.raises(LeaseHeld):
            tx.leases.check(old)
        new = tx.leases.take("plan", "two", 60.0)
        assert new.token == old.token + 1
        tx.leases.check(new)
        with pytest.raises(LeaseHeld) as refusal:
            tx.leases.check(old)
        assert refusal.value.owner == "two"


def test_a_returned_lease_is_free_and_its_token_spent(ledger: SqlLedger) -> None:
    """Whoever takes it next, the former holder included, gets a greater token; a late return changes nothing."""
    with ledger.write() as tx:
        first = tx.leases.take("plan", "one", 60.0)
        tx.leases.release(first)
        second = tx.leases.take("plan", "one", 60.0)
        assert second.token == first.token + 1
        tx.leases.release(first)
        tx.leases.check(second)


def test_leases_of_other_names_are_free(ledger: SqlLedger) -> None:
    """One actor per endpoint: names do not hinder each other, and an unknown lease is nobody's."""
    with ledger.write() as tx:
        cloud = tx.leases.take("endpoint:a", "one", 60.0)
        tx.leases.take("endpoint:b", "two", 60.0)
        assert [lease.name for lease in tx.leases.holders()] == ["endpoint:a", "endpoint:b"]
    with ledger.read() as tx:
        tx.leases.check(cloud)
        with pytest.raises(LeaseHeld):
            tx.leases.check(type(cloud)("endpoint:c", "one", 1, cloud.expires_at))


def test_a_checked_lease_stays_ours_until_the_commit(
    ledger: SqlLedger, wait_until: Callable[[Callable[[], Any]], None]
) -> None:
    """A take-over waits for the transaction that checked, so the new holder sees all the old one wrote."""
    with ledger.write() as tx:
        lease = tx.leases.take("plan", "one", 0.2)
    seen, trying = [], Event()

    def usurper() -> None:
        while not seen:
            trying.set()
            try:
                with ledger.write() as tx:
                    tx.leases.take("plan", "two", 60.0)
                    seen.append(tx.meta.get("written"))
            except LeaseHeld:
                continue

    with ledger.write() as tx:
        tx.leases.check(lease)
        thread = Thread(target=usurper)
        thread.start()
        trying.wait()
        wait_until(lambda: time.time() > lease.expires_at + 0.1)  # the usurper tries all the time
        assert not seen
        tx.meta.set("written", "by the old holder")
    thread.join()
    assert seen == ["by the old holder"]
