"""Many instances through scheduler, runner, module, cloud and ledger, and what the same takes by other means."""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from tests.support.installed import Installed, initialised
from tests.support.program import environment
from tests.support.there import OtherCloud
from vmdirac_py.model.batch import BatchKind, BatchState

from .figures import Numbers

ALLOWED, PER_RUN = 1.3, 2.0
"""The target: so many times what the library alone takes, plus so many processor-seconds for each runner run."""
LONGEST = 1800.0
DEFAULT_CYCLE = 60.0
COLLECTIONS_VARIABLE = "VMDIRAC_BENCH_COLLECTIONS"


class Benched(Installed):
    """An installation whose scheduler alone runs; whoever made the cloud ends it."""

    def every_instance(self) -> Sequence[str]:
        """Return nothing: no VM runs."""
        return ()

    def consoles(self) -> Sequence[Path]:
        """Return nothing: no VM runs."""
        return ()

    def end_cloud(self) -> None:
        """Leave it."""


def raised(folder: Path, cloud: OtherCloud, count: int) -> Numbers:
    """Raise so many instances as a pool's least number, until a listing shows all; seconds of processor and clock."""
    content = _inventory(cloud, count)
    with initialised(folder, content, {"cycle_seconds": DEFAULT_CYCLE}) as (home, ctx):
        bench = Benched(home, ctx)
        started = time.monotonic()
        bench.start("scheduler")
        try:
            _see_all(bench, cloud, count)
            took, cpu = time.monotonic() - started, spent(bench.processes["scheduler"].pid)
        finally:
            bench.end()
        runs = len(bench.batches())
    return {"cpu_s": cpu, "wall_s": took, "runs": runs}


def _inventory(cloud: OtherCloud, count: int) -> dict[str, Any]:
    pool = {**cloud.pool, "pool_min_vms": count, "pool_max_vms": count, "pool_boot_deadline": 86_400}
    endpoint = {**cloud.endpoint, "endpoint_max_vms": count}
    children = {
        "endpoint_there": {"hosts": {"bench": pool}, "vars": endpoint},
        "vo_bench": {"hosts": {"bench": {}}, "vars": {"vo_groups": ["bench_user"]}},
    }
    return {"all": {"children": children}}


def _see_all(bench: Installed, cloud: OtherCloud, count: int) -> None:
    """Wait until a listing that began when the cloud ran all of them shows them."""
    bench.until(lambda: _answered(bench), seconds=LONGEST, what="all launches answered")
    while len(cloud.powered_on()) < count:
        time.sleep(1)
    ran_at = time.time()
    bench.until(lambda: _seen(bench, count, ran_at), seconds=LONGEST, what=f"{count} instances listed")


def _answered(bench: Installed) -> bool:
    states = {batch.state for batch in bench.batches(BatchKind.LAUNCH)}
    return bool(states) and states <= {BatchState.ANSWERED, BatchState.CLOSED}


def _seen(bench: Installed, count: int, since: float) -> bool:
    with bench.ctx.ledger.read() as tx:
        return any(one.complete_at >= since and one.count >= count for one in tx.observations.listings().values())


def spent(pid: int) -> float:
    """Return the processor seconds of a process and of all its children that have ended."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return sum(map(int, fields[11:15])) / os.sysconf("SC_CLK_TCK")


def child(command: Sequence[str], more: Mapping[str, str] | None = None) -> float:
    """Run a program to its end; return its processor seconds, its children's included."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    done = subprocess.run(command, env=environment() | (more or {}), capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{command}: {done.stdout[-3000:]}{done.stderr[-3000:]}"
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def alone(module: str, *arguments: str, more: Mapping[str, str] | None = None) -> float:
    """Return the processor seconds of a program of this package that uses the library and nothing else."""
    return child([sys.executable, "-m", f"tests.bench.alone.{module}", *arguments], more)


def others_collection(
    playbook: Path, variables: Mapping[str, str], more: Mapping[str, str] | None = None
) -> float | None:
    """Return the processor seconds of a playbook that uses a collection of others; None: it is not here, or fails."""
    collections = os.environ.get(COLLECTIONS_VARIABLE)
    if not collections:
        return None
    settings = {"ANSIBLE_COLLECTIONS_PATH": collections, "ANSIBLE_LOCALHOST_WARNING": "false", **(more or {})}
    try:
        return child(
            ["ansible-playbook", "-i", "localhost,", "-e", json.dumps(dict(variables)), str(playbook)], settings
        )
    except AssertionError as error:
        sys.stderr.write(f"{playbook.stem} is left out: {error}\n")
        return None


def compared(ours: Numbers, library_cpu: float) -> Numbers:
    """Return both, and the share of what is allowed: up to 1 meets it."""
    share = ours["cpu_s"] / (ALLOWED * library_cpu + PER_RUN * ours["runs"])
    return {**ours, "library_cpu_s": library_cpu, "share_of_allowed": share}
