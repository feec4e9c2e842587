"""Launches: what is taken and what refused; and booting, which goes on after the answer.

A launch is written as a whole before its instances get their records, and those before their processes, so that a
server killed at any moment finishes after a restart what it had written, and a repeated request gets one answer.
"""

from __future__ import annotations

import base64
import contextlib
import hashlib
import queue
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

from vmdirac_py.base.ids import new_id
from vmdirac_py.clouds.api import NoCapacity, QuotaExceeded, Unavailable
from vmdirac_py.model.batch import ErrorClass

from .faults import Faults
from .fleet import Fleet
from .records import Launch, Record, State, launch_key
from .userdata import parse

FORGET_LAUNCH_AFTER = 7 * 86400.0
ADDRESSES = 256 * 254


@dataclass(frozen=True, slots=True)
class Limits:
    """What the whole cloud offers; None: no limit."""

    max_vms: int | None = None
    max_cores: int | None = None


@dataclass(frozen=True, slots=True)
class Order:
    """A launch as asked for; `token` makes its repetition recognisable."""

    installation: str
    token: str
    count: int
    flavor: str
    cores: int
    ram_mb: int
    mark: dict[str, str]
    user_data: bytes


class Launcher:
    """Takes launches.

    Args:
        fleet: the instances.
        faults: what goes wrong on purpose.
        limits: quotas over all installations together.
    """

    def __init__(self, fleet: Fleet, faults: Faults, limits: Limits) -> None:
        self.accepts = True
        """False while the cloud ends: a launch after the last termination would leave VMs behind."""
        self._fleet = fleet
        self._faults = faults
        self._limits = limits
        self._store = fleet.store
        self._boots: queue.SimpleQueue[str | None] = queue.SimpleQueue()
        self._next_address = int.from_bytes(hashlib.sha256(str(self._store.root).encode()).digest()[:2], "big")

    def launch(self, order: Order) -> Launch:
        """Take a launch, or return the answer already given to its token; never waits for a boot.

        Raises:
            BadRequest, QuotaExceeded, NoCapacity: nothing was taken, nothing is remembered.
            Unavailable: the same; the cloud is being stopped.
        """
        received = self._fleet.clock.now()
        parse(order.user_data)
        key = launch_key(order.installation, order.token)
        with self._fleet.lock:
            if known := self._store.launch(key):
                return known
            if not self.accepts:
                raise Unavailable("the cloud is being stopped")
            self._fleet.refresh()
            launch = replace(self._decide(key, order), received_at=received)
            self._store.put_launch(launch)
            self._record(launch)
            return launch

    def _decide(self, key: str, order: Order) -> Launch:
        refused = []
        count = min(order.count, self._room(order.cores))
        if count < order.count:
            refused.append(_refused(order.count - count, ErrorClass.QUOTA, "the cloud's limit is reached"))
        if count and (fault := self._faults.take("partial")):
            fewer = max(0, count - fault.count)
            refused.append(_refused(count - fewer, fault.error_class, "refused, as ordered"))
            count = fewer
        if not count:
            kind = QuotaExceeded if refused[0]["error_class"] is ErrorClass.QUOTA else NoCapacity
            raise kind(refused[0]["text"], where=order.flavor)
        now, addresses = self._fleet.clock.now(), self._addresses()
        records = [self._new(key, order, now, next(addresses)) for _ in range(count)]
        return Launch(key, now, base64.b64encode(order.user_data).decode(), records, refused)

    def _new(self, key: str, order: Order, now: float, address: str) -> Record:
        failing, slow = self._faults.take("boot_failure"), self._faults.take("slow_boot")
        return Record(
            id=new_id("i"),
            installation=order.installation,
            launch=key,
            mark=order.mark,
            flavor=order.flavor,
            cores=order.cores,
            ram_mb=order.ram_mb,
            address=address,
            created_at=now,
            changed_at=now,
            boot_fails=failing is not None,
            boot_delay=slow.seconds if slow else 0.0,
        )

    def _record(self, launch: Launch) -> None:
        for record in launch.instances:
            if self._fleet.get(record.id) is None:
                self._fleet.put(record)
                self._boots.put(record.id)
        self._store.put_launch(replace(launch, recorded=True))

    def _room(self, cores: int) -> int:
        vms, used_cores = self._fleet.used()
        rooms = [ADDRESSES - vms]
        if self._limits.max_vms is not None:
            rooms.append(self._limits.max_vms - vms)
        if self._limits.max_cores is not None:
            rooms.append((self._limits.max_cores - used_cores) // cores)
        return max(0, min(rooms))

    def _addresses(self) -> Iterator[str]:
        taken = {record.address for record in self._fleet.all() if record.lives}
        while True:
            self._next_address = (self._next_address + 1) % ADDRESSES
            third, last = divmod(self._next_address, 254)
            if (address := f"127.77.{third}.{last + 1}") not in taken:
                yield address

    def resume(self) -> None:
        """After a start of the server: finish what an earlier one had promised, and forget what is old."""
        with self._fleet.lock:
            for record in self._fleet.all():
                if record.state is State.PENDING:
                    self._boots.put(record.id)
            for launch in self._store.launches():
                if not launch.recorded:
                    self._record(launch)
                elif self._fleet.clock.now() - launch.at > FORGET_LAUNCH_AFTER:
                    self._store.forget_launch(launch.key)

    def boot_all(self) -> None:
        """Boot what is launched, one after the other, until `close`."""
        while (instance := self._boots.get()) is not None:
            try:
                self._boot(instance)
            except OSError as error:
                self._fail(instance, str(error))

    def close(self) -> None:
        """Let `boot_all` return."""
        self._boots.put(None)

    def _boot(self, instance: str) -> None:
        record = self._fleet.get(instance)
        launch = self._store.launch(record.launch) if record else None
        if record is None or launch is None or record.state is not State.PENDING:
            return
        self._fleet.runner.prepare(record, parse(base64.b64decode(launch.user_data)))
        with self._fleet.lock:
            if self._fleet.get(instance) == record:
                self._fleet.runner.start(record, lambda pid, started: self._running(record, pid, started))
            else:
                self._fleet.runner.clean(instance)

    def _running(self, record: Record, pid: int, started: int) -> None:
        self._fleet.put(record.moved(State.RUNNING, self._fleet.clock.now(), pid=pid, started=started))

    def _fail(self, instance: str, fault: str) -> None:
        with self._fleet.lock, contextlib.suppress(OSError):
            if record := self._fleet.get(instance):
                self._fleet.move(record, State.TERMINATED, fault)


def _refused(count: int, error_class: ErrorClass, text: str) -> dict[str, Any]:
    return {"count": count, "error_class": error_class, "text": text}
