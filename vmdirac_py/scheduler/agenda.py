"""When the next plan is due, by the monotonic clock; the rule is `planner/cadence.py`."""

from __future__ import annotations

from vmdirac_py.planner.cadence import due

NEVER = float("-inf")


class Agenda:
    """When the last plan was made, what happened since, and for how long more is gathered.

    Args:
        cycle_seconds: the longest time between two plans.
    """

    def __init__(self, cycle_seconds: float) -> None:
        self.planned = NEVER
        self._cycle_seconds = cycle_seconds
        self._event: tuple[float, float] | None = None  # when, and for how long it may wait

    @property
    def gathering(self) -> bool:
        """Tell whether something happened that no plan has seen."""
        return self._event is not None

    @property
    def due(self) -> float:
        """Return when the next plan is due."""
        event, waits = self._event or (None, 0.0)
        return due(planned=self.planned, event=event, waits=waits, cycle_seconds=self._cycle_seconds)

    def happened(self, at: float, waits: float) -> None:
        """Note that something happened that may wait for so many seconds; what can wait least counts."""
        self._event = min(self._event or (at, waits), (at, waits), key=sum)

    def plan(self, at: float) -> None:
        """Note that a plan is being made, which sees all that happened."""
        self.planned, self._event = at, None

    def at_once(self) -> None:
        """Let the next plan come now: the last one did not count."""
        self.planned = NEVER
