"""Which jobs are worth a new VM now, and which should wait for cores that free soon, or for others to share a VM with.

A wait no longer than a boot costs a job nothing, because a VM launched for it at once would not be ready sooner. So a
little of it is waited for cores to become free, and some more for company, where a VM would not be filled. Never held:
jobs of a VO without any VM, jobs whose VMs are so small that nothing is wasted, no job longer than its VO's `max_hold`.
"""

from __future__ import annotations

from collections.abc import Mapping

from vmdirac_py.lifecycle.states import ALIVE
from vmdirac_py.model.inventory import Pool
from vmdirac_py.model.plan import Snapshot

from .assign import Share
from .groups import Group
from .memory import Memory

FOR_CORES, FOR_COMPANY = 1 / 3, 5 / 3
"""How long jobs wait, in boot times: for cores within reach to become free, and for others to fill a VM with."""


class Patience:
    """Decides which jobs are held, and notes it in their shares."""

    def __init__(self, snapshot: Snapshot, memory: Memory) -> None:
        self._at, self._vos, self._memory = snapshot.at, snapshot.inventory.vos, memory
        self._alive = {one.vm.vo for one in snapshot.fleet if one.vm.state in ALIVE}

    def hold(self, jobs: Mapping[Share, int], pool: Pool, *, full: bool) -> bool:
        """Hold these jobs rather than launch a VM for them, which they would fill or not; False: they must not wait."""
        if not all(self._may_wait(share.group, pool, full=full) for share in jobs):
            return False
        for share, count in jobs.items():
            share.held += count
        return True

    def _may_wait(self, group: Group, pool: Pool, *, full: bool) -> bool:
        boots = FOR_CORES if full else FOR_COMPANY
        longest = min(self._vos[group.vo].max_hold, boots * self._memory.boot_seconds(pool))
        return group.vo in self._alive and self._at - group.oldest < longest
