"""All kinds of limit put together, in the order in which equals are told."""

from __future__ import annotations

from collections.abc import Callable

from vmdirac_py.model.plan import Snapshot
from vmdirac_py.planner.memory import Memory

from .account import Limits
from .counts import of_endpoints, of_pools, of_vos
from .groups import of_groups
from .launching import of_endpoint_budgets, of_pool_budgets, of_probes
from .limit import Room
from .matching import matching
from .money import of_money, warnings
from .orders import of_orders
from .shares import of_shares
from .windows import of_windows
from .world import World

KINDS: tuple[Callable[[World], Room], ...] = (
    of_windows,
    of_pools,
    of_vos,
    of_money,
    of_shares,
    of_endpoints,
    of_endpoint_budgets,
    of_pool_budgets,
    of_probes,
    of_orders,
)


def limits_of(snapshot: Snapshot, memory: Memory) -> Limits:
    """Return the room that all limits leave."""
    world = World(snapshot, memory)
    rooms = [kind(world) for kind in KINDS]
    of_pool = {name: [limit for room in rooms for limit in room.get(name, ())] for name in snapshot.inventory.pools}
    return Limits(of_pool, of_groups(world), matching(snapshot, memory), warnings(world))
