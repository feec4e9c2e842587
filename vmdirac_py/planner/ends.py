"""Until when a VM should take jobs: its soft end.

A long job that starts on a VM whose other jobs end soon makes us pay for all its cores as long as it runs. So a job is
put on a VM only where the core-seconds by which it prolongs the VM's life are at most `WASTE` times its own work, and
what a VM costs before and after its jobs anyway:

    cores x (length - remaining) <= WASTE x length + ANYWAY
    <=>    length <= (remaining x cores + ANYWAY) / (cores - WASTE)

That bound is the VM's reach; it is the same for all jobs, so a single moment, the soft end, tells match.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from math import exp, inf, log

from vmdirac_py.model.inventory import Pool
from vmdirac_py.model.plan import Snapshot, SoftEnd
from vmdirac_py.model.vm import Capacity, Vm, VmState

from .lengths import Lengths

WASTE = 1.5
"""Core-seconds that a job may prolong a VM by, in parts of its own; VMs of no more cores take any job."""
ANYWAY = 315.0
"""Core-seconds that a core of a new VM costs anyway: a usual boot, and the end."""
FINENESS = log(2.0) / 4
INEXACT = 0.1
"""A soft end that would move by less than this share of the way to it stays."""
SHORTEST = 60.0
"""Seconds below which reaches are not told apart."""


def reach_of(remaining: float, cores: int) -> float:
    """Return the longest job (seconds) that a VM of so many cores should still take, its jobs running on so long."""
    return inf if cores <= WASTE else (remaining * cores + ANYWAY) / (cores - WASTE)


def remaining_of(reach: float, cores: int) -> float:
    """Return for how long the jobs of a VM run that reaches so far; the inverse of `reach_of`."""
    return inf if cores <= WASTE else max(0.0, reach * (cores - WASTE) - ANYWAY) / cores


def floored(seconds: float) -> float:
    """Round down to one of few values, so that many VMs are alike: at most a sixth below."""
    if seconds == inf:
        return inf
    return 0.0 if seconds < SHORTEST else SHORTEST * exp(int(log(seconds / SHORTEST) / FINENESS + 1e-9) * FINENESS)


def remaining(capacity: Capacity, lengths: Lengths, at: float) -> float:
    """Return for how many seconds a VM's jobs are expected to run on; infinity: it runs some that nobody knows of."""
    if capacity.busy_slots > len(capacity.runs):
        return inf
    vo = capacity.vm.vo
    return max(
        (lengths.of(vo, run.owner, run.cpu_seconds).remaining(at - run.since) for run in capacity.runs), default=0.0
    )


def takes(vm: Vm, pool: Pool, seconds: float, *, empty: bool, at: float) -> bool:
    """Tell whether a VM takes a job that is expected to run for so many seconds.

    One that runs nothing takes what it was launched for, however long it took to boot.
    """
    start = vm.created_at + pool.boot_seconds if empty else at
    return not vm.soft_end or start + seconds <= vm.soft_end


def soft_ends(snapshot: Snapshot, remaining: Mapping[int, float]) -> Iterator[SoftEnd]:
    """Yield the soft ends that change; `remaining` is in seconds, by position in the fleet.

    A VM on which nothing runs and nothing is planned takes all jobs, and so does one nobody knows.
    """
    at = snapshot.at
    for position, seconds in remaining.items():
        vm = snapshot.fleet[position].vm
        if vm.state is not VmState.RUNNING:
            continue
        reach = reach_of(seconds, vm.resources.cores) if seconds else inf
        until = 0.0 if reach == inf else at + reach
        if bool(until) != bool(vm.soft_end) or abs(until - vm.soft_end) > max(SHORTEST, INEXACT * reach):
            yield SoftEnd(vm.id, until)
