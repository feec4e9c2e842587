"""VMs whose work a cheaper pool could take."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import ClassVar

from vmdirac_py.lifecycle.budget import UNLIMITED
from vmdirac_py.model.inventory import Pool
from vmdirac_py.model.reason import Reason
from vmdirac_py.model.resources import Resources
from vmdirac_py.model.vm import Capacity

from .policy import EVERY_DOUBT, TENTH, Candidate, Proof, Terms
from .view import View

LONG_LIFE = 86400.0
"""A VM that ends sooner (seconds) ends by itself before its replacement has paid."""


class Cheaper:
    """What runs on it would cost less, by `pool_replace_saving` at least, on VMs of another pool of its VO.

    Only while jobs of its VO wait, which would fill it again, and while that other pool launches without trouble.
    """

    terms: ClassVar[Terms] = Terms(Proof.MOVED, EVERY_DOUBT, busy=True, share=TENTH)

    def candidates(self, view: View) -> Iterator[Candidate]:
        """Yield long-lived VMs with payloads that a cheaper pool could run."""
        rivals = _rivals(view)
        for one in view.running if rivals else ():
            better = rivals.get(one.vm.pool)
            if better and one.busy_slots and view.left(one) >= LONG_LIFE:
                pool = view.pool(one)
                saving, name = max((_saving(one, pool, rival), rival.name) for rival in better)
                if saving >= pool.replace_saving:
                    yield one, Reason.of("retire.cheaper", pool=name, percent=int(100 * pool.replace_saving))


def _rivals(view: View) -> Mapping[str, Sequence[Pool]]:
    """Return by pool which others could take over for it, for VOs whose jobs wait."""
    waiting = {queue.vo for queue in view.snapshot.demand.queues if queue.waiting}
    priced = [pool for pool in view.pools.values() if pool.vo in waiting and pool.price > 0]
    alive = Counter(one.vm.pool for one in view.alive)
    open_ones = [pool for pool in priced if _open(pool, view, alive[pool.name])]
    found = {pool.name: [rival for rival in open_ones if _can_take_over(rival, pool)] for pool in priced}
    return {name: rivals for name, rivals in found.items() if rivals}


def _open(pool: Pool, view: View, alive: int) -> bool:
    memory = view.memory
    untroubled = memory.pool(pool) == UNLIMITED and memory.endpoint(pool.endpoint) == UNLIMITED
    over = pool.campaign_end and pool.campaign_end <= view.at
    retired = any(order.image == pool.image for order in view.snapshot.orders)
    return untroubled and not over and not retired and (pool.max_vms is None or alive < pool.max_vms)


def _can_take_over(rival: Pool, pool: Pool) -> bool:
    alike = rival.vo == pool.vo and rival.platform == pool.platform and set(pool.tags) <= set(rival.tags)
    return rival.name != pool.name and alike and rival.priority >= pool.priority and _per_core(rival) < _per_core(pool)


def _per_core(pool: Pool) -> float:
    return pool.price / max(1, pool.resources.cores)


def _saving(capacity: Capacity, pool: Pool, rival: Pool) -> float:
    """Return the part of the price that is saved when what is used of a VM runs on VMs of the rival."""
    vms = _vms_for(capacity.vm.resources - capacity.free, rival.resources)
    return 1.0 - vms * rival.price / pool.price if vms else 0.0


def _vms_for(used: Resources, size: Resources) -> int:
    """Return how many VMs of a size hold what is used; 0: none can."""
    needs = [
        (used.cores, size.cores),
        (used.ram_mb, size.ram_mb),
        (used.gpus, size.gpus),
    ]
    if any(need and not have for need, have in needs):
        return 0
    return max(1, *(-(-need // have) for need, have in needs if need)) if used.cores else 1
