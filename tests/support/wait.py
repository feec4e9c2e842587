"""Waiting for something to become true, with a deadline."""

from __future__ import annotations

import time
from collections.abc import Callable


def until(
    true: Callable[[], object], *, seconds: float = 20.0, step: float = 0.02, what: str = "the condition"
) -> None:
    """Ask again and again, each `step` seconds, until the answer is true; fail after `seconds`."""
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end, f"{what} did not come true within {seconds:.0f} s"
        time.sleep(step)
