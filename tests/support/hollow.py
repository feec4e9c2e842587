"""Instances filled with VMs as those of the embedded cloud: what their user data says really runs, as plain processes.

with Hollow(folder, cloud, hidden=[home]):
    ...
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path

from tests.support.filling import Filling, HollowCloud
from vmdirac_py.base.processes import marked
from vmdirac_py.clouds.local.isolation import choose
from vmdirac_py.clouds.local.records import Record, Store
from vmdirac_py.clouds.local.userdata import parse
from vmdirac_py.clouds.local.vm import Runner, mark_of


class Hollow(Filling):
    """VMs of the embedded cloud's kind.

    Args:
        folder: where their files lie; every user must be able to pass through it.
        cloud: whose instances they are.
        hidden: folders no VM may see.
    """

    def __init__(self, folder: Path, cloud: HollowCloud, *, hidden: Sequence[Path] = ()) -> None:
        super().__init__(cloud)
        self._store = Store(folder)
        self._runner = Runner(self._store, choose(folder, hidden=tuple(map(str, hidden)), user="nobody"))
        self._vms: dict[str, Record] = {}

    def console(self, instance: str) -> Path:
        """Return the file that holds what a VM printed."""
        return self._store.console(instance)

    def boot(self, instance: str, user_data: bytes) -> None:
        """Start the VM of an instance."""
        address = f"127.78.{len(self.seen) // 254 % 256}.{len(self.seen) % 254 + 1}"
        record = Record(instance, "", "", {}, "", 1, 1000, address, time.time())
        self._runner.prepare(record, parse(user_data))
        self._runner.start(record, lambda pid, started: self._started(record, pid, started))

    def lives(self, instance: str) -> bool:
        """Tell whether a VM has not powered off."""
        return self._runner.lives(self._vms[instance])

    def end(self, instance: str) -> None:
        """End a VM at once, and see that nothing of it is left."""
        left = self._runner.kill([self._vms.pop(instance)])
        assert marked(mark_of(instance)) == [], left
        self._runner.clean(instance)

    def _started(self, record: Record, pid: int, started: int) -> None:
        self._vms[record.id] = record.moved(record.state, time.time(), pid=pid, started=started)
