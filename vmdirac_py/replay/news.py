"""What the next plan is told, and when it is due: the cadence of production."""

from __future__ import annotations

from collections.abc import Mapping
from math import inf

from vmdirac_py.model.batch import ErrorClass
from vmdirac_py.model.inventory import Inventory, Pool
from vmdirac_py.model.plan import Finished, Outcome
from vmdirac_py.planner.cadence import due, patience

CYCLE_SECONDS = 60.0
"""The longest time between two plans, as `cycle_seconds` of the settings."""


class News:
    """Outcomes and ended payloads since the last plan, numbered like ledger events, and when the next plan is due."""

    def __init__(self, inventory: Inventory, begins: float) -> None:
        self._patience = _patience_by_vo(inventory)
        self._planned = begins
        self._cycle_seconds, self._fixed = CYCLE_SECONDS, False
        self.seq = 0
        self.due = inf
        self._outcomes: list[Outcome] = []
        self._finished: list[Finished] = []

    def keep_to(self, cycle_seconds: float) -> None:
        """Plan once each cycle, whatever happens in between."""
        self._cycle_seconds, self._fixed = cycle_seconds, True

    def happened(self, at: float, vo: str, *, urgent: bool = False) -> None:
        """Note something a plan should see; urgent things are not gathered."""
        waits = 0.0 if urgent else self._patience.get(vo, 0.0)
        if self._fixed:
            waits = self._cycle_seconds
        if at + waits < self.due:
            # While it rested there would have been a plan each cycle, and each would have been empty.
            self._planned += (at - self._planned) // self._cycle_seconds * self._cycle_seconds
            cycle = self._cycle_seconds
            self.due = min(self.due, due(planned=self._planned, event=at, waits=waits, cycle_seconds=cycle))

    def answered(self, at: float, pool: Pool, launched: int, refused: int, error: ErrorClass | None) -> Outcome:
        """Note how a batch ended."""
        outcome = Outcome(self._next(), at, pool.endpoint, pool.name, launched, refused, error)
        self._outcomes.append(outcome)
        self.happened(at, pool.vo)
        return outcome

    def booted(self, at: float, pool: Pool, seconds: float) -> None:
        """Note that a VM came to run, so long after the cloud accepted it."""
        self._outcomes.append(
            Outcome(self._next(), at, pool.endpoint, pool.name, 1, 0, None, booted=True, seconds=seconds)
        )
        self.happened(at, pool.vo)

    def stillborn(self, at: float, pool: Pool, seconds: float) -> None:
        """Note that a VM ended before it ever ran."""
        outcome = Outcome(
            self._next(), at, pool.endpoint, pool.name, 0, 1, ErrorClass.STILLBORN, booted=True, seconds=seconds
        )
        self._outcomes.append(outcome)
        self.happened(at, pool.vo)

    def finished(self, at: float, vo: str, owner: str, group: str, seconds: float, cpu_seconds: int) -> None:
        """Note that a payload ended by itself."""
        self._finished.append(Finished(self._next(), vo, owner, group, seconds, cpu_seconds))
        self.happened(at, vo)

    def told(self, at: float) -> tuple[tuple[Outcome, ...], tuple[Finished, ...]]:
        """Return what a plan made now has not been told yet; it counts as told."""
        news = tuple(self._outcomes), tuple(self._finished)
        self._outcomes.clear()
        self._finished.clear()
        self._planned = at
        self.due = at + self._cycle_seconds
        return news

    def rest(self) -> None:
        """Plan no more until something happens."""
        self.due = inf

    def _next(self) -> int:
        self.seq += 1
        return self.seq


def _patience_by_vo(inventory: Inventory) -> Mapping[str, float]:
    pools = list(inventory.pools.values())
    return {vo: patience(pool.boot_seconds for pool in pools if pool.vo == vo) for vo in {pool.vo for pool in pools}}
