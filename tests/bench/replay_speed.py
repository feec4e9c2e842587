"""What one replay with the production planner costs, in a process of its own: processor seconds and memory."""

from __future__ import annotations

import json
import resource
import subprocess
import sys
import time

from .contest import Entry, run, trace

KIB = 1024


def measured(jobs: int) -> dict[str, float]:
    """Replay the trace (0: all jobs) on 8-core VMs in a child, and return what it tells."""
    child = subprocess.run([sys.executable, "-m", __name__, str(jobs)], stdout=subprocess.PIPE, check=True)
    found: dict[str, float] = json.loads(child.stdout)
    return found


def main() -> None:
    """Be the child."""
    jobs = int(sys.argv[1])
    trace(jobs)
    read, started = time.process_time(), time.monotonic()
    row = run(Entry("production", "a", jobs=jobs))
    found = {
        "replay_cpu_s": time.process_time() - read,
        "replay_wall_s": time.monotonic() - started,
        "replay_with_reading_cpu_s": time.process_time(),
        "replay_peak_mib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / KIB,
        "replay_plans": row["plans"],
        "replay_acting_plans": row["acting_plans"],
    }
    sys.stdout.write(json.dumps(found))


if __name__ == "__main__":
    main()
