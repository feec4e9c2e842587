"""What an idle worker costs: memory and CPU of its processes, with heartbeats over TLS to a real manager.

First as many requests as a VM makes in an hour at the usual pace (a heartbeat a minute, a request for a job each 20 s),
in little more than a minute; then two minutes at that pace, in which its CPU share is seen directly.
"""

from __future__ import annotations

import time
from collections.abc import Iterable
from pathlib import Path

import yaml

from tests.support.wait import until
from vmdirac_py.installation import Installation

from .figures import Numbers
from .homes import cloud, installation, services, up
from .memory import processes_of, pss, running_instance

RUNS = 3
BUNDLE = "worker.pyz"
FAST, USUAL = 0.6, 60.0  # seconds between two heartbeats
HOUR = 3600.0
REQUESTS = 240  # of an hour: 60 heartbeats, 180 requests for jobs
WATCHED = 120.0  # seconds at the usual pace
LOOKS = 1.0  # seconds between two looks at its memory
NS = 1e9


def measure(*, quick: bool) -> Numbers:
    """Return MiB (PSS: most seen, and at the end) and CPU: seconds for an hour's requests, and percent of a core."""
    pool = {"pool_min_vms": 1, "pool_heartbeat_seconds": FAST, "pool_boot_seconds": 5, "pool_stalled_after": 600}
    with installation(cores=4, **pool) as ctx, cloud(ctx), services(ctx, "serve", "run"):
        until(lambda: up(ctx) and running_instance(ctx), seconds=120, what="a running VM")
        everything = processes_of(running_instance(ctx))
        worker = [pid for pid in everything if BUNDLE in _command(pid)]
        assert worker, "the VM runs no worker"
        hour = _hour(ctx, worker, quick=quick)
        slow(ctx)
        used, share = _watched(worker, WATCHED / 4 if quick else WATCHED)
        return {
            **hour,
            "worker_processes": len(worker),
            "vm_pss_mib": _size(everything),
            "cpu_idle_percent": 100 * share,
            "cpu_idle_s": used,
        }


def slow(ctx: Installation) -> None:
    """Let the pool's VMs beat at the usual pace from now on, as an operator would, and see that they do."""
    inventory = Path(ctx.settings.inventory)
    content = yaml.safe_load(inventory.read_text())
    content["all"]["children"]["endpoint_local"]["hosts"]["bench"]["pool_heartbeat_seconds"] = USUAL
    inventory.write_text(yaml.safe_dump(content))
    until(lambda: ctx.inventory().pools["bench"].heartbeat_seconds == USUAL, seconds=120, what="the new inventory")
    seen = _beat_at(ctx)
    until(lambda: _beat_at(ctx) > seen and time.time() - _beat_at(ctx) > 10 * FAST, seconds=120, what="a slow worker")


def _hour(ctx: Installation, worker: Iterable[int], *, quick: bool) -> Numbers:
    """Watch the worker for as long as it takes to make an hour's requests; half are heartbeats."""
    pids, most = list(worker), 0.0
    seconds = FAST * REQUESTS / 2 / (4 if quick else 1)
    started, before = time.monotonic(), _cpu(pids)
    until_at = started + seconds
    while time.monotonic() < until_at:
        most = max(most, _size(pids))
        time.sleep(min(LOOKS, max(0.0, until_at - time.monotonic())))
    requests = 2 * (time.monotonic() - started) / FAST
    assert time.time() - _beat_at(ctx) < 20 * FAST, "the worker does not beat"
    used = _cpu(pids) - before
    scaled = used * REQUESTS / requests
    return {
        "worker_pss_most_mib": most,
        "worker_pss_mib": _size(pids),
        "cpu_hours_requests_s": scaled,
        "cpu_request_ms": 1000 * used / requests,
        "cpu_hour_percent": 100 * scaled / HOUR,
    }


def _watched(pids: list[int], seconds: float) -> tuple[float, float]:
    started, before = time.monotonic(), _cpu(pids)
    time.sleep(seconds)
    used = _cpu(pids) - before
    return used, used / (time.monotonic() - started)


def _size(pids: Iterable[int]) -> float:
    return sum(pss(pid) for pid in pids)


def _cpu(pids: Iterable[int]) -> float:
    """Return the CPU seconds of all threads; those of an idle worker live as long as it."""
    tasks = [task for pid in pids for task in Path(f"/proc/{pid}/task").iterdir()]
    return sum(int((task / "schedstat").read_text().split()[0]) for task in tasks) / NS


def _command(pid: int) -> str:
    return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")


def _beat_at(ctx: Installation) -> float:
    with ctx.ledger.read() as tx:
        return max((beat.at for beat in tx.observations.heartbeats().values()), default=0.0)
