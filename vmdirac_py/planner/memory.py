"""What the planner remembers from step to step: a frozen value (kept as JSON by `codec.py`)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

from vmdirac_py.lifecycle.budget import ENDPOINT_BACKOFF, POOL_BACKOFF, UNLIMITED, Budget, after
from vmdirac_py.model.plan import Outcome, Snapshot

from .seen import Seen, see


@dataclass(frozen=True, slots=True)
class Memory:
    """Launch budgets that are not unlimited, by endpoint and by pool; outcomes up to `outcome_seq` are folded in.

    `seen` is what was seen of demand.
    """

    endpoints: Mapping[str, Budget] = field(default_factory=dict)
    pools: Mapping[str, Budget] = field(default_factory=dict)
    outcome_seq: int = 0
    seen: Seen = field(default_factory=Seen)

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
    return replace(
        memory,
        endpoints=_with(memory.endpoints, outcome.endpoint, endpoint),
        pools=_with(memory.pools, outcome.pool, pool),
        outcome_seq=outcome.seq,
    )


def notice(memory: Memory, snapshot: Snapshot) -> Memory:
    """Return the memory after the demand of this snapshot was seen; it is complete."""
    return replace(memory, seen=see(memory.seen, snapshot))


def _with(budgets: Mapping[str, Budget], name: str, budget: Budget) -> Mapping[str, Budget]:
    rest = {key: value for key, value in budgets.items() if key != name}
    return rest if budget == UNLIMITED else {**rest, name: budget}
