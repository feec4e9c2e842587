"""How long a plan takes: minified JSON snapshot → parsed → plan with reasons, against `json.loads` of the same bytes.

Run as a script; prints one JSON object. The snapshot is made from a fixed seed.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import random
import resource
import statistics
import sys
import time
from collections.abc import Callable
from typing import Any

from vmdirac_py.model.inventory import Endpoint, Inventory, Pool, Vo
from vmdirac_py.model.plan import Plan, Snapshot
from vmdirac_py.model.queue import CPU_SEGMENTS, Demand, Shape, TaskQueue
from vmdirac_py.model.resources import Resources
from vmdirac_py.model.vm import Capacity, Vm, VmState
from vmdirac_py.planner.codec import snapshot_from_plain, snapshot_to_plain
from vmdirac_py.planner.memory import Memory
from vmdirac_py.planner.step import step

AT = 1_800_000_000.0
VOS = 10
ENDPOINTS = 10
STATES = (*[VmState.RUNNING] * 8, VmState.SUBMITTED, VmState.DRAINING)


def inventory(dice: random.Random, pools: int) -> Inventory:
    """Ten VOs on ten endpoints, with limits here and there."""
    vos = {f"vo{n}": Vo(f"vo{n}", max_cores=20_000 if n % 3 == 0 else None) for n in range(VOS)}
    endpoints = {f"e{n}": Endpoint(f"e{n}", "local", f"SITE.{n}", max_vms=2_000, ramp=500) for n in range(ENDPOINTS)}
    made = [_pool(dice, n) for n in range(pools)]
    return Inventory("bench", vos, endpoints, {pool.name: pool for pool in made})


def _pool(dice: random.Random, n: int) -> Pool:
    cores, endpoint = dice.choice((1, 2, 4, 8, 16, 32)), n // VOS % ENDPOINTS
    size = Resources(cores, cores * dice.choice((2000, 4000)), gpus=int(n % 7 == 0))
    return Pool(
        f"p{n:04}", f"e{endpoint}", f"vo{n % VOS}", f"SITE.{endpoint}", "flavor", "image", size,
        tags=("GPU",) if size.gpus else (), max_vms=200,
        price=cores * dice.uniform(0.5, 2), priority=dice.randint(0, 2),
    )  # fmt: skip


def queue(dice: random.Random, n: int, jobs: int) -> TaskQueue:
    """One of many shapes; one in twenty can be served by no pool."""
    cores = dice.choice((1, 1, 1, 1, 2, 4, 8)) if n % 20 else 128
    sites = (f"SITE.{dice.randrange(ENDPOINTS)}",) if n % 5 == 0 else ()
    shape = Shape(
        cores, cores, whole_node=n % 50 == 1, ram_mb=cores * dice.choice((0, 1000, 2000)),
        cpu_seconds=dice.choice(CPU_SEGMENTS[:8]), sites=sites,
    )  # fmt: skip
    return TaskQueue(f"q{n}", f"vo{n % VOS}", f"user{n % 97}", f"vo{n % VOS}_user", shape, 1.0 + n % 3, jobs, AT - n)


def capacity(dice: random.Random, n: int, pools: list[Pool]) -> Capacity:
    """A VM somewhere in its life, partly used when it runs."""
    pool, state = dice.choice(pools), dice.choice(STATES)
    since = AT - dice.randint(0, 10 * 86400)
    vm = Vm(f"vm-{n}", "b", pool.endpoint, pool.name, pool.vo, pool.resources, state, since, since, AT, f"i-{n}")
    used = dice.randint(0, pool.resources.cores) if state is VmState.RUNNING else 0
    return Capacity(vm, pool.resources - Resources(used, used * 2000), used)


def snapshot(jobs: int, queues: int, pools: int, vms: int) -> Snapshot:
    """The whole, from a fixed seed."""
    dice = random.Random(2005)
    things = inventory(dice, pools)
    waiting = tuple(queue(dice, n, jobs // queues) for n in range(queues))
    fleet = tuple(capacity(dice, n, list(things.pools.values())) for n in range(vms))
    return Snapshot(AT, 1, things, Demand(AT, complete=True, source="bench", queues=waiting), fleet)


def seconds(work: Callable[[], Any]) -> float:
    """Processor time of one call."""
    start = time.process_time()
    work()
    return time.process_time() - start


def planned(raw: bytes) -> Plan:
    """Bytes to plan."""
    return step(snapshot_from_plain(json.loads(raw)), Memory())[0]


def measure(raw: bytes, runs: int) -> dict[str, Any]:
    """Ratios are taken within one run, so that a noisy machine disturbs both sides."""
    rows = [_run(raw) for _ in range(runs)]
    medians = {name: round(statistics.median(row[name] for row in rows), 5) for name in rows[0]}
    ratios = sorted(row["total_s"] / row["json_loads_s"] for row in rows)
    return {**medians, "ratio_median": round(statistics.median(ratios), 2), "ratio_worst": round(ratios[-1], 2)}


def _run(raw: bytes) -> dict[str, float]:
    plain = json.loads(raw)
    value = snapshot_from_plain(plain)
    return {
        "json_loads_s": seconds(lambda: json.loads(raw)),
        "parse_s": seconds(lambda: snapshot_from_plain(plain)),
        "step_s": seconds(lambda: step(value, Memory())),
        "total_s": seconds(lambda: planned(raw)),
    }


def facts(raw: bytes, plan: Plan) -> dict[str, Any]:
    """What was planned, on what machine."""
    return {
        "machine": {"cpus": os.cpu_count(), "python": platform.python_version(), "cpu": platform.processor()},
        "snapshot_bytes": len(raw),
        "launched_vms": sum(decision.count for decision in plan.decisions if not decision.vms),
        "unplaced_jobs": sum(placement.unplaced for placement in plan.placements),
        "peak_memory_mb": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024, 1),
    }


def main() -> None:
    """Measure and print."""
    options = argparse.ArgumentParser(description=__doc__)
    for name, default in (("jobs", 100_000), ("queues", 1_000), ("pools", 100), ("vms", 2_000), ("runs", 7)):
        options.add_argument(f"--{name}", type=int, default=default)
    given = options.parse_args()
    made = snapshot(given.jobs, given.queues, given.pools, given.vms)
    raw = json.dumps(snapshot_to_plain(made), separators=(",", ":")).encode()
    plan = planned(raw)
    result = {"bench": "planner", **vars(given), **measure(raw, given.runs), **facts(raw, plan)}
    sys.stdout.write(json.dumps(result, indent=2) + "\n")


if __name__ == "__main__":
    main()
