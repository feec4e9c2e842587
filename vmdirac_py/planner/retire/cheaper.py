"""VMs whose work a cheaper pool could take."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from heapq import nsmallest
from itertools import islice
from typing import ClassVar

from vmdirac_py.model.inventory import Pool
from vmdirac_py.model.reason import Reason
from vmdirac_py.model.resources import Resources
from vmdirac_py.model.vm import Capacity

from .launchable import launchable
from .order import emptiest_youngest
from .policy import EVERY_DOUBT, TENTH, Candidate, Proof, Terms
from .view import View

MOST_RIVALS = 5
"""Pools that are compared with one, cheapest per core first."""
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
        for name, members in _long_lived(view, rivals).items():
            pool = view.pools[name]
            # More than the policy's share of a pool never goes at once, and the emptiest go first.
            for one in nsmallest(max(1, int(TENTH * len(members))), members, key=emptiest_youngest):
                saving, better = max((_saving(one, pool, rival), rival.name) for rival in rivals[name])
                if saving >= pool.replace_saving:
                    yield one, Reason.of("retire.cheaper", pool=better, percent=int(100 * pool.replace_saving))


def _long_lived(view: View, rivals: Mapping[str, Sequence[Pool]]) -> Mapping[str, Sequence[Capacity]]:
    """Return by pool the VMs with payloads that live on for long, where another pool could take over."""
    found: defaultdict[str, list[Capacity]] = defaultdict(list)
    oldest = {name: view.at - view.pools[name].max_life + LONG_LIFE for name in rivals}
    for one in view.running if rivals else ():
        if one.busy_slots and one.vm.pool in oldest and one.vm.created_at >= oldest[one.vm.pool]:
            found[one.vm.pool].append(one)
    return found


def _rivals(view: View) -> Mapping[str, Sequence[Pool]]:
    """Return by pool which others could take over for it, for VOs whose jobs wait."""
    waiting = {queue.vo for queue in view.snapshot.demand.queues if queue.waiting}
    pools = Counter(pool.vo for pool in view.pools.values())
    priced = [pool for pool in view.pools.values() if pool.vo in waiting and pool.price > 0 and pools[pool.vo] > 1]
    open_ones = {pool.name for pool in launchable(view)} if priced else set()
    by_vo: defaultdict[str, list[Pool]] = defaultdict(list)
    for pool in sorted((pool for pool in priced if pool.name in open_ones), key=_per_core):
        by_vo[pool.vo].append(pool)
    found = {pool.name: list(islice(_cheaper(pool, by_vo[pool.vo]), MOST_RIVALS)) for pool in priced}
    return {name: rivals for name, rivals in found.items() if rivals}


def _cheaper(pool: Pool, others: Iterable[Pool]) -> Iterator[Pool]:
    """Yield those of these pools, cheapest per core first, that could take over for a dearer one."""
    for rival in others:
        if _per_core(rival) >= _per_core(pool):
            break
        alike = rival.platform == pool.platform and set(pool.tags) <= set(rival.tags)
        if alike and rival.name != pool.name and rival.priority >= pool.priority:
            yield rival


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
