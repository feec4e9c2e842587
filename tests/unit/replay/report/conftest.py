from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec
import pytest

from vmdirac_py.replay.api import Result, Series, VoResult

HOUR = 3600.0
SERIES = Series(
    at=(0.0, HOUR, 2 * HOUR),
    wanted=(10, 30, 0),
    used=(8, 16, 0),
    paid=(8, 24, 8),
    waiting={"astro": (2, 14, 0), "bio": (0, 4, 0)},
)
VOS = (
    VoResult("astro", 30, 20 * HOUR, 26 * HOUR, 120.0, 400.0, 20.0, 3),
    VoResult("bio", 10, 4 * HOUR, 14 * HOUR, 60.0, 100.0, 5.0, 1),
)
RESULT = Result(
    trace="small", rule="production", seed=1, jobs=40, unserved=0, seconds=3 * HOUR, used_core_seconds=24 * HOUR,
    paid_core_seconds=40 * HOUR, cost=4.0, wait_mean=105.0, wait_p50=80.0, wait_p95=400.0, excess_mean=16.0,
    excess_weighted=12.0, excess_worst_vo=20.0, worst_vo="astro", vms_started=4, vms_lost=1, jobs_restarted=2,
    peak_vms=3, peak_cores=24, plans=50, acting_plans=5, calls={"launch": 4, "list": 300},
    reasons={"launch.demand": 4, "pool.no_demand": 45}, vos=VOS, series=SERIES,
)  # fmt: skip


@pytest.fixture
def result() -> Callable[..., Result]:
    """Return what makes a small result, with changes."""

    def made(**changes: Any) -> Result:
        return msgspec.structs.replace(RESULT, **changes)

    return made
