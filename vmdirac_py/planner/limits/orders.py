"""Images that somebody retires: nothing is launched from them any more."""

from __future__ import annotations

from vmdirac_py.planner.retire.image_orders import closed

from .limit import Limit, Room
from .world import World


def of_orders(world: World) -> Room:
    """Return no room for pools whose image is to be retired."""
    orders = {order.image: order for order in world.snapshot.orders}
    return {
        pool.name: [Limit(0, by_core=False, reason=closed(orders[pool.image]))]
        for pool in world.snapshot.inventory.pools.values()
        if pool.image in orders
    }
