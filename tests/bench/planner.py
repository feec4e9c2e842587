"""A minified JSON snapshot parsed and planned with reasons, against `json.loads` of the same bytes."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from typing import Any

from vmdirac_py.model.plan import Plan
from vmdirac_py.planner.codec import snapshot_from_plain, snapshot_to_plain
from vmdirac_py.planner.memory import Memory
from vmdirac_py.planner.step import step

from .figures import Numbers
from .world import snapshot

RUNS = 9
JOBS, QUEUES, POOLS, VMS = 100_000, 1_000, 100, 2_000


def measure(*, quick: bool) -> Numbers:
    """Return processor time, and the ratio of the whole to `json.loads`, both taken within this run."""
    del quick
    raw = json.dumps(snapshot_to_plain(snapshot(JOBS, QUEUES, POOLS, VMS)), separators=(",", ":")).encode()
    plan = planned(raw)  # imports and caches are warm from here
    loads, total = _seconds(lambda: json.loads(raw)), _seconds(lambda: planned(raw))
    return {
        "ratio": total / loads,
        "json_loads_s": loads,
        "total_s": total,
        **_parts(raw),
        "snapshot_bytes": len(raw),
        **_about(plan),
    }


def _parts(raw: bytes) -> dict[str, float]:
    """Measure the parts on their own: what they keep alive would cost the whole some garbage collection."""
    plain = json.loads(raw)
    world = snapshot_from_plain(plain)
    return {
        "parse_s": _seconds(lambda: snapshot_from_plain(plain)),
        "step_s": _seconds(lambda: step(world, Memory())),
    }


def planned(raw: bytes) -> Plan:
    """Bytes to plan."""
    return step(snapshot_from_plain(json.loads(raw)), Memory())[0]


def _seconds(work: Callable[[], Any]) -> float:
    start = time.process_time()
    work()
    return time.process_time() - start


def _about(plan: Plan) -> dict[str, float]:
    return {
        "launched_vms": sum(decision.count for decision in plan.decisions if not decision.vms),
        "unplaced_jobs": sum(placement.unplaced for placement in plan.placements),
    }
