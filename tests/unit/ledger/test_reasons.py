"""Reasons as intervals."""

from __future__ import annotations

import pytest
from sqlalchemy import event

from vmdirac_py.ledger.api import ReasonSpan
from vmdirac_py.ledger.engine import SqlLedger
from vmdirac_py.model.reason import Reason

FULL = Reason.of("limit.pool_vms", limit=3, name="é")
SLOW = Reason.of("backoff.endpoint", seconds=12.5, hard=True)


def test_a_reason_holds_from_its_first_record_to_its_last(ledger: SqlLedger) -> None:
    """What is not given any more is closed at that time; what stays keeps its beginning."""
    with ledger.write() as tx:
        tx.reasons.record({"pool:a": [FULL, SLOW], "pool:b": [FULL]}, at=100.0, kinds={"pool"})
        tx.reasons.record({"pool:a": [SLOW]}, at=200.0, kinds={"pool"})
        assert tx.reasons.holding() == [ReasonSpan("pool:a", SLOW, 100.0)]
        assert tx.reasons.holding("pool:b") == []
        assert tx.reasons.history("pool:b") == [ReasonSpan("pool:b", FULL, 100.0, 200.0)]
        tx.reasons.record({"pool:b": [FULL]}, at=300.0, kinds={"pool"})
        assert tx.reasons.history("pool:b")[-1] == ReasonSpan("pool:b", FULL, 300.0)


def test_kinds_do_not_touch_each_other(ledger: SqlLedger) -> None:
    """Recording pools leaves queues as they are; a subject of a kind not announced is refused."""
    with ledger.write() as tx:
        tx.reasons.record({"queue:1": [FULL]}, at=100.0, kinds={"queue"})
        tx.reasons.record({}, at=200.0, kinds={"pool", "job"})
        assert tx.reasons.holding("queue:1") == [ReasonSpan("queue:1", FULL, 100.0)]
        with pytest.raises(ValueError, match="queue:1"):
            tx.reasons.record({"queue:1": [SLOW]}, at=200.0, kinds={"pool"})


def test_an_identical_record_writes_nothing(ledger: SqlLedger) -> None:
    """The same reasons again, in any order and twice, run no INSERT and no UPDATE."""
    statements: list[str] = []
    with ledger.write() as tx:
        tx.reasons.record({"pool:a": [FULL, SLOW]}, at=100.0, kinds={"pool"})
    event.listen(ledger._engine, "before_cursor_execute", lambda *arguments: statements.append(arguments[2]))
    with ledger.write() as tx:
        tx.reasons.record({"pool:a": [SLOW, FULL, FULL], "pool:b": []}, at=200.0, kinds={"pool"})
        assert len(tx.reasons.history("pool:a")) == 2
    assert statements
    assert not [text for text in statements if text.startswith(("INSERT", "UPDATE", "DELETE"))]
