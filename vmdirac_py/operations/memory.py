"""What the planner remembers, as it stands in the ledger."""

from __future__ import annotations

from vmdirac_py.ledger.api import Transaction
from vmdirac_py.lifecycle.budget import Budget
from vmdirac_py.planner.codec import memory_from_plain, memory_to_plain
from vmdirac_py.planner.memory import Memory, fold

DOCUMENT = "planner.memory"


def load(tx: Transaction) -> Memory:
    """Return the memory as the last step left it."""
    return memory_from_plain(tx.documents.load(DOCUMENT))


def save(tx: Transaction, memory: Memory) -> None:
    """Keep a memory for the next step."""
    tx.documents.save(DOCUMENT, memory_to_plain(memory))


def budget_now(tx: Transaction, endpoint: str) -> Budget:
    """Return an endpoint's launch budget with the outcomes no step has seen yet."""
    memory = load(tx)
    return fold(memory, tx.batches.outcomes(memory.outcome_seq), {}).endpoint(endpoint)
