from dataclasses import replace

import pytest

from vmdirac_py.lifecycle.leaks import Fate, Stranger, verdicts

LEAK = Stranger("i-1", 9000.0, 9300.0, 2, created_at=500.0, enrolled=False, batch_deadline=800.0)


def fate(stranger: Stranger, *, known: float = 1.0, ledger: float = 100.0) -> Fate:
    """What becomes of one stranger."""
    return verdicts([stranger], at=10_000.0, known_fraction=known, ledger_created_at=ledger)[0].fate


def test_an_old_stranger_that_never_enrolled_is_deleted() -> None:
    """Seen twice at least 300 s apart, its batch's time over: a leak."""
    assert fate(LEAK) is Fate.DELETE


@pytest.mark.parametrize(
    "stranger",
    [replace(LEAK, listings=1), replace(LEAK, last_seen=9299.0), replace(LEAK, batch_deadline=None)],
    ids=["one listing", "299 s", "unknown batch"],
)
def test_weak_evidence_deletes_nothing(stranger: Stranger) -> None:
    """Any missing piece of evidence means: look again."""
    assert fate(stranger) is Fate.WAIT


def test_a_stranger_of_a_young_batch_is_adopted() -> None:
    """A late instance of a lost answer belongs to its batch."""
    assert fate(replace(LEAK, batch_deadline=10_001.0)) is Fate.ADOPT


def test_an_enrolled_stranger_is_adopted_whatever_its_age() -> None:
    """An instance that may run payloads is never deleted as a leak."""
    assert fate(replace(LEAK, enrolled=True)) is Fate.ADOPT


def test_a_half_blind_ledger_deletes_nothing() -> None:
    """Who knows less than half of the listing must not judge the rest."""
    assert fate(LEAK, known=0.49) is Fate.WAIT
    assert fate(LEAK, known=0.5) is Fate.DELETE


def test_one_stranger_older_than_the_ledger_protects_all() -> None:
    """A ledger younger than an instance is a replacement: it deletes nothing at all."""
    found = verdicts(
        [LEAK, replace(LEAK, instance_id="i-2", created_at=50.0)],
        at=10_000.0,
        known_fraction=1.0,
        ledger_created_at=100.0,
    )
    assert {verdict.fate for verdict in found} == {Fate.WAIT}
