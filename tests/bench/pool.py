"""Core fill of PoolCE over a day of whole-node, 4-core and single-core jobs of unknown lengths, against the optimum."""

from __future__ import annotations

from typing import Any

from .figures import Numbers
from .pool_bound import most
from .pool_day import Scene, Simulation, jobs_of

RUNS = 1
LOADS = (0.95, 1.05, 1.5)
SEEDS, FEW = range(1, 11), range(1, 4)


def measure(*, quick: bool) -> Numbers:
    """Return for each load the mean and least fill, and the longest waits (seconds), over fixed seeds."""
    rows = [_row(Scene(load), seed) for load in LOADS for seed in (FEW if quick else SEEDS)]
    found: dict[str, Any] = {"rows": rows}
    for load in LOADS:
        of_load = [row for row in rows if row["load"] == load]
        for name in ("fill", "fill_without_gathering"):
            found[f"{name}_{load}_mean"] = sum(row[name] for row in of_load) / len(of_load)
            found[f"{name}_{load}_least"] = min(row[name] for row in of_load)
        for name in ("whole_wait_s", "other_wait_s", "whole_wait_without_gathering_s"):
            found[f"{name}_{load}_longest"] = max(row[name] for row in of_load)
    return found


def _row(scene: Scene, seed: int) -> dict[str, Any]:
    jobs = jobs_of(scene, seed)
    bound = most(scene, jobs)
    day, plain = Simulation(scene, jobs).run(), Simulation(scene, jobs, gathers=False).run()
    return {
        "load": scene.load,
        "seed": seed,
        "jobs": len(jobs),
        "fill": round(day.core_seconds / bound, 4),
        "whole_wait_s": round(max(day.waits["whole"])),
        "other_wait_s": round(max(*day.waits["four"], *day.waits["single"])),
        "fill_without_gathering": round(plain.core_seconds / bound, 4),
        "whole_wait_without_gathering_s": round(max(plain.waits["whole"])),
    }
