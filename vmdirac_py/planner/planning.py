"""One plan in the making: jobs placed, VMs launched until a pass that sees them all wants no more, and why."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from math import inf, log

from vmdirac_py.model.inventory import Pool
from vmdirac_py.model.plan import Action, Decision, Plan, Snapshot
from vmdirac_py.model.reason import Reason

from .assign import Share, assign
from .ends import reach_of, soft_ends
from .explain import Explained
from .fleet import Fleet, fresh
from .groups import Groups
from .hold import Patience
from .launching import Launch, Launching
from .limits import Limits, limits_of
from .memory import Memory
from .minimums import minimum_reason, minimums
from .spots import Spots
from .stock import Key, Phase

MOST_PASSES = 8
BAND = 4.0
"""VMs of a pool are launched together when the jobs they are for differ in length by less than this factor."""


class Planning:
    """A plan for a snapshot without the VMs in `leaving`."""

    def __init__(self, snapshot: Snapshot, memory: Memory, leaving: frozenset[str]) -> None:
        self._snapshot, self._memory, self._leaving = snapshot, memory, leaving
        self._groups = Groups(snapshot, memory.lengths)
        self._launches: list[Launch] = []
        self._minimums: dict[str, int] = {}
        self._made: Limits | None = None

    def _limits(self) -> Limits:
        """Return the limits; most plans launch nothing and need none."""
        if self._made is None:
            self._made = limits_of(self._snapshot, self._memory)
        return self._made

    def plan(self) -> Plan:
        """Return the plan."""
        fleet = Fleet(self._snapshot, self._memory.lengths, self._groups.all, self._leaving)
        shares, reopened = assign(fleet, self._groups.all)
        self._settle(shares, fleet)
        if any(vo.budget is not None for vo in self._snapshot.inventory.vos.values()):
            self._limits()
        explained = Explained(self._snapshot, self._groups, self._made)
        decisions = tuple(self._decisions())
        return Plan(
            self._snapshot.at,
            decisions,
            tuple(explained.placements(shares)),
            explained.notes({one.pool for one in decisions}),
            tuple(sorted(soft_ends(self._snapshot, reopened), key=lambda end: end.vm)),
        )

    def _settle(self, shares: Sequence[Share], fleet: Fleet) -> None:
        """Find room for what is left, until a pass that sees all planned VMs from its start wants no more.

        That last pass is what the next step will see, so the same jobs never cause a second launch.
        """
        planned = self._wanted_anyway()
        left = [share for share in shares if share.left]
        if not left:
            return
        spots = Spots(self._snapshot.inventory.pools, self._limits(), fleet.booting)
        patience = Patience(self._snapshot, self._memory)
        launching = Launching(spots, self._limits(), self._memory, patience)
        vos = set(planned)
        for _ in range(MOST_PASSES):
            for vo in vos:
                spots.plan(vo, planned[vo])
            launches = launching.run(left)
            self._launches += launches
            for one in launches:
                planned[one.pool.vo][self._key(one.pool, one.seconds)] += one.vms
            vos = {one.pool.vo for one in launches}
            if not spots.open(vos):
                break
            left = [share for share in left if share.group.vo in vos]

    def _wanted_anyway(self) -> defaultdict[str, Counter[Key]]:
        self._minimums = minimums(self._snapshot, self._limits, self._leaving)
        planned: defaultdict[str, Counter[Key]] = defaultdict(Counter)
        for name, count in self._minimums.items():
            pool = self._snapshot.inventory.pools[name]
            planned[pool.vo][self._key(pool, inf)] += count
        return planned

    def _key(self, pool: Pool, seconds: float) -> Key:
        return fresh(pool, pool.resources, Phase.NEW, seconds)

    def _decisions(self) -> list[Decision]:
        pools = self._snapshot.inventory.pools
        anyway = [self._decision(pools[name], n, minimum_reason(pools[name])) for name, n in self._minimums.items()]
        return [*anyway, *self._for_jobs()]

    def _for_jobs(self) -> list[Decision]:
        """Return one launch per pool and band of length."""
        bands: defaultdict[tuple[str, int], list[Launch]] = defaultdict(list)
        for launch in self._launches:
            bands[launch.pool.name, int(log(max(1.0, launch.seconds), BAND))].append(launch)
        return [self._for_band(launches) for launches in bands.values()]

    def _for_band(self, launches: list[Launch]) -> Decision:
        groups = {share.group for launch in launches for share in launch.jobs}
        jobs = sum(count for launch in launches for count in launch.jobs.values())
        reason = Reason.of("launch.demand", jobs=jobs, queues=min(jobs, sum(len(group.queues) for group in groups)))
        shapes = tuple(sorted({group.shape.fingerprint for group in groups}))
        pool, longest = launches[0].pool, max(launch.seconds for launch in launches)
        return self._decision(pool, sum(one.vms for one in launches), reason, shapes, longest)

    def _decision(
        self, pool: Pool, count: int, reason: Reason, shapes: tuple[str, ...] = (), seconds: float = inf
    ) -> Decision:
        reach = reach_of(seconds, pool.resources.cores)
        end = 0.0 if reach == inf else self._snapshot.at + pool.boot_seconds + reach
        return Decision(Action.LAUNCH, pool.endpoint, pool.name, pool.vo, count, reason, shapes=shapes, soft_end=end)
