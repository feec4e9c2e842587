"""What the planner remembers from step to step: a frozen value (kept as JSON by `codec.py`)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from msgspec.structs import replace

from vmdirac_py.lifecycle.budget import ENDPOINT_BACKOFF, POOL_BACKOFF, UNLIMITED, Budget, after
from vmdirac_py.model.plan import Finished, Outcome
from vmdirac_py.model.value import Count, Value
from vmdirac_py.model.vm import Capacity

from .lengths import Lengths, learn


class Memory(Value, frozen=True, tag_field="version", tag=1):
    """Launch budgets that are not unlimited, by endpoint and by pool.

    Outcomes up to `outcome_seq` and finished payloads up to `finished_seq` are folded in.
    """

    endpoints: Mapping[str, Budget] = {}
    pools: Mapping[str, Budget] = {}
    outcome_seq: Count = 0
    finished_seq: Count = 0
    lengths: Lengths = Lengths()

    def endpoint(self, name: str) -> Budget:
        """Return the budget of an endpoint."""
        return self.endpoints.get(name, UNLIMITED)

    def pool(self, name: str) -> Budget:
        """Return the budget of a pool."""
        return self.pools.get(name, UNLIMITED)


def learned(memory: Memory, finished: Iterable[Finished], fleet: Iterable[Capacity], at: float) -> Memory:
    """Return the memory after these payloads ended, each counted once however often it is shown."""
    new = [payload for payload in finished if payload.seq > memory.finished_seq]
    lengths = learn(memory.lengths, new, fleet, at)
    if lengths is memory.lengths:
        return memory
    newest = max((payload.seq for payload in new), default=memory.finished_seq)
    return replace(memory, finished_seq=newest, lengths=lengths)


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


def _with(budgets: Mapping[str, Budget], name: str, budget: Budget) -> Mapping[str, Budget]:
    rest = {key: value for key, value in budgets.items() if key != name}
    return rest if budget == UNLIMITED else {**rest, name: budget}
