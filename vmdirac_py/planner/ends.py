"""Which jobs a VM should take: those within its reach, and what a plan allowed it besides, until its soft end.

A long job that starts on a VM whose other jobs end soon makes us pay for all its cores as long as it runs. So a job is
put on a VM only where the core-seconds by which it prolongs the VM's life are at most `WASTE` times its own work:

    cores x (length - remaining) <= WASTE x length    <=>    length <= remaining x cores / (cores - WASTE)

That bound is the VM's reach; planner and match know it from what runs there. A plan may want more of a VM: that it
takes the jobs it was launched for, or jobs that together are worth a longer life. Then it sets a soft end, and until
the next plan the VM also takes jobs that end before it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from math import exp, inf, log

from vmdirac_py.model.inventory import Pool
from vmdirac_py.model.plan import Snapshot, SoftEnd
from vmdirac_py.model.vm import Run, Vm, VmState

from .lengths import Lengths

WASTE = 2.0
"""Core-seconds that a job may prolong a VM by, in parts of its own; VMs of no more cores take any job."""
FINENESS = log(2.0) / 4
LATE = 120.0
"""Seconds by which a job for which a soft end was set may start late."""
SHORTEST = 60.0
"""Seconds below which reaches are not told apart."""


def reach_of(remaining: float, cores: int) -> float:
    """Return the longest job (seconds) that a VM of so many cores should still take, its jobs running on so long."""
    return inf if cores <= WASTE else remaining * cores / (cores - WASTE)


def remaining_of(reach: float, cores: int) -> float:
    """Return for how long the jobs of a VM run that reaches so far; the inverse of `reach_of`."""
    return inf if cores <= WASTE else max(0.0, reach) * (cores - WASTE) / cores


def floored(seconds: float) -> float:
    """Round down to one of few values, so that many VMs are alike: at most a sixth below."""
    if seconds == inf:
        return inf
    return 0.0 if seconds < SHORTEST else SHORTEST * exp(int(log(seconds / SHORTEST) / FINENESS + 1e-9) * FINENESS)


def remaining(vo: str, runs: Iterable[Run], lengths: Lengths, at: float) -> float:
    """Return for how many seconds the longest of these payloads is expected to run on."""
    return max([lengths.of(vo, run.owner, run.cpu_seconds).remaining(at - run.since) for run in runs], default=0.0)


def takes(vm: Vm, pool: Pool, seconds: float, *, remaining: float | None, at: float) -> bool:
    """Tell whether a VM takes a job that is expected to run for so many seconds.

    `remaining` is for how long its jobs run on, None: it runs none. Then it takes what it was launched for, however
    long it took to boot, and once that time is over anything.
    """
    end = vm.soft_end
    if remaining is None:
        return end <= at or vm.created_at + pool.boot_seconds + seconds <= end
    return seconds <= reach_of(remaining, vm.resources.cores) or at + seconds <= end


def soft_ends(snapshot: Snapshot, reopened: Mapping[int, float]) -> Iterator[SoftEnd]:
    """Yield the soft ends that change: of VMs that were reopened for so many seconds, and of those that no more are.

    What a VM was launched for is over when it runs something, or has got nothing for two minutes.
    """
    at = snapshot.at
    for position, capacity in enumerate(snapshot.fleet):
        vm = capacity.vm
        if position in reopened:
            yield SoftEnd(vm.id, at + reopened[position] + LATE)
        elif vm.soft_end > at and vm.state is VmState.RUNNING and (capacity.busy_slots or at - vm.state_since > LATE):
            yield SoftEnd(vm.id, 0.0)
