"""Which pools could launch what takes the place of a VM."""

from __future__ import annotations

from collections import Counter

from vmdirac_py.lifecycle.budget import UNLIMITED
from vmdirac_py.model.inventory import Pool
from vmdirac_py.planner.limits.windows import closed

from .view import View


def launchable(view: View) -> list[Pool]:
    """Return the pools that launch without trouble now and are not full, by name."""
    alive = Counter(one.vm.pool for one in view.alive)
    return [pool for _, pool in sorted(view.pools.items()) if _is_open(pool, view, alive[pool.name])]


def _is_open(pool: Pool, view: View, alive: int) -> bool:
    memory = view.memory
    untroubled = memory.pool(pool) == UNLIMITED and memory.endpoint(pool.endpoint) == UNLIMITED
    retired = any(order.image == pool.image for order in view.snapshot.orders)
    full = pool.max_vms is not None and alive >= pool.max_vms
    return untroubled and not retired and not full and closed(pool, view.at) is None
