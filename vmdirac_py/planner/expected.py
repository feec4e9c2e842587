"""How long a waiting job will run, as far as the memory knows."""

from __future__ import annotations

from vmdirac_py.model.queue import TaskQueue

from .memory import Memory


def expected(memory: Memory, vo: str, owner: str, cpu_seconds: int) -> float:
    """Return for how many seconds a job is expected to run, from what it asked for and what such jobs did before."""
    return memory.lengths.expected(vo, owner, cpu_seconds)


def ends_by(memory: Memory, queue: TaskQueue, soft_end: float, *, at: float) -> bool:
    """Tell whether a job of this queue that starts at `at` is expected to end by a soft end (0.0: there is none)."""
    return not soft_end or at + expected(memory, queue.vo, queue.owner, queue.shape.cpu_seconds) <= soft_end
