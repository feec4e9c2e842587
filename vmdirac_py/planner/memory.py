"""What the planner remembers from step to step: a frozen value that is kept as JSON."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from vmdirac_py.base.errors import BadInput
from vmdirac_py.lifecycle.budget import ENDPOINT_BACKOFF, POOL_BACKOFF, UNLIMITED, Budget, after
from vmdirac_py.model.batch import ErrorClass
from vmdirac_py.model.plan import Outcome

VERSION = 1


@dataclass(frozen=True, slots=True)
class Memory:
    """Launch budgets that are not unlimited, by endpoint and by pool; outcomes up to `outcome_seq` are folded in."""

    endpoints: Mapping[str, Budget] = field(default_factory=dict)
    pools: Mapping[str, Budget] = field(default_factory=dict)
    outcome_seq: int = 0

    def endpoint(self, name: str) -> Budget:
        """Return the budget of an endpoint."""
        return self.endpoints.get(name, UNLIMITED)

    def pool(self, name: str) -> Budget:
        """Return the budget of a pool."""
        return self.pools.get(name, UNLIMITED)


def fold(memory: Memory, outcomes: Iterable[Outcome]) -> Memory:
    """Return the memory after these outcomes, each counted once however often it is shown."""
    for outcome in sorted(outcomes, key=lambda outcome: outcome.seq):
        if outcome.seq > memory.outcome_seq:
            memory = _fold_one(memory, outcome)
    return memory


def _fold_one(memory: Memory, outcome: Outcome) -> Memory:
    endpoint = after(memory.endpoint(outcome.endpoint), outcome, ENDPOINT_BACKOFF)
    pool = after(memory.pool(outcome.pool), outcome, POOL_BACKOFF)
    return Memory(
        _with(memory.endpoints, outcome.endpoint, endpoint), _with(memory.pools, outcome.pool, pool), outcome.seq
    )


def _with(budgets: Mapping[str, Budget], name: str, budget: Budget) -> Mapping[str, Budget]:
    rest = {key: value for key, value in budgets.items() if key != name}
    return rest if budget == UNLIMITED else {**rest, name: budget}


def to_plain(memory: Memory) -> dict[str, Any]:
    """Return the memory as JSON values."""
    return {
        "version": VERSION,
        "outcome_seq": memory.outcome_seq,
        "endpoints": {name: _budget_to_plain(budget) for name, budget in sorted(memory.endpoints.items())},
        "pools": {name: _budget_to_plain(budget) for name, budget in sorted(memory.pools.items())},
    }


def from_plain(document: Mapping[str, Any] | None) -> Memory:
    """Read a memory; None (nothing remembered yet) is the empty one.

    Raises:
        BadInput: another version wrote it, or it is no memory.
    """
    if document is None:
        return Memory()
    if document.get("version") != VERSION:
        raise BadInput(
            f"version {document.get('version')} instead of {VERSION}", where="planner memory", mend="upgrade vmdirac_py"
        )
    try:
        return Memory(_budgets(document["endpoints"]), _budgets(document["pools"]), int(document["outcome_seq"]))
    except (KeyError, TypeError, ValueError) as error:
        raise BadInput(
            f"not readable: {error!r}", where="planner memory", mend="remove it; it is learned anew"
        ) from error


def _budget_to_plain(budget: Budget) -> dict[str, Any]:
    error = budget.error_class.value if budget.error_class else None
    return {
        "failures": budget.failures,
        "allowance": budget.allowance,
        "not_before": budget.not_before,
        "error_class": error,
    }


def _budgets(plain: Mapping[str, Any]) -> dict[str, Budget]:
    return {name: _budget(value) for name, value in plain.items()}


def _budget(plain: Mapping[str, Any]) -> Budget:
    error = ErrorClass(plain["error_class"]) if plain["error_class"] else None
    return Budget(plain["failures"], plain["allowance"], plain["not_before"], error)
