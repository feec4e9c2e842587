"""The curves of a replay: numbers of moments on a grid."""

from __future__ import annotations

from collections.abc import Mapping

from .api import Series, Trace

MOST_POINTS = 1000


class Curves:
    """Numbers of moments on a grid; when there are too many, every second one is dropped and the grid widened."""

    def __init__(self, trace: Trace, begins: float) -> None:
        span = trace.jobs[-1].at if trace.jobs else 0.0
        self._step = max(1.0, span / (MOST_POINTS * 0.8))
        self._begins = self.next_at = begins
        self._at: list[float] = []
        self._rows: list[tuple[int, int, int]] = []
        self._waiting: dict[str, list[int]] = {vo: [] for vo in sorted({job.vo for job in trace.jobs})}

    def sample(self, at: float, wanted: int, used: int, paid: int, waiting: Mapping[str, int]) -> None:
        """Note the numbers that held until `at` at each point of the grid up to it."""
        while self.next_at < at:
            self._at.append(self.next_at - self._begins)
            self._rows.append((wanted, used, paid))
            for vo, values in self._waiting.items():
                values.append(waiting.get(vo, 0))
            self.next_at += self._step
            if len(self._at) >= MOST_POINTS:
                self._thin()

    def _thin(self) -> None:
        self._step *= 2
        self._at, self._rows = self._at[::2], self._rows[::2]
        self._waiting = {vo: values[::2] for vo, values in self._waiting.items()}
        self.next_at = self._begins + self._at[-1] + self._step

    def series(self) -> Series:
        """Return the curves."""
        wanted, used, paid = zip(*self._rows, strict=True) if self._rows else ((), (), ())
        waiting = {vo: tuple(values) for vo, values in self._waiting.items()}
        return Series(tuple(self._at), wanted, used, paid, waiting)
