"""Who the jobs of a trace belong to, and the drawing of some of them."""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence

from .api import TraceJob

User = tuple[str, str]
"""VO and owner."""


def user_of(job: TraceJob) -> User:
    """Return whose job it is."""
    return job.vo, job.owner


def work(job: TraceJob) -> float:
    """Return a job's core-seconds."""
    return job.seconds * job.shape.min_cores


def shuffled(jobs: Iterable[TraceJob], seed: int, purpose: str) -> list[User]:
    """Return all users in an order that depends on who they are, the seed and the purpose alone."""
    users = sorted({user_of(job) for job in jobs})
    random.Random(f"{seed} {purpose}").shuffle(users)  # noqa: S311 - a lottery, no secret
    return users


def drawn(jobs: Sequence[TraceJob], shares: Sequence[float], seed: int, purpose: str) -> Mapping[User, int]:
    """Return users with the place of the share they were drawn for.

    In a seeded order each user goes to the first share that still has room for all of his core-seconds, so a share is
    met as nearly as whole users allow, and never exceeded.
    """
    weights: defaultdict[User, float] = defaultdict(float)
    for job in jobs:
        weights[user_of(job)] += work(job)
    total = sum(weights.values())
    room = [share * total * (1 + 1e-9) for share in shares]
    found = {}
    for user in shuffled(jobs, seed, purpose):
        place = next((place for place, left in enumerate(room) if weights[user] <= left), None)
        if place is not None:
            room[place] -= weights[user]
            found[user] = place
    return found
