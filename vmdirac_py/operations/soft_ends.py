"""Which jobs a VM should take, as the planner sees it: none that keeps it alive for too little work."""

from __future__ import annotations

from vmdirac_py.ledger.api import Transaction
from vmdirac_py.model.inventory import Pool
from vmdirac_py.model.queue import LONG_WAIT, TaskQueue
from vmdirac_py.model.vm import Vm
from vmdirac_py.planner.ends import remaining, takes
from vmdirac_py.queues.api import Lasts

from . import memory


def lasts(tx: Transaction, vm: Vm, pool: Pool, *, at: float) -> Lasts:
    """Return what tells how long a job of a queue would run if it started on this VM now, None: it should not.

    What has waited for long may start anywhere: no job waits for ever beside free cores.
    """
    lengths = memory.load(tx).lengths
    runs = tx.jobs.runs([vm.id]).get(vm.id, ())
    left = remaining(vm.vo, runs, lengths, at) if runs else None

    def told(queue: TaskQueue) -> float | None:
        seconds = lengths.expected(queue.vo, queue.owner, queue.shape.cpu_seconds)
        long = at - queue.oldest >= LONG_WAIT
        return seconds if long or takes(vm, pool, seconds, remaining=left, at=at) else None

    return told
