"""VMs that should be empty by a certain time: which jobs they still take."""

from __future__ import annotations

from vmdirac_py.ledger.api import Transaction
from vmdirac_py.model.vm import Vm
from vmdirac_py.planner.expected import ends_by
from vmdirac_py.queues.api import Suits

from . import memory


def suits(tx: Transaction, vm: Vm, *, at: float) -> Suits:
    """Return what tells whether a job of a queue may start on this VM now, as far as its soft end goes."""
    if not vm.soft_end:
        return lambda _: True
    remembered = memory.load(tx)
    return lambda queue: ends_by(remembered, queue, vm.soft_end, at=at)
