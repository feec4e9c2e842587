"""What the planner remembers, as it stands in the ledger."""

from __future__ import annotations

import json
from functools import lru_cache

from vmdirac_py.base.errors import BadInput
from vmdirac_py.base.log import logger
from vmdirac_py.ledger.api import Transaction
from vmdirac_py.lifecycle.budget import Budget
from vmdirac_py.planner.codec import memory_from_json, memory_to_json
from vmdirac_py.planner.memory import Memory, fold

DOCUMENT = "planner.memory"


def load(tx: Transaction) -> Memory:
    """Return the memory as the last step left it."""
    return _memory(tx.documents.text(DOCUMENT))


@lru_cache(maxsize=2)  # every match asks for it
def _memory(text: str | None) -> Memory:
    if text is None:
        return Memory()
    try:
        return memory_from_json(text.encode())
    except BadInput as error:
        # What was learned can be learned again; without it jobs must still be matched and VMs launched.
        logger("planner").error("its memory cannot be read, it begins anew", error=str(error))
        told = json.loads(text)
        return Memory(outcome_seq=int(told.get("outcome_seq", 0)), finished_seq=int(told.get("finished_seq", 0)))


def save(tx: Transaction, memory: Memory) -> None:
    """Keep a memory for the next step."""
    tx.documents.save(DOCUMENT, json.loads(memory_to_json(memory)))


def budget_now(tx: Transaction, endpoint: str) -> Budget:
    """Return an endpoint's launch budget with the outcomes no step has seen yet."""
    memory = load(tx)
    return fold(memory, tx.batches.outcomes(memory.outcome_seq), {}).endpoint(endpoint)
