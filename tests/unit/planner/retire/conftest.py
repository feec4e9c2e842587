"""Worlds in which VMs retire: endpoints are freshly listed, every VM may be asked about."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest
from msgspec.structs import replace

from vmdirac_py.model.inventory import Pool
from vmdirac_py.model.plan import EndpointView, Plan, Snapshot
from vmdirac_py.model.queue import TaskQueue
from vmdirac_py.model.resources import Resources
from vmdirac_py.model.vm import Capacity
from vmdirac_py.planner.memory import Memory
from vmdirac_py.planner.step import step


class World:
    """Small worlds, and what is drained in them."""

    def __init__(self, build: Any) -> None:
        self.build, self.at = build, build.AT

    def vm(self, pool: Pool, name: str = "vm-1", *, idle: float = 0.0, **more: Any) -> Capacity:
        """A VM of a pool, idle for so many seconds; `busy`, `load_since` ... as wanted."""
        about = {name: more.pop(name) for name in ("cpu_load", "load_since", "failed_matches") if name in more}
        made = self.build.vm(pool, name, **({"image": pool.image, "profile": pool.profile} | more))
        return replace(made, idle_since=self.at - idle if idle else 0.0, **about)

    def full(self, pool: Pool, name: str = "vm-1", **more: Any) -> Capacity:
        """A VM all of whose cores are busy."""
        made = self.vm(pool, name, busy=pool.resources.cores, **more)
        return replace(made, free=Resources())

    def snapshot(
        self, pools: Sequence[Pool], fleet: Sequence[Capacity], queues: Sequence[TaskQueue] = (), **more: Any
    ) -> Snapshot:
        """A snapshot whose endpoints were listed just now."""
        views = tuple(EndpointView(name, self.at - 5) for name in sorted({pool.endpoint for pool in pools}))
        made: Snapshot = self.build.snapshot(pools, queues, fleet, endpoints=more.pop("limits", ()))
        return replace(made, **({"endpoints": views} | more))

    def plan(self, snapshot: Snapshot, memory: Memory | None = None) -> Plan:
        """The plan alone."""
        return step(snapshot, memory or Memory())[0]

    def drained(self, snapshot: Snapshot, memory: Memory | None = None) -> dict[str, str]:
        """The code of its reason by each drained VM."""
        decisions = self.plan(snapshot, memory).decisions
        return {vm: one.reason.code for one in decisions for vm in one.vms}

    def held(self, snapshot: Snapshot, memory: Memory | None = None) -> dict[str, list[str]]:
        """The codes of what holds VMs back, by pool."""
        notes = self.plan(snapshot, memory).pools
        codes = {note.pool: [one.code for one in note.reasons if one.code.startswith("retire.")] for note in notes}
        return {pool: found for pool, found in codes.items() if found}


@pytest.fixture(scope="session")
def world(build: Any) -> World:
    """The worlds."""
    return World(build)
