"""One VM of a replay: our record of it, what runs on it, and what has become of its instance."""

from __future__ import annotations

from math import inf
from typing import NamedTuple

from vmdirac_py.model.fit import Offer
from vmdirac_py.model.inner_ce import runs_singly
from vmdirac_py.model.inventory import Endpoint, Pool
from vmdirac_py.model.resources import Resources
from vmdirac_py.model.vm import Capacity, Run, Vm, VmState
from vmdirac_py.planner.ends import remaining
from vmdirac_py.planner.lengths import Lengths

from .api import TraceJob
from .lines import Line

OFFERING = frozenset({VmState.NEW, VmState.SUBMITTED, VmState.CONTEXTUALISING, VmState.RUNNING})
"""States in which what nothing runs on is free, or will be."""
RECKONED = 300.0
"""Seconds for which what is expected of running payloads stands."""


class Slot(NamedTuple):
    """A payload that runs: on how many cores, of which it uses some, from when to when."""

    job: TraceJob
    line: Line
    cores: int
    useful: int
    since: float
    run: Run


class Machine:
    """A VM in virtual time.

    `vm` is our record, `slots` what runs by job id, `entry` its place among the VMs that take jobs (None: it takes
    none). `accepted_at` 0.0: there is no instance; `dead`: its instance has ended, whether we know it or not;
    `leaving`: it is ending by itself, or because the cloud was told to.
    """

    __slots__ = (
        "_left",
        "_left_at",
        "accepted_at",
        "cores",
        "dead",
        "disk_gb",
        "endpoint",
        "entry",
        "gpus",
        "idle_since",
        "leaving",
        "pool",
        "ram_mb",
        "seq",
        "slots",
        "vm",
    )  # fmt: skip

    def __init__(self, vm: Vm, pool: Pool, endpoint: Endpoint, seq: int) -> None:
        self.vm, self.pool, self.endpoint, self.seq = vm, pool, endpoint, seq
        self.slots: dict[int, Slot] = {}
        self.cores, self.ram_mb, self.gpus = pool.resources.cores, pool.resources.ram_mb, pool.resources.gpus
        self.disk_gb = pool.resources.disk_gb
        self.entry: tuple[int, Machine] | None = None
        self.accepted_at = self.idle_since = 0.0
        self.dead = self.leaving = False
        self._left, self._left_at = 0.0, -inf

    def remaining(self, lengths: Lengths, at: float) -> float | None:
        """Return for how many seconds its payloads are expected to run on, None: it runs none.

        Worked out when what runs changes, and every few minutes: production works it out at each match.
        """
        if not self.slots:
            return None
        if at - self._left_at > RECKONED:
            self._left = remaining(self.vm.vo, [slot.run for slot in self.slots.values()], lengths, at)
            self._left_at = at
        return max(0.0, self._left_at + self._left - at)

    @property
    def open_cores(self) -> int:
        """Return how many cores it asks jobs for."""
        return 0 if self.slots and runs_singly(self.pool.inner_ce) else self.cores

    def life_left(self, at: float) -> float:
        """Return the seconds until the end of its life."""
        return self.vm.created_at + self.pool.max_life - at

    def take(self, slot: Slot) -> None:
        """Run a payload."""
        self.slots[slot.job.id] = slot
        self._left_at = -inf
        self._hold(slot, 1)
        self.idle_since = 0.0

    def release(self, slot: Slot, at: float) -> None:
        """Run a payload no more."""
        del self.slots[slot.job.id]
        self._left_at = -inf
        self._hold(slot, -1)
        if not self.slots:
            self.idle_since = at

    def _hold(self, slot: Slot, sign: int) -> None:
        shape = slot.job.shape
        self.cores -= sign * slot.cores
        self.ram_mb -= sign * shape.ram_mb
        self.gpus -= sign * shape.gpus
        self.disk_gb -= sign * shape.disk_gb

    def offer(self, at: float) -> Offer:
        """Return what it offers to a job."""
        pool = self.pool
        free = Resources(self.open_cores, self.ram_mb, self.gpus, self.disk_gb)
        return Offer(
            pool.vo,
            pool.site,
            pool.resources,
            free,
            not self.slots,
            pool.tags,
            pool.platform,
            self.life_left(at),
        )

    def capacity(self) -> Capacity:
        """Return the value of this moment."""
        free = _NOTHING
        if self.vm.state in OFFERING:
            free = Resources(self.cores, self.ram_mb, self.gpus, self.disk_gb)
        slots = self.slots
        return Capacity(self.vm, free, len(slots), tuple([slot.run for slot in slots.values()]), self.idle_since)


_NOTHING = Resources()
