"""SiteDirector with CloudCE as of DIRAC 9.1: VMs that boot count as running, so that the same job is served again."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product
from typing import Self

from msgspec import Struct

from vmdirac_py.model.inventory import Inventory
from vmdirac_py.model.plan import Plan, Snapshot

from .books import Books, idle_for, jobs_of, servable

MOST = 100
"""`MaxPilotsToSubmit`."""


class Settings(Struct, frozen=True):
    """`max_waiting_jobs` of the computing element; `idle_seconds` until an empty VM powers itself off."""

    max_waiting_jobs: int = 1
    idle_seconds: float = 0.0


class CloudCe:
    """The SiteDirector and the CloudCE (DIRAC 9.1.22, `Resources/Computing/CloudComputingElement.py`).

    Each two minutes and for each queue of the computing element (here: pool):
    `min(MaxWaitingJobs - 0, MaxTotalJobs - VMs, jobs - 0)`, because the computing element reports all VMs as running,
    those that boot as well, and so none as waiting. MaxTotalJobs are the inventory's limits.
    """

    name = "CloudCE 9.1"
    cycle_seconds = 120.0

    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    @classmethod
    def settings(cls) -> Iterator[Self]:
        """Yield the rule with each of the settings to choose from."""
        for waiting, idle in product((1, 3, 10), (0.0, 300.0)):
            yield cls(Settings(waiting, idle))

    @property
    def setting(self) -> Settings:
        """Return what it is set to."""
        return self._settings

    def inventory(self, inventory: Inventory) -> Inventory:
        """Return the inventory with its idle time."""
        return idle_for(inventory, self._settings.idle_seconds)

    def step(self, snapshot: Snapshot, memory: None) -> tuple[Plan, None]:
        """Look at the queues once."""
        books = Books(snapshot, self.name)
        for pool, queues in servable(snapshot):
            jobs = jobs_of(queues)
            books.launch(pool, min(self._settings.max_waiting_jobs, books.room(pool), jobs, MOST), jobs)
        return books.plan(), memory
