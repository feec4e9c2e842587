"""Small arithmetic the figures share."""

from __future__ import annotations

import math
import statistics
from collections.abc import Mapping, Sequence
from typing import Any

Numbers = Mapping[str, Any]
"""What one run of a figure measured: numbers, seconds unless the name says otherwise; `rows`, where it has any."""


def percentile(values: Sequence[float], share: float) -> float:
    """Return the nearest-rank percentile: a value that was measured, never one in between."""
    return sorted(values)[max(0, math.ceil(share * len(values)) - 1)]


def summary(runs: Sequence[Numbers]) -> dict[str, Any]:
    """Return median, least and most of each number over the runs, and all their rows."""
    rows = [row for run in runs for row in run.get("rows", ())]
    numbers = {name: _spread([run[name] for run in runs]) for name in runs[0] if name != "rows"}
    return {**numbers, "rows": rows} if rows else numbers


def _spread(values: Sequence[float]) -> dict[str, float]:
    found = {"median": statistics.median(values), "min": min(values), "max": max(values)}
    return {name: round(value, 6) for name, value in found.items()}
