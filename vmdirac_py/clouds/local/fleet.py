"""The embedded cloud's instances: in memory, on disk, and compared with what really lives."""

from __future__ import annotations

import threading
from collections.abc import Mapping

from vmdirac_py.base.clock import Clock
from vmdirac_py.clouds.api import BadRequest

from .records import TERMINAL, Record, State, Store
from .vm import Runner

# Seconds after which an instance that ended is no longer listed.
FORGET_AFTER: Mapping[State, float] = {State.STOPPED: 3600.0, State.TERMINATED: 300.0}


class Fleet:
    """All instances of all installations. Hold `lock` around everything that reads and then writes.

    Args:
        store: the files.
        runner: the processes.
        clock: for changes and forgetting.
    """

    def __init__(self, store: Store, runner: Runner, clock: Clock) -> None:
        self.lock = threading.RLock()
        self.store = store
        self.runner = runner
        self.clock = clock
        self._records = store.records()

    def all(self) -> list[Record]:
        """Return every record, oldest first."""
        with self.lock:
            return sorted(self._records.values(), key=lambda record: (record.created_at, record.id))

    def get(self, instance: str) -> Record | None:
        """Return a record, or None."""
        return self._records.get(instance)

    def own(self, installation: str, instance: str) -> Record:
        """Return a record of this installation. Raises BadRequest when there is none."""
        record = self._records.get(instance)
        if record is None or record.installation != installation:
            raise BadRequest("no such instance", where=instance[:80])
        return record

    def put(self, record: Record) -> None:
        """Write a new or changed record. Raises OSError."""
        with self.lock:
            self.store.put(record)
            self._records[record.id] = record

    def move(self, record: Record, state: State, fault: str = "") -> None:
        """Write that a record is now in `state`. Raises OSError."""
        self.put(record.moved(state, self.clock.now(), fault=fault or record.fault))

    def used(self) -> tuple[int, int]:
        """Return how many VMs live, and their cores."""
        living = [record for record in self.all() if record.lives]
        return len(living), sum(record.cores for record in living)

    def refresh(self) -> None:
        """Find out which VMs stopped, and forget those that ended long ago."""
        with self.lock:
            for record in self.all():
                if record.state is State.RUNNING and not self.runner.lives(record):
                    self._stopped(record)
                elif record.state in TERMINAL and self._old(record):
                    del self._records[record.id]
                    self.store.forget(record.id)

    def clean_leftovers(self) -> None:
        """Remove private folders no living VM has; a server killed at a bad moment leaves them."""
        with self.lock:
            for name in self.store.disks() - {record.id for record in self.all() if record.lives}:
                self.runner.clean(name)

    def _old(self, record: Record) -> bool:
        return self.clock.now() - record.changed_at > FORGET_AFTER[record.state]

    def _stopped(self, record: Record) -> None:
        self.runner.kill([record])
        self.move(record, State.STOPPED)
        self.runner.clean(record.id)
