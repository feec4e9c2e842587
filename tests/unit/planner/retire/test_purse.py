"""Whom a spent budget ends."""

from __future__ import annotations

from typing import Any

import pytest

from vmdirac_py.model.inventory import Endpoint, Vo
from vmdirac_py.planner.memory import Memory, Spent


def test_a_spent_budget_drains_only_where_wanted(world: Any, build: Any) -> None:
    """VMs that cost go when the VO says so and all is spent; free ones, and other VOs', stay."""
    pools = [build.pool("dear", price=1.0), build.pool("free"), build.pool("other", vo="other", price=1.0)]
    fleet = [world.full(pool, f"vm-{pool.name}") for pool in pools]
    memory = Memory(spent={"vo": Spent(build.AT - 60, 10.0)}, counted_at=build.AT)
    for vo, drained in (
        (Vo("vo", budget=10.0, budget_drain=True), {"vm-dear": "over.budget"}),
        (Vo("vo", budget=10.0), {}),
        (Vo("vo", budget=10.1, budget_drain=True), {}),
    ):
        inventory = build.snapshot(pools, [], vos=[vo])
        snapshot = world.snapshot(pools, fleet, inventory=inventory.inventory)
        assert world.drained(snapshot, memory) == drained


@pytest.mark.parametrize("most", [0, 3])
def test_only_a_few_at_a_time(world: Any, build: Any, most: int) -> None:
    """A budget that was written too small does not end all VMs at once."""
    pool = build.pool(price=1.0)
    limits = [Endpoint("e", "local", "SITE", max_drains=most)]
    fleet = [world.full(pool, f"vm-{n}") for n in range(9)]
    inventory = build.snapshot([pool], [], vos=[Vo("vo", budget=1.0, budget_drain=True)], endpoints=limits).inventory
    memory = Memory(spent={"vo": Spent(build.AT - 60, 10.0)}, counted_at=build.AT)
    snapshot = world.snapshot([pool], fleet, inventory=inventory)
    assert len(world.drained(snapshot, memory)) == most
    assert world.held(snapshot, memory) == {"p": ["retire.capped"]}
