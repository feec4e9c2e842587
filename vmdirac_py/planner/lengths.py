"""How long jobs run, as far as is known."""

from __future__ import annotations

from vmdirac_py.model.queue import TaskQueue

from .memory import Memory


def expected(memory: Memory, vo: str, owner: str, group: str, cpu_seconds: float) -> float:  # noqa: ARG001 - nothing is remembered of them yet
    """Return for how many seconds a job is expected to run: until something was learned, what it asked for."""
    return cpu_seconds


def ends_by(memory: Memory, queue: TaskQueue, soft_end: float, *, at: float) -> bool:
    """Tell whether a job of this queue that starts at `at` is expected to end by a soft end (0.0: there is none)."""
    lasts = expected(memory, queue.vo, queue.owner, queue.group, queue.shape.cpu_seconds)
    return not soft_end or at + lasts <= soft_end
