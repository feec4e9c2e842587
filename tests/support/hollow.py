"""VMs for clouds that only write instances down (moto, Nova's fake driver): what their user data says really runs.

with Hollow(folder, cloud, hidden=[home]):   # each instance the cloud shows becomes a VM as those of the embedded cloud
    ...
At the end nothing of them is left. An instance the cloud no longer shows is ended; one that powers itself off is
shut off at the cloud.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Collection, Sequence
from pathlib import Path
from types import TracebackType
from typing import Protocol, Self

from vmdirac_py.base.processes import marked
from vmdirac_py.clouds.local.isolation import choose
from vmdirac_py.clouds.local.records import Record, Store
from vmdirac_py.clouds.local.userdata import parse
from vmdirac_py.clouds.local.vm import Runner, mark_of

LOOK_SECONDS = 0.5


class HollowCloud(Protocol):
    """What is asked of a cloud, by an interface of its own and not by the driver under test."""

    def powered_on(self) -> Collection[str]:
        """Return the ids of the instances that run."""

    def user_data(self, instance: str) -> bytes:
        """Return what an instance was given."""

    def power_off(self, instance: str) -> None:
        """Do what a guest's own shutdown does."""


class Hollow:
    """The VMs behind one cloud's instances.

    Args:
        folder: where their files lie; every user must be able to pass through it.
        cloud: whose instances they are.
        hidden: folders no VM may see.
    """

    def __init__(self, folder: Path, cloud: HollowCloud, *, hidden: Sequence[Path] = ()) -> None:
        self.store = Store(folder)
        self._cloud = cloud
        self._runner = Runner(self.store, choose(folder, hidden=tuple(map(str, hidden)), user="nobody"))
        self._vms: dict[str, Record] = {}
        self.seen: set[str] = set()
        """Every instance that was ever powered on."""
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._follow, name="hollow", daemon=True)
        self.errors: list[Exception] = []
        """What went wrong while following the cloud; the end of the block raises the first."""

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._stop.set()
        self._thread.join()
        left = self._runner.kill(list(self._vms.values()))
        assert [pid for record in self._vms.values() for pid in marked(mark_of(record.id))] == [], left
        if self.errors and error is None:
            raise self.errors[0]

    def console(self, instance: str) -> str:
        """Return what a VM printed."""
        return self.store.console(instance).read_text(errors="replace")

    def _follow(self) -> None:
        while not self._stop.wait(LOOK_SECONDS):
            try:
                self._look()
            except Exception as error:  # noqa: BLE001 -- the test's own thread tells it
                self.errors.append(error)

    def _look(self) -> None:
        shown = set(self._cloud.powered_on())
        for instance in sorted(shown - self.seen):
            self._boot(instance)
        for instance, record in list(self._vms.items()):
            if instance not in shown:
                self._runner.kill([record])
                self._end(instance)
            elif not self._runner.lives(record):
                self._end(instance)
                self._cloud.power_off(instance)

    def _boot(self, instance: str) -> None:
        self.seen.add(instance)
        address = f"127.78.{len(self.seen) // 254 % 256}.{len(self.seen) % 254 + 1}"
        record = Record(instance, "", "", {}, "", 1, 1000, address, time.time())
        self._runner.prepare(record, parse(self._cloud.user_data(instance)))
        self._runner.start(record, lambda pid, started: self._started(record, pid, started))

    def _started(self, record: Record, pid: int, started: int) -> None:
        self._vms[record.id] = record.moved(record.state, time.time(), pid=pid, started=started)

    def _end(self, instance: str) -> None:
        del self._vms[instance]
        self._runner.clean(instance)
