"""VMs that should be empty by a certain time: which jobs they still take."""

from __future__ import annotations

from vmdirac_py.ledger.api import Transaction
from vmdirac_py.model.inventory import Pool
from vmdirac_py.model.queue import TaskQueue
from vmdirac_py.model.vm import Vm
from vmdirac_py.planner.ends import takes
from vmdirac_py.queues.api import Suits

from . import memory


def suits(tx: Transaction, vm: Vm, pool: Pool, *, empty: bool, at: float) -> Suits:
    """Return what tells whether a job of a queue may start on this VM now, as far as its soft end goes."""
    if not vm.soft_end:
        return lambda _: True
    lengths = memory.load(tx).lengths

    def fits(queue: TaskQueue) -> bool:
        seconds = lengths.expected(queue.vo, queue.owner, queue.shape.cpu_seconds)
        return takes(vm, pool, seconds, empty=empty, at=at)

    return fits
