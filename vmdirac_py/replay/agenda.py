"""What happens when: virtual time."""

from __future__ import annotations

from collections.abc import Callable
from heapq import heappop, heappush
from math import inf
from typing import Any

Happening = Callable[..., None]
"""Called with the moment and its arguments."""


class Agenda:
    """Things to come, in order of time; what falls on one moment happens in the order it was noted."""

    __slots__ = ("_heap", "_seq", "now")

    def __init__(self, begins: float) -> None:
        self.now = begins
        self._heap: list[tuple[float, int, Happening, tuple[Any, ...]]] = []
        self._seq = 0

    @property
    def next_at(self) -> float:
        """Return when the next thing happens; infinity: nothing will."""
        return self._heap[0][0] if self._heap else inf

    def note(self, at: float, happening: Happening, *about: Any) -> None:
        """Let `happening(at, *about)` happen at a moment; one that has passed counts as now."""
        self._seq += 1
        heappush(self._heap, (max(at, self.now), self._seq, happening, about))

    def happen(self) -> None:
        """Let the next thing happen."""
        self.now, _, happening, about = heappop(self._heap)
        happening(self.now, *about)
