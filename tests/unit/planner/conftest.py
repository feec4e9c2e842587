from collections import Counter
from collections.abc import Sequence
from typing import Any

import pytest
from msgspec.structs import replace

from vmdirac_py.model.inventory import Endpoint, Inventory, Pool, Vo
from vmdirac_py.model.plan import Action, EndpointView, Plan, Snapshot
from vmdirac_py.model.queue import Demand, Shape, TaskQueue
from vmdirac_py.model.resources import Resources
from vmdirac_py.model.vm import Capacity, Vm, VmState

AT = 1_800_000_000.0
WAITED = 600.0
"""Longer than any pool here lets jobs wait for company: 4/3 of a boot of 300 s."""


class Build:
    """Small worlds to plan in."""

    AT = AT

    @staticmethod
    def pool(name: str = "p", cores: int = 8, **more: Any) -> Pool:
        """A pool of VO `vo` on endpoint `e`, unless told otherwise."""
        about = {"endpoint": "e", "vo": "vo", "site": "SITE", "flavor": name, "image": "i"} | more
        return Pool(name, resources=about.pop("resources", Resources(cores, cores * 2000)), **about)

    @staticmethod
    def queue(
        jobs: int, name: str = "q", *, vo: str = "vo", priority: float = 1.0, waited: float = WAITED, **shape: Any
    ) -> TaskQueue:
        """Waiting jobs of one shape; the oldest has waited too long to be held for company, unless told otherwise."""
        shape.setdefault("max_cores", shape.get("min_cores", 1))
        return TaskQueue(name, vo, "user", f"{vo}_user", Shape(**shape), priority, jobs, AT - waited)

    @staticmethod
    def vm(pool: Pool, name: str = "vm-1", state: VmState = VmState.RUNNING, *, busy: int = 0, **more: Any) -> Capacity:
        """A VM with `busy` one-core jobs; new ones are an hour old."""
        about = {"created_at": AT - 3600, "instance_id": f"i-{name}"} | more
        vm = Vm(
            name, "b", pool.endpoint, pool.name, pool.vo, pool.resources, state,
            state_since=about["created_at"], deadline=AT + 9999, **about,
        )  # fmt: skip
        return Capacity(vm, pool.resources - Resources(busy), busy)

    @staticmethod
    def snapshot(
        pools: Sequence[Pool],
        queues: Sequence[TaskQueue],
        fleet: Sequence[Capacity] = (),
        *,
        vos: Sequence[Vo] = (),
        endpoints: Sequence[Endpoint] = (),
        **more: Any,
    ) -> Snapshot:
        """A snapshot; VOs and endpoints that are not given have no limits."""
        all_vos = {pool.vo: Vo(pool.vo) for pool in pools} | {vo.name: vo for vo in vos}
        named = {pool.endpoint: Endpoint(pool.endpoint, "local", pool.site, ramp=10_000) for pool in pools}
        named |= {endpoint.name: endpoint for endpoint in endpoints}
        inventory = Inventory("f", all_vos, named, {pool.name: pool for pool in pools})
        demand = Demand(AT, complete=True, source="test", queues=tuple(queues))
        return replace(Snapshot(AT, 1, inventory, demand, tuple(fleet)), **more)

    @staticmethod
    def launched(plan: Plan) -> dict[str, int]:
        """VMs to launch by pool."""
        found = Counter[str]()
        for one in plan.decisions:
            if one.action is Action.LAUNCH:
                found[one.pool] += one.count
        return dict(found)

    @staticmethod
    def drained(plan: Plan) -> list[str]:
        """VMs to drain."""
        return [vm for one in plan.decisions if one.action is Action.DRAIN for vm in one.vms]

    @staticmethod
    def codes(plan: Plan) -> dict[str, list[str]]:
        """Codes of the reasons by queue."""
        return {one.queue: [reason.code for reason in one.reasons] for one in plan.placements}

    @staticmethod
    def listed(snapshot: Snapshot, at: float) -> tuple[EndpointView, ...]:
        """Views of all endpoints, listed completely at this time."""
        return tuple(EndpointView(name, at) for name in sorted(snapshot.inventory.endpoints))

    @classmethod
    def carried_out(cls, snapshot: Snapshot, plan: Plan) -> Snapshot:
        """The world after the plan was acted upon: launches are New VMs, drains drain, soft ends have moved."""
        gone, ends = set(cls.drained(plan)), {one.vm: one.until for one in plan.ends}
        kept = [
            replace(one, vm=replace(one.vm, soft_end=ends.get(one.vm.id, one.vm.soft_end)))
            for one in snapshot.fleet
            if one.vm.id not in gone
        ]
        draining = [
            replace(one, vm=replace(one.vm, state=VmState.DRAINING, state_since=snapshot.at))
            for one in snapshot.fleet
            if one.vm.id in gone
        ]
        return replace(snapshot, fleet=(*kept, *draining, *cls._new(snapshot, plan)))

    @classmethod
    def _new(cls, snapshot: Snapshot, plan: Plan) -> list[Capacity]:
        about: dict[str, Any] = {"created_at": snapshot.at, "instance_id": ""}
        return [
            cls.vm(
                snapshot.inventory.pools[one.pool], f"new-{one.pool}-{at}-{n}", VmState.NEW,
                soft_end=one.soft_end, **about,
            )
            for at, one in enumerate(plan.decisions)
            if one.action is Action.LAUNCH
            for n in range(one.count)
        ]  # fmt: skip


@pytest.fixture(scope="session")
def build() -> type[Build]:
    """The builders."""
    return Build
