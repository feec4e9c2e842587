"""Which pools get new VMs for jobs that nothing running or booting will take."""

from __future__ import annotations

from collections.abc import Sequence

from .groups import Candidate
from .limits import Limits

Launches = list[tuple[Candidate, int]]


def grow(jobs: int, found: Sequence[Candidate], limits: Limits) -> Launches:
    """Choose new VMs for `jobs` jobs and take them off the limits; may serve only some, or none.

    Preferred pools first; where limits then leave jobs over, big VMs first, if that serves more: a limit counted in
    VMs is best spent on large ones.
    """
    found = [candidate for candidate in found if candidate.pool.name not in limits.shut]
    preferred = _fill(jobs, sorted(found, key=lambda candidate: _preference(candidate, jobs)), limits)
    if not preferred or len(found) == 1 or _served(preferred) >= jobs:
        return preferred
    _give_back(preferred, limits)
    dense = _fill(jobs, sorted(found, key=_density), limits)
    if _served(dense) > _served(preferred):
        return dense
    _give_back(dense, limits)
    return _fill(jobs, [candidate for candidate, _ in preferred], limits)


def _preference(candidate: Candidate, jobs: int) -> tuple[float | str, ...]:
    pool = candidate.pool
    vms, cores = -(-jobs // candidate.per_vm), pool.resources.cores
    useful = jobs * candidate.useful_cores / candidate.per_vm
    return (candidate.failures, -pool.priority, pool.price * vms / useful, vms * cores - useful, pool.name)


def _density(candidate: Candidate) -> tuple[float | str, ...]:
    return (-candidate.per_vm, -candidate.pool.priority, candidate.pool.name)


def _fill(jobs: int, ranked: Sequence[Candidate], limits: Limits) -> Launches:
    launches: Launches = []
    for candidate in ranked:
        if jobs <= 0:
            break
        count = limits.take(candidate.pool, -(-jobs // candidate.per_vm))
        if count:
            launches.append((candidate, count))
            jobs -= count * candidate.per_vm
    return launches


def _served(launches: Launches) -> int:
    return sum(candidate.per_vm * count for candidate, count in launches)


def _give_back(launches: Launches, limits: Limits) -> None:
    for candidate, count in launches:
        limits.charge(candidate.pool, -count)
