"""What a VM of a pool counts when flavors are compared: its price, what its size wastes, and the instance it takes up.

Large VMs waste more: one long job keeps all their cores. On the LCG trace of 2005 every doubling of the cores pays a
tenth more for the same work (docs/performance.md). But where a limit is counted in VMs, each VM takes up one of few, so
large ones are worth more the fewer are left. Both matter only once it is known how long a VO's jobs run: before that
the price alone decides.
"""

from __future__ import annotations

from collections.abc import Iterable
from math import exp, log2

from vmdirac_py.model.inventory import Pool

from .lengths import Lengths
from .limits import Limit

WASTED_PER_DOUBLING = 0.1
SCARCE_FROM, SCARCE = 0.3, 8.0
"""From which use on an instance is scarce, and how fast it becomes so: its worth, in prices of a core, grows with
exp(8 x use)."""
AT_FIRST = 0.14
LADDER = ((0.6, 8), (0.45, 4), (SCARCE_FROM, 2))
"""From which use on jobs wait for company to fill VMs of how many cores."""
CROWDED = 1.2
"""Beyond that the largest is best anyway."""


def counted_price(pool: Pool, limits: Iterable[Limit], lengths: Lengths, wanted_cores: int) -> float:
    """Return what a VM of a pool counts, in the unit of its price; 0.0 for a pool without a price.

    Args:
        pool: the pool.
        limits: all that limit it.
        lengths: what was learned of how long jobs run.
        wanted_cores: cores of all jobs that are to get VMs now; with small ones they take up many instances.
    """
    if not pool.price or not lengths.knows(pool.vo):
        return pool.price
    cores = max(1, pool.resources.cores)
    waste = 1.0 + WASTED_PER_DOUBLING * log2(cores)
    return pool.price * (waste + _scarcity(limits, wanted_cores / cores) / cores)


def wanted_cores(limits: Iterable[Limit]) -> int:
    """Return how many cores a VM should have at least, by how much of the limits in VMs is used."""
    counted = [limit for limit in limits if limit.most and not limit.by_core]
    use = max((1.0 - limit.left / limit.most for limit in counted), default=0.0)
    return next((cores for least, cores in LADDER if use >= least), 1)


def _scarcity(limits: Iterable[Limit], vms: float) -> float:
    """Return what an instance is worth, in prices of a core, once about half of so many more are there."""
    counted = [limit for limit in limits if limit.most and not limit.by_core]
    use = max((1.0 - (limit.left - vms / 2) / limit.most for limit in counted), default=0.0)
    use = min(use, CROWDED)
    return AT_FIRST * exp(SCARCE * (use - SCARCE_FROM)) if use >= SCARCE_FROM else 0.0
