"""Core fill of PoolCE over a day of whole-node, 4-core and single-core jobs of unknown lengths, against the optimum."""

from __future__ import annotations

import statistics
from typing import Any

from .figures import Numbers
from .pool_bound import most
from .pool_day import Day, Scene, Simulation, jobs_of

RUNS = 1
SCENES = {
    "at_once": Scene(1.5, at_once=True),
    "overload": Scene(1.5),
    "full": Scene(1.05),
    "nearly_full": Scene(0.95),
}
SEEDS, FEW = range(1, 11), range(1, 4)


def measure(*, quick: bool) -> Numbers:
    """Return for each scene the mean and least fill, and the longest waits (seconds), over fixed seeds."""
    rows = [_row(name, seed) for name in SCENES for seed in (FEW if quick else SEEDS)]
    found: dict[str, Any] = {"rows": rows}
    for name in SCENES:
        of_scene = [row for row in rows if row["scene"] == name]
        fills = [row["fill"] for row in of_scene]
        found |= {f"{name}_fill_mean": statistics.fmean(fills), f"{name}_fill_least": min(fills)}
        found[f"{name}_plain_fill_mean"] = statistics.fmean([row["plain_fill"] for row in of_scene])
        for wait in ("whole_wait_s", "other_wait_s", "plain_whole_wait_s"):
            found[f"{name}_longest_{wait}"] = max(row[wait] for row in of_scene)
    return found


def _row(name: str, seed: int) -> dict[str, Any]:
    """Play one day twice; `plain` is without gathering."""
    jobs = jobs_of(SCENES[name], seed)
    bound = most(SCENES[name], jobs)
    day, plain = Simulation(SCENES[name], jobs).run(), Simulation(SCENES[name], jobs, gathers=False).run()
    told = {**_told(day, bound), **{f"plain_{key}": value for key, value in _told(plain, bound).items()}}
    return {"scene": name, "seed": seed, "jobs": len(jobs), **told}


def _told(day: Day, bound: float) -> dict[str, float]:
    return {
        "fill": round(day.core_seconds / bound, 4),
        "whole_wait_s": round(max(day.waits["whole"])),
        "other_wait_s": round(max(*day.waits["four"], *day.waits["single"])),
    }
