"""VMs that do nothing, where nobody counts payloads."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

from vmdirac_py.model.reason import Reason
from vmdirac_py.model.vm import QUIET_LOAD

from .idle import lasts, patience
from .policy import FOR_EMPTY_ONES, Candidate, Terms
from .view import View


class NoCpu:
    """No slot is known to be busy, and the machine has done nothing for `pool_idle_seconds`.

    It ends VMs whose payloads nobody counts (DIRAC's `MinWorkingLoad`); where slots are counted, `Idle` sees the same.
    """

    terms: ClassVar[Terms] = FOR_EMPTY_ONES

    def candidates(self, view: View) -> Iterator[Candidate]:
        """Yield VMs without load."""
        for one in view.empty:
            if one.cpu_load is None or one.cpu_load >= QUIET_LOAD or not one.load_since:
                continue
            pool = view.pool(one)
            if not lasts(pool) and view.at - max(one.load_since, one.idle_since) >= patience(pool):
                yield one, Reason.of("retire.no_cpu", seconds=int(pool.idle_seconds))
