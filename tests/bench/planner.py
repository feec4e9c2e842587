"""A minified JSON snapshot parsed and planned with reasons, against `json.loads` of the same bytes."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from typing import Any

from vmdirac_py.model.plan import Plan
from vmdirac_py.planner.codec import snapshot_from_json, snapshot_to_json
from vmdirac_py.planner.memory import Memory
from vmdirac_py.planner.step import step

from .figures import Numbers
from .world import snapshot

RUNS = 9
JOBS, QUEUES, POOLS, VMS = 100_000, 1_000, 100, 2_000
LARGE = 100_000, 10_000, 1_000, 20_000


def measure(*, quick: bool) -> Numbers:
    """Return processor time, and the ratio of the whole to `json.loads`, both taken within this run."""
    del quick
    raw = snapshot_to_json(snapshot(JOBS, QUEUES, POOLS, VMS))
    plan = planned(raw)  # imports and caches are warm from here
    loads, total = _seconds(lambda: json.loads(raw)), _seconds(lambda: planned(raw))
    return {
        "ratio": total / loads,
        "json_loads_s": loads,
        "total_s": total,
        **_parts(raw),
        **_large(),
        "snapshot_bytes": len(raw),
        **_about(plan),
    }


def _parts(raw: bytes) -> dict[str, float]:
    """Measure the parts on their own: what they keep alive would cost the whole some garbage collection."""
    world = snapshot_from_json(raw)
    return {
        "parse_s": _seconds(lambda: snapshot_from_json(raw)),
        "step_s": _seconds(lambda: step(world, Memory())),
    }


def _large() -> dict[str, float]:
    """Measure reading alone, of a world as large as the software is meant for."""
    raw = snapshot_to_json(snapshot(*LARGE))
    snapshot_from_json(raw)
    loads, parse = _seconds(lambda: json.loads(raw)), _seconds(lambda: snapshot_from_json(raw))
    return {"large_parse_ratio": parse / loads, "large_parse_s": parse, "large_bytes": len(raw)}


def planned(raw: bytes) -> Plan:
    """Bytes to plan."""
    return step(snapshot_from_json(raw), Memory())[0]


def _seconds(work: Callable[[], Any]) -> float:
    start = time.process_time()
    work()
    return time.process_time() - start


def _about(plan: Plan) -> dict[str, float]:
    return {
        "launched_vms": sum(decision.count for decision in plan.decisions if not decision.vms),
        "unplaced_jobs": sum(placement.unplaced for placement in plan.placements),
    }
