"""How far this machine's clock and the cloud's are apart, as the `Date` of its answers tells."""

from __future__ import annotations

import time
from collections.abc import Callable
from email.utils import parsedate_to_datetime
from typing import Any

TOLERATED = 60.0
"""Seconds: an answer may be on its way for a while, and `Date` counts whole ones."""


class Skew:
    """Notes the clock of each answer; a response hook of `requests`."""

    def __init__(self, now: Callable[[], float] = time.time) -> None:
        self._now = now
        self.seconds = 0.0
        """Ours minus the cloud's."""

    def __call__(self, response: Any, *args: object, **kwargs: object) -> None:
        """Note an answer's time; one without, or with nonsense, tells nothing."""
        del args, kwargs
        try:
            told = parsedate_to_datetime(response.headers.get("Date", "")).timestamp()
        except (TypeError, ValueError):
            return
        self.seconds = self._now() - told

    def words(self) -> str:
        """Return what is wrong with the clocks, or nothing."""
        if abs(self.seconds) <= TOLERATED:
            return ""
        way = "ahead of" if self.seconds > 0 else "behind"
        return f"this machine's clock is {abs(self.seconds):.0f} s {way} the cloud's: synchronise it"
