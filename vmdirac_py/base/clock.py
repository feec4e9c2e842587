"""Time as a thing that is passed in: seconds since the epoch, UTC, as a float."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Protocol


class Clock(Protocol):
    """Whatever can tell the time."""

    def now(self) -> float:
        """Return seconds since the epoch (UTC)."""


class SystemClock:
    """The machine's own clock."""

    def now(self) -> float:
        """Return seconds since the epoch (UTC)."""
        return time.time()


@dataclass
class ManualClock:
    """A clock that stands still until it is moved; for tests and replay."""

    at: float = 1_800_000_000.0

    def now(self) -> float:
        """Return the time it was set to."""
        return self.at

    def advance(self, seconds: float) -> None:
        """Move forward by `seconds`."""
        self.at += seconds
