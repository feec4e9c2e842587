"""Small facts and documents."""

from __future__ import annotations

import json

from vmdirac_py.ledger.engine import SqlLedger


def test_a_fact_is_kept_and_replaced(ledger: SqlLedger) -> None:
    """An unknown fact is None."""
    with ledger.write() as tx:
        tx.meta.set("installation_id", "one")
        tx.meta.set("installation_id", "two")
    with ledger.read() as tx:
        assert tx.meta.get("installation_id") == "two"
        assert tx.meta.get("created_at") is None


def test_a_document_is_kept_and_replaced(ledger: SqlLedger) -> None:
    """Any JSON comes back; a document that says null is not told from none."""
    document = {"budgets": [1, 2.5, None, True, "é\0"], "deep": {"a": {}}}
    with ledger.write() as tx:
        tx.documents.save("memory", [])
        tx.documents.save("memory", document)
    with ledger.read() as tx:
        assert tx.documents.load("memory") == document
        assert json.loads(tx.documents.text("memory") or "") == document
        assert (tx.documents.load("nothing"), tx.documents.text("nothing")) == (None, None)
