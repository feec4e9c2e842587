"""`python -m tests.bench [--only NAME] [--runs N] [--quick] [--trace FILE]`: the figures of performance.md, as JSON."""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from types import ModuleType
from typing import Any

from . import (
    boot,
    ec2,
    first_payload,
    machine,
    memory,
    openstack,
    optimum,
    planner,
    pool,
    replay,
    runner,
    submission,
    trace_reading,
    traces,
    transitions,
    worker,
)
from .figures import summary

FIGURES: dict[str, ModuleType] = {
    module.__name__.rpartition(".")[2]: module
    for module in (
        runner,
        planner,
        optimum,
        pool,
        transitions,
        first_payload,
        boot,
        memory,
        worker,
        submission,
        ec2,
        openstack,
        trace_reading,
        replay,
    )
}


def main() -> None:
    """Measure and print."""
    given = _given()
    if given.trace:
        os.environ[traces.VARIABLE] = given.trace  # figures run in processes of their own as well
    result: dict[str, Any] = {"at": time.strftime("%Y-%m-%dT%H:%M:%S%z"), "machine": machine.facts()}
    result["figures"] = {name: _figure(name, given) for name in given.only or FIGURES}
    sys.stdout.write(json.dumps(result, indent=2) + "\n")


def _given() -> argparse.Namespace:
    line = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__)
    line.add_argument("--only", action="append", choices=FIGURES, help="this figure; repeatable")
    line.add_argument("--runs", type=int, help="how often each is measured (default: each figure's own number)")
    line.add_argument("--trace", help=f"replay and read this trace (default: ${traces.VARIABLE}, else a made one)")
    line.add_argument("--quick", action="store_true", help="smaller, where a figure can be")
    return line.parse_args()


def _figure(name: str, given: argparse.Namespace) -> dict[str, Any]:
    module, before = FIGURES[name], machine.load()
    about = (module.__doc__ or "").partition("\n")[0]
    runs = [_run(name, number, quick=given.quick) for number in range(given.runs or module.RUNS)]
    load = {"before": before, "after": machine.load()}
    return {"about": about, "runs": len(runs), "quick": given.quick, "load": load, **summary(runs)}


def _run(name: str, number: int, *, quick: bool) -> dict[str, Any]:
    started = time.monotonic()
    found: dict[str, Any] = FIGURES[name].measure(quick=quick)
    sys.stderr.write(f"{name}, run {number + 1}: {time.monotonic() - started:.1f} s\n")
    return found


if __name__ == "__main__":
    main()
