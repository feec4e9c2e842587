"""A part of a trace, and a trace with its submissions closer together or further apart."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec.structs import replace

from .api import TraceJob
from .users import shuffled, user_of


def cut(jobs: Sequence[TraceJob], *, since: float, until: float | None, users: int, seed: int) -> tuple[TraceJob, ...]:
    """Return jobs submitted from `since` until before `until`, of every `users`-th user by a seeded order.

    What is left begins at 0.0 again.
    """
    wanted = set(shuffled(jobs, seed, "cut")[::users])
    kept = [job for job in jobs if since <= job.at and (until is None or job.at < until) and user_of(job) in wanted]
    first = kept[0].at if kept else 0.0
    return tuple(replace(job, at=job.at - first) for job in kept) if first else tuple(kept)


def stretched(jobs: Sequence[TraceJob], factor: float) -> tuple[TraceJob, ...]:
    """Return the jobs with `factor` times the time between submissions; run times stay."""
    return tuple(jobs) if factor == 1.0 else tuple(replace(job, at=job.at * factor) for job in jobs)
