"""Enrolments."""

from __future__ import annotations

from vmdirac_py.ledger.api import Enrolment
from vmdirac_py.ledger.engine import SqlLedger


def test_an_instance_of_a_batch_enrols_once(ledger: SqlLedger) -> None:
    """A second enrolment of the same instance is told apart and changes nothing."""
    first = Enrolment("b-1", "i-1", "vm-1", "aa", 100.0)
    with ledger.write() as tx:
        assert tx.enrolments.add(first)
        assert not tx.enrolments.add(Enrolment("b-1", "i-1", "vm-2", "bb", 110.0))
        assert tx.enrolments.add(Enrolment("b-1", "i-2", "vm-2", "bb", 110.0))
        assert tx.enrolments.get("b-1", "i-1") == first
        assert tx.enrolments.get("b-2", "i-1") is None
        assert (tx.enrolments.count("b-1"), tx.enrolments.count("b-2")) == (2, 0)
