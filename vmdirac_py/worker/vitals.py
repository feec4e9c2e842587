"""What is known of this machine, gathered for a heartbeat."""

import os
import platform
import shutil
import time
from typing import Dict, List

from . import usage
from .activity import Activity, Reading
from .any_pilot import AnyPilot
from .health import Health
from .life import Life
from .outbox import Outbox
from .payload import MARK, mark
from .wire import Beat, Config, Slot

_VERSIONS = {"python": platform.python_version(), "kernel": platform.release()}


class Vitals:
    """Looks at the machine and its payloads; nothing here waits.

    Args:
        vm: this VM's id, part of the mark on each payload.
        outbox: where the reports wait that the manager has not got.
        version: of the worker.
    """

    def __init__(
        self, config: Config, vm: str, pilot: AnyPilot, life: Life, *, outbox: Outbox, health: Health, version: str
    ) -> None:
        self._config, self._vm, self._pilot, self._life = config, vm, pilot, life
        self._outbox, self._health, self._version = outbox, health, version
        self._activity = Activity(self._reading())

    def look(self, quiet_cpu: float) -> None:
        """Read the counters; fewer than `quiet_cpu` cores in use count as no activity."""
        self._activity.note(self._reading(), quiet_cpu)

    def quiet_seconds(self) -> float:
        """Return for how long the machine has used no CPU, and no payload ran."""
        return self._activity.quiet_seconds(time.monotonic())

    def quiet_jobs(self, seconds: float) -> List[int]:
        """Return the jobs whose payloads have used no CPU for so long."""
        quiet = set(self._activity.quiet_payloads(time.monotonic(), seconds))
        return [job for job, name in self._names().items() if name in quiet]

    def beat(self, state: str) -> Beat:
        """Return a sign of life."""
        # In this order: a payload that ends in between has its report in the outbox before it is gone.
        config, status, undelivered = self._config, self._pilot.status(), self._outbox.jobs()
        return Beat(
            at=time.time(),
            state=state,
            load=os.getloadavg()[0],
            uptime=self._life.uptime,
            cores=config.cores,
            free_cores=status.free_cores,
            ram_mb=config.ram_mb,
            disk_free_mb=shutil.disk_usage(config.work_dir).free // 2**20,
            slots=self._slots(status.slots),
            idle_seconds=status.idle_seconds,
            failed_matches=status.failed_matches,
            version=self._version,
            ram_free_mb=usage.free_ram_mb(),
            cpu=round(self._activity.cores, 3),
            quiet_seconds=self.quiet_seconds(),
            health=self._health.found(),
            versions={**_VERSIONS, **self._health.versions()},
            undelivered=undelivered,
        )

    def _slots(self, slots: List[Slot]) -> List[Slot]:
        names = self._names()
        return [slot._replace(cpu_seconds=self._activity.used(names.get(slot.job, ""))) for slot in slots]

    def _names(self) -> Dict[int, str]:
        """Return by job what its payload's processes are marked with."""
        start = len(MARK) + 1
        return {work.job: mark(self._vm, f"{work.job}.{work.attempt}")[start:] for work in self._pilot.works()}

    def _reading(self) -> Reading:
        payloads = usage.payload_cpu(self._names().values())
        return Reading(time.monotonic(), usage.machine_cpu(), payloads)
