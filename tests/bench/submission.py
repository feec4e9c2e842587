"""From a submission to the create call the cloud sees, against the same playbook with a module that does nothing.

Jobs come one a second (Poisson) and in three bursts, on a fixed seed. Each needs a VM of its own, and VMs boot for
ever, so the n-th submission is served by the n-th VM the cloud is asked for. Scheduler, runner, module and embedded
cloud are the real ones; while one run is in flight, what comes meanwhile waits for the next.

Runs of the module that does nothing go on all the while, one at a time with pauses, so that whatever else loads the
machine disturbs both sides alike.
"""

from __future__ import annotations

import contextlib
import random
import threading
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from tests.support.wait import until
from vmdirac_py.clouds.local import set_faults
from vmdirac_py.clouds.local.records import Store
from vmdirac_py.installation import Installation
from vmdirac_py.operations import jobs

from .figures import Numbers, percentile
from .homes import acting, cloud, installation, services
from .runs import Playbooks

RUNS = 1
SINGLE, QUICK_SINGLE = 200, 40
BURST, QUICK_BURST = 50, 10
BURSTS = 3
PAUSE = 3.0  # between two runs of the module that does nothing
JOB = '[ Executable = "/bin/true"; CPUTime = 300; VirtualOrganization = "bench"; OwnerGroup = "bench_user"; ]'
FACTOR, ALLOWANCE = 1.5, 0.5  # the target: factor x the no-op module, plus the allowance in seconds
FOR_EVER = 86400


def measure(*, quick: bool) -> Numbers:
    """Return seconds from submission to create call and to the no-op module; a share of the limit up to 1 meets it."""
    single, burst = (QUICK_SINGLE, QUICK_BURST) if quick else (SINGLE, BURST)
    with _noops() as noop:
        submitted, written, received = _storm(single, burst)
    waits = [seen - asked for asked, seen in zip(submitted, received, strict=True)]
    planned = [at - asked for asked, at in zip(submitted, written, strict=True)]
    run = [seen - at for at, seen in zip(written, received, strict=True)]
    return {
        "submissions": len(waits),
        "noops": len(noop),
        **_percentiles("create_call", waits),
        **_percentiles("noop_module", noop),
        **_percentiles("submission_to_batch", planned),
        **_percentiles("batch_to_create_call", run),
        "p50_share_of_limit": _share(waits, noop, 0.5),
        "p99_share_of_limit": _share(waits, noop, 0.99),
    }


def _percentiles(name: str, values: Sequence[float]) -> dict[str, float]:
    return {f"{name}_p50_s": percentile(values, 0.5), f"{name}_p99_s": percentile(values, 0.99)}


def _share(waits: Sequence[float], noop: Sequence[float], share: float) -> float:
    return percentile(waits, share) / (FACTOR * percentile(noop, share) + ALLOWANCE)


@contextlib.contextmanager
def _noops() -> Iterator[list[float]]:
    """Run the module that does nothing again and again; the list grows by its times to the module."""
    found: list[float] = []
    stop = threading.Event()
    with Playbooks() as playbooks:
        runs = threading.Thread(target=_go_on, args=(playbooks, found, stop))
        runs.start()
        try:
            yield found
        finally:
            stop.set()
            runs.join()


def _go_on(playbooks: Playbooks, found: list[float], stop: threading.Event) -> None:
    while not stop.wait(PAUSE):
        started = time.time()
        began: float = playbooks.play(playbooks.noop).results[0]["began"]
        found.append(began - started)


def _storm(single: int, burst: int) -> tuple[list[float], list[float], list[float]]:
    """Return when each job was submitted, its VM written down, and its VM asked for."""
    with installation(cores=1, pool_boot_deadline=FOR_EVER, pool_boot_seconds=5) as ctx, cloud(ctx) as state:
        set_faults(state, {"kind": "slow_boot", "times": 0, "seconds": FOR_EVER})
        with services(ctx, "run"):
            until(lambda: acting(ctx), seconds=60, what="the scheduler")
            submitted = [_submit(ctx, at) for at in _arrivals(single, burst)]
            until(lambda: len(_received(state)) >= len(submitted), seconds=120, what="the last create call")
        received = _received(state)
        assert len(received) == len(submitted), "a job was served twice"
        return submitted, _written(ctx), received


def _submit(ctx: Installation, at: float) -> float:
    time.sleep(max(0.0, at - time.monotonic()))
    before = time.time()
    jobs.submit(ctx, JOB, folder=None, where="bench", actor="bench")
    return before


def _arrivals(single: int, burst: int) -> Iterator[float]:
    """Yield when to submit, by the monotonic clock."""
    dice, at = random.Random(2005), time.monotonic()
    bursts_after = {single * (n + 1) // (BURSTS + 1) for n in range(BURSTS)}
    for number in range(single):
        if number in bursts_after:
            yield from [at] * burst
        at += dice.expovariate(1.0)
        yield at


def _written(ctx: Installation) -> list[float]:
    with ctx.ledger.read() as tx:
        events = tx.events.after(0, topics=("batch.written",), limit=100_000)
        return sorted(event.at for event in events for _ in tx.vms.of_batch(event.subject))


def _received(state: Path) -> list[float]:
    return sorted(launch.received_at for launch in Store(state).launches() for _ in launch.instances)
