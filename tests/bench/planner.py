"""A minified JSON snapshot parsed, planned with reasons and written as JSON, against `json.loads` of the same bytes.

Each size is planned in a process of its own, where everything but the imports happens for the first time.
"""

from __future__ import annotations

import gc
import json
import math
import resource
import subprocess
import sys
import tempfile
import time
from itertools import pairwise
from pathlib import Path

from vmdirac_py.planner.codec import plan_to_json, snapshot_from_json, snapshot_to_json
from vmdirac_py.planner.memory import Memory
from vmdirac_py.planner.step import step

from .figures import Numbers
from .world import snapshot

RUNS = 5
LARGEST = 1_000_000, 10_000, 1_000, 20_000
"""Jobs, queues, pools, VMs; the others are a tenth and a hundredth of it."""
SIZES = {"small": 100, "middle": 10, "large": 1}
MIB = 1024.0


def measure(*, quick: bool) -> Numbers:
    """Return processor times and ratios by size, and the log-log slope of the time over the tenfold steps."""
    sizes = [name for name in SIZES if not (quick and name == "large")]
    found = {name: _cold(SIZES[name]) for name in sizes}
    slopes = {
        f"slope_{one}_{other}": math.log10(found[other]["plan_s"] / found[one]["plan_s"])
        for one, other in pairwise(sizes)
    }
    return {f"{size}_{name}": value for size, numbers in found.items() for name, value in numbers.items()} | slopes


def _cold(part: int) -> Numbers:
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "snapshot.json"
        file.write_bytes(snapshot_to_json(snapshot(*(number // part for number in LARGEST))))
        command = [sys.executable, "-m", "tests.bench.planner", str(file)]
        done = subprocess.run(command, check=True, capture_output=True, text=True)
    numbers: Numbers = json.loads(done.stdout)
    return numbers


def main(file: str) -> None:
    """Plan a snapshot once and print how long it took, and the memory this process came to."""
    raw = Path(file).read_bytes()
    plan_s, parse_s, out = planned(raw)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / MIB
    gc.collect()
    started = time.process_time()
    json.loads(raw)
    loads_s = time.process_time() - started
    times = {"plan_s": plan_s, "parse_s": parse_s, "json_loads_s": loads_s, "ratio": plan_s / loads_s}
    sys.stdout.write(json.dumps(times | {"peak_mib": peak, "snapshot_bytes": len(raw), "plan_bytes": len(out)}))


def planned(raw: bytes) -> tuple[float, float, bytes]:
    """Return the processor seconds from bytes to bytes, those of parsing alone, and the plan as JSON."""
    started = time.process_time()
    world = snapshot_from_json(raw)
    parsed = time.process_time()
    out = plan_to_json(step(world, Memory())[0])
    return time.process_time() - started, parsed - started, out


if __name__ == "__main__":
    main(sys.argv[1])
