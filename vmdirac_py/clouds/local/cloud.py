"""The embedded cloud's other verbs: list, terminate, limits, console."""

from __future__ import annotations

import base64
from collections.abc import Collection, Iterable
from dataclasses import replace

from vmdirac_py.clouds.api import AuthFailed, BadRequest, Unavailable

from .faults import Faults
from .fleet import Fleet
from .launching import Limits
from .records import Record, State


class Cloud:
    """Safe for threads; only terminating may take long (until the VMs are dead).

    Args:
        fleet: the instances.
        faults: what goes wrong on purpose.
        limits: quotas over all installations together.
    """

    def __init__(self, fleet: Fleet, faults: Faults, limits: Limits) -> None:
        self._fleet = fleet
        self._faults = faults
        self._limits = limits

    def listing(self, installation: str) -> tuple[list[Record], bool]:
        """Return the instances of an installation, and whether that is all of them."""
        self._fleet.refresh()
        found = [record for record in self._fleet.all() if record.installation == installation]
        if lag := self._faults.take("lag"):
            found = [record for record in found if record.created_at <= self._fleet.clock.now() - lag.seconds]
        if omit := self._faults.take("omit"):
            found = found[: max(0, len(found) - omit.count)]
        if self._faults.take("half"):
            return found[: len(found) // 2], False
        return found, True

    def limits(self) -> dict[str, int | None]:
        """Return limits and use, of every installation."""
        self._fleet.refresh()
        vms, cores = self._fleet.used()
        return {
            "max_vms": self._limits.max_vms,
            "max_cores": self._limits.max_cores,
            "used_vms": vms,
            "used_cores": cores,
        }

    def console(self, installation: str, instance: str) -> str:
        """Return what an instance printed. Raises BadRequest for one that is not the installation's."""
        path = self._fleet.store.console(self._fleet.own(installation, instance).id)
        return path.read_bytes().decode(errors="replace") if path.exists() else ""

    def user_data(self, installation: str, instance: str) -> bytes:
        """Return the user data an instance was given. Raises BadRequest for one that is not the installation's."""
        launch = self._fleet.store.launch(self._fleet.own(installation, instance).launch)
        return base64.b64decode(launch.user_data) if launch else b""

    def terminate(self, installation: str, instances: Collection[str]) -> None:
        """Kill instances of this installation; one already gone is success.

        Raises:
            AuthFailed: one belongs to another installation; nothing was done.
            Unavailable: something of them is still alive.
        """
        with self._fleet.lock:
            known = [record for instance in dict.fromkeys(instances) if (record := self._fleet.get(instance))]
            if foreign := [record.id for record in known if record.installation != installation]:
                raise AuthFailed("not an instance of this installation", where=foreign[0])
            doomed = self._end_pending(known)
        self._kill(doomed)

    def terminate_all(self) -> None:
        """Kill every instance of every installation. Raises Unavailable."""
        with self._fleet.lock:
            doomed = self._end_pending(record for record in self._fleet.all() if record.lives)
        self._kill(doomed)

    def strike(self, instance: str) -> None:
        """Kill a VM as an accident would: it is found stopped. Raises BadRequest."""
        record = self._fleet.get(instance)
        if record is None:
            raise BadRequest("no such instance", where=instance[:80])
        self._fleet.runner.kill([record])

    def announce(self, instance: str) -> None:
        """Say of a VM that it will be taken away. Raises BadRequest."""
        with self._fleet.lock:
            record = self._fleet.get(instance)
            if record is None:
                raise BadRequest("no such instance", where=instance[:80])
            self._fleet.put(replace(record, leaving="to be taken away, as ordered"))

    def _end_pending(self, records: Iterable[Record]) -> list[Record]:
        """End at once what has no process yet; return the rest that is not terminated."""
        rest = []
        for record in records:
            if record.state is State.PENDING:
                self._fleet.move(record, State.TERMINATED)
            elif record.state is not State.TERMINATED:
                rest.append(record)
        return rest

    def _kill(self, records: list[Record]) -> None:
        left = self._fleet.runner.kill(records)
        with self._fleet.lock:
            for record in records:
                if record not in left:
                    self._fleet.move(record, State.TERMINATED)
                    self._fleet.runner.clean(record.id)
        if left:
            raise Unavailable("some instances could not be killed", where=", ".join(record.id for record in left))
