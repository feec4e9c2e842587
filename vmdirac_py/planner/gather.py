"""Room for large jobs: which VMs start nothing small for a while, so that what frees on them adds up.

A VM that is never empty never takes a whole-node job, and one that runs single-core jobs never has four cores free, as
long as something small waits. So once a large job has waited for `LONG_WAIT`, and `PATIENCE` times as long as the small
ones that would be started in its place, the VM that lacks least for it gathers: it starts nothing until the job fits.
While small jobs wait as long as large ones nothing is gathered: all wait because there is too little of everything.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from math import inf
from typing import NamedTuple

from msgspec.structs import replace

from vmdirac_py.model.fit import Offer, failing
from vmdirac_py.model.queue import LONG_WAIT, TaskQueue

PATIENCE = 2.0
"""How much longer than small jobs a large one waits, before cores are left idle for it."""
PART = 10
"""One VM in so many may gather for the jobs of one queue; one at least."""
SIZES = frozenset({"misfit.not_empty", "misfit.cores", "misfit.ram", "misfit.gpus"})
"""What keeps a job off a VM only as long as others run there."""


class Host(NamedTuple):
    """A VM that takes jobs now or soon: what it offers, and how many payloads run on it."""

    vm: str
    offer: Offer
    slots: int


Hosts = Callable[[], Sequence[Host]]
"""Tells all VMs of the VO that asks; only asked when something large waits."""


def refused(vm: str, offer: Offer, queues: Collection[TaskQueue], hosts: Hosts, *, at: float) -> float:
    """Return up to which priority a VM starts nothing, because it gathers room for a job (-inf: it does not)."""
    small = [queue.oldest for queue in queues if failing(queue, offer) is None]
    if not small:
        return -inf
    since = at - max(LONG_WAIT, PATIENCE * (at - min(small)))
    large = [queue for queue in queues if queue.oldest <= since and _lacks_room(queue, offer)]
    known = hosts() if large else ()
    return max((queue.priority for queue in large if vm in gathering(queue, known)), default=-inf)


def gathering(queue: TaskQueue, hosts: Sequence[Host]) -> Sequence[str]:
    """Return the VMs that gather room for jobs of a queue: those that lack least; none while it fits one anyway."""
    able = [host for host in hosts if failing(queue, _emptied(host.offer)) is None]
    if any(failing(queue, host.offer) is None for host in able):
        return ()
    nearest = sorted(able, key=lambda host: (_missing(queue, host.offer), host.slots, host.vm))
    return [host.vm for host in nearest[: min(queue.waiting, max(1, len(able) // PART))]]


def _lacks_room(queue: TaskQueue, offer: Offer) -> bool:
    return failing(queue, offer) in SIZES and failing(queue, _emptied(offer)) is None


def _emptied(offer: Offer) -> Offer:
    return replace(offer, free=offer.total, empty=True)


def _missing(queue: TaskQueue, offer: Offer) -> float:
    """Return what must still become free, as part of the whole VM."""
    need, free, total = queue.shape.need, offer.free, offer.total
    cores = total.cores if queue.shape.whole_node else need.cores
    lacks = (
        (cores, free.cores, total.cores),
        (need.ram_mb, free.ram_mb, total.ram_mb),
        (need.gpus, free.gpus, total.gpus),
    )
    return max((wanted - has) / whole for wanted, has, whole in lacks if whole)
