"""VMDIRAC 2 as of DIRAC 8.0: a VM for each waiting job, less those that boot."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product
from random import Random
from typing import Self

from msgspec import Struct

from vmdirac_py.model.inventory import Inventory
from vmdirac_py.model.plan import Plan, Snapshot

from .books import Books, idle_for, jobs_of, servable


class Settings(Struct, frozen=True):
    """`max_vms_to_submit` per pool and cycle; `idle_seconds` until the JobAgent of an empty VM gives up."""

    max_vms_to_submit: int = 1
    idle_seconds: float = 0.0


class Vmdirac8:
    """The CloudDirector (DIRAC rel-v8r0, `WorkloadManagementSystem/Agent/CloudDirector.py`).

    Once a minute, VM type by VM type in random order: `min(MaxVMsToSubmit, MaxInstances - VMs, jobs - booting VMs)`.
    Jobs are counted in full for each type, whatever they need and how many fit a VM; running VMs never count as room;
    nothing is learned from a refusal. Booting VMs are those of the endpoint; here each VO has its own part of it, as
    where each VO has a project of its own: else VOs would keep each other from launching.
    """

    name = "VMDIRAC 8.0"
    cycle_seconds = 60.0

    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    @classmethod
    def settings(cls) -> Iterator[Self]:
        """Yield the rule with each of the settings to choose from."""
        for submit, idle in product((1, 5, 20), (0.0, 300.0)):
            yield cls(Settings(submit, idle))

    @property
    def setting(self) -> Settings:
        """Return what it is set to."""
        return self._settings

    def inventory(self, inventory: Inventory) -> Inventory:
        """Return the inventory with its idle time."""
        return idle_for(inventory, self._settings.idle_seconds)

    def step(self, snapshot: Snapshot, memory: None) -> tuple[Plan, None]:
        """Look at the VM types once."""
        books = Books(snapshot, self.name)
        types = list(servable(snapshot))
        Random(snapshot.at).shuffle(types)  # noqa: S311 - an order, no secret
        for pool, queues in types:
            jobs = jobs_of(queues)
            missing = min(books.room(pool), jobs - books.booting_beside(pool))
            books.launch(pool, min(self._settings.max_vms_to_submit, missing), jobs)
        return books.plan(), memory
