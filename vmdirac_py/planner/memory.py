"""What the planner remembers from step to step: a frozen value (kept as JSON by `codec.py`)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import TypeVar

from msgspec.structs import replace

from vmdirac_py.lifecycle.budget import (
    ENDPOINT_BACKOFF,
    MATCH_BACKOFF,
    POOL_BACKOFF,
    UNLIMITED,
    Budget,
    after,
    allow,
)
from vmdirac_py.lifecycle.probing import STEADY, Pace, paced
from vmdirac_py.model.batch import ErrorClass
from vmdirac_py.model.inventory import Pool
from vmdirac_py.model.plan import Finished, Outcome, Snapshot
from vmdirac_py.model.queue import Shape
from vmdirac_py.model.reason import Reason
from vmdirac_py.model.value import Amount, Count, Seconds, Value
from vmdirac_py.model.vm import Capacity

from . import boots
from .boots import Boots
from .lengths import Lengths, learn
from .seen import Seen, see

T = TypeVar("T")


class Spent(Value, frozen=True):
    """Money a VO spent in the budget period that began at `since` (epoch)."""

    since: Seconds
    amount: Amount = 0.0


class Memory(Value, frozen=True, tag_field="version", tag=1):
    """Everything that must outlive a step; whatever is at its start value is left out.

    `endpoints` are launch budgets by endpoint, `pools` by `pool_key`, `no_match` by `match_key`, `paces` by endpoint.
    `used` is the decayed use by `use_key` in core-seconds, `spent` the money by VO, both counted up to `counted_at`
    (epoch). Outcomes up to `outcome_seq` and finished payloads up to `finished_seq` are folded in;
    `seen` is what was seen of demand, `boots` how long VMs boot, by `pool_key`.
    """

    endpoints: Mapping[str, Budget] = {}
    pools: Mapping[str, Budget] = {}
    outcome_seq: Count = 0
    finished_seq: Count = 0
    lengths: Lengths = Lengths()
    no_match: Mapping[str, Budget] = {}
    paces: Mapping[str, Pace] = {}
    used: Mapping[str, Amount] = {}
    spent: Mapping[str, Spent] = {}
    counted_at: Seconds = 0.0
    seen: Seen = Seen()
    boots: Mapping[str, Boots] = {}

    def endpoint(self, name: str) -> Budget:
        """Return the launch budget of an endpoint."""
        return self.endpoints.get(name, UNLIMITED)

    def pool(self, pool: Pool) -> Budget:
        """Return the launch budget of a pool, shared with all that ask the cloud for the same."""
        return self.pools.get(pool_key(pool), UNLIMITED)

    def boot_seconds(self, pool: Pool) -> float:
        """Return how long a VM of a pool is expected to boot: as it was learned, or else as the inventory says."""
        known = self.boots.get(pool_key(pool)) if self.boots else None
        return known.seconds if known else pool.boot_seconds

    def pace(self, endpoint: str) -> Pace:
        """Return how an endpoint may be probed."""
        return self.paces.get(endpoint, STEADY)

    def match(self, pool: Pool, shape: Shape) -> Budget:
        """Return the launch budget of a pool for jobs of one shape."""
        return self.no_match.get(match_key(pool, shape.fingerprint), UNLIMITED) if self.no_match else UNLIMITED

    def refuses(self, pool: Pool, shape: Shape, at: float) -> Reason | None:
        """Return why no VM of the pool shall be launched now for jobs of a shape, or None when some may be."""
        room, reason = allow(self.match(pool, shape), 1, at, scope=pool.name)
        return None if room else reason


def pool_key(pool: Pool) -> str:
    """Return what a pool's failures are remembered by: what the cloud is asked for, and for whom; not its name."""
    return "/".join([part.replace("/", "%2F") for part in (pool.endpoint, pool.flavor, pool.image, pool.vo)])


def match_key(pool: Pool, fingerprint: str) -> str:
    """Return what VMs without a payload are remembered by: a pool's key and the fingerprint of a shape."""
    return f"{pool_key(pool)}/{fingerprint}"


def learned(memory: Memory, finished: Iterable[Finished], fleet: Iterable[Capacity], at: float) -> Memory:
    """Return the memory after these payloads ended, each counted once however often it is shown."""
    new = [payload for payload in finished if payload.seq > memory.finished_seq]
    lengths = learn(memory.lengths, new, fleet, at)
    if lengths is memory.lengths:
        return memory
    newest = max((payload.seq for payload in new), default=memory.finished_seq)
    return replace(memory, finished_seq=newest, lengths=lengths)


def fold(memory: Memory, outcomes: Iterable[Outcome], pools: Mapping[str, Pool]) -> Memory:
    """Return the memory after these outcomes, each counted once however often it is shown.

    What a pool that left the inventory did counts for its endpoint alone.
    """
    by_number = {outcome.seq: outcome for outcome in outcomes if outcome.seq > memory.outcome_seq}
    if not by_number:
        return memory
    new = [by_number[seq] for seq in sorted(by_number)]
    for outcome in new:
        memory = _fold_one(memory, outcome, pools.get(outcome.pool))
    return replace(memory, outcome_seq=new[-1].seq, boots=boots.learn(memory.boots, _of_pools(new, pools)))


def _of_pools(outcomes: Iterable[Outcome], pools: Mapping[str, Pool]) -> Iterator[tuple[str, float, Outcome]]:
    for outcome in outcomes:
        pool = pools.get(outcome.pool)
        if pool is not None:
            yield pool_key(pool), pool.boot_seconds, outcome


def _fold_one(memory: Memory, outcome: Outcome, pool: Pool | None) -> Memory:
    if outcome.shapes or outcome.error_class is ErrorClass.NO_MATCH:
        return memory if pool is None else _matched(memory, outcome, pool)
    name = outcome.endpoint
    endpoint, pace = after(memory.endpoint(name), outcome, ENDPOINT_BACKOFF), paced(memory.pace(name), outcome)
    endpoints, paces = _with(memory.endpoints, name, endpoint, UNLIMITED), _with(memory.paces, name, pace, STEADY)
    memory = replace(memory, endpoints=endpoints, paces=paces)
    if pool is None:
        return memory
    budget = after(memory.pool(pool), outcome, POOL_BACKOFF)
    return replace(memory, pools=_with(memory.pools, pool_key(pool), budget, UNLIMITED))


def _matched(memory: Memory, outcome: Outcome, pool: Pool) -> Memory:
    budgets = memory.no_match
    for key in (match_key(pool, shape) for shape in outcome.shapes):
        # One payload shows that such jobs do match there; there is nothing to be careful about any more.
        worse = after(budgets.get(key, UNLIMITED), outcome, MATCH_BACKOFF)
        budgets = _with(budgets, key, UNLIMITED if outcome.launched else worse, UNLIMITED)
    return replace(memory, no_match=budgets)


def notice(memory: Memory, snapshot: Snapshot) -> Memory:
    """Return the memory after the demand of this snapshot was seen; it is complete."""
    seen = see(memory.seen, snapshot)
    return memory if seen == memory.seen else replace(memory, seen=seen)


def _with(known: Mapping[str, T], name: str, value: T, start: T) -> Mapping[str, T]:
    if known.get(name, start) == value:
        return known
    rest = {key: one for key, one in known.items() if key != name}
    return rest if value == start else {**rest, name: value}
