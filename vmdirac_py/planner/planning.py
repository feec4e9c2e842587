"""One plan in the making: jobs placed, VMs launched until a pass that sees them all wants no more, and why."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from math import inf, log

from vmdirac_py.model.inventory import Pool
from vmdirac_py.model.plan import Action, Decision, Plan, Snapshot
from vmdirac_py.model.reason import Reason

from .assign import Share, assign
from .ends import WASTE, reach_of, soft_ends
from .explain import Explained
from .fleet import Fleet, fresh
from .groups import Groups
from .hold import Patience
from .launching import Launch, Launching
from .limits import Limits, limits_of
from .memory import Memory
from .minimums import minimum_reason, minimums
from .spots import Spots
from .stock import Key

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
        self._minimums = minimums(self._snapshot, self._limits, self._leaving)
        planned = self._planned()
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
            vos = {one.pool.vo for one in launches}
            planned = self._planned()
            if not spots.open(vos):
                break
            left = [share for share in left if share.group.vo in vos]

    def _planned(self) -> defaultdict[str, Counter[Key]]:
        """Return the VMs that are decided upon as the next step will see them, by VO."""
        planned: defaultdict[str, Counter[Key]] = defaultdict(Counter)
        for name, count in self._minimums.items():
            self._count(planned, self._snapshot.inventory.pools[name], inf, count)
        for band in self._bands():
            self._count(planned, band[0].pool, _longest(band), sum(one.vms for one in band))
        return planned

    def _count(self, planned: defaultdict[str, Counter[Key]], pool: Pool, seconds: float, vms: int) -> None:
        seconds = seconds if pool.resources.cores > WASTE else inf
        planned[pool.vo][fresh(pool, pool.resources, seconds)] += vms

    def _decisions(self) -> list[Decision]:
        pools = self._snapshot.inventory.pools
        anyway = [self._decision(pools[name], n, minimum_reason(pools[name])) for name, n in self._minimums.items()]
        return [*anyway, *map(self._for_band, self._bands())]

    def _bands(self) -> list[list[Launch]]:
        """Return the launches that are made together: those of a pool whose jobs are about as long."""
        bands: defaultdict[tuple[str, int], list[Launch]] = defaultdict(list)
        for launch in self._launches:
            bands[launch.pool.name, int(log(max(1.0, launch.seconds), BAND))].append(launch)
        return list(bands.values())

    def _for_band(self, launches: list[Launch]) -> Decision:
        groups = {share.group for launch in launches for share in launch.jobs}
        jobs = sum(count for launch in launches for count in launch.jobs.values())
        reason = Reason.of("launch.demand", jobs=jobs, queues=min(jobs, sum(len(group.queues) for group in groups)))
        shapes = tuple(sorted({group.shape.fingerprint for group in groups}))
        pool, longest = launches[0].pool, _longest(launches)
        return self._decision(pool, sum(one.vms for one in launches), reason, shapes, longest)

    def _decision(
        self, pool: Pool, count: int, reason: Reason, shapes: tuple[str, ...] = (), seconds: float = inf
    ) -> Decision:
        reach = reach_of(seconds, pool.resources.cores)
        end = 0.0 if reach == inf else self._snapshot.at + pool.boot_seconds + reach
        return Decision(Action.LAUNCH, pool.endpoint, pool.name, pool.vo, count, reason, shapes=shapes, soft_end=end)


def _longest(launches: Sequence[Launch]) -> float:
    return max(launch.seconds for launch in launches)
