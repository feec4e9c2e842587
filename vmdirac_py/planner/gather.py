"""Room for large jobs: which VMs start nothing small for a while, so that what frees on them adds up.

A VM that is never empty never takes a whole-node job, and one that runs single-core jobs never has four cores free, as
long as something small waits. So once a large job has waited for `LONG_WAIT`, and `PATIENCE` times as long as the small
ones that would be started in its place, the VM that comes nearest to it gathers: it starts nothing until the job fits.
While small jobs wait as long as large ones nothing is gathered: all wait because there is too little of everything.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from math import inf
from typing import NamedTuple

from msgspec.structs import replace

from vmdirac_py.model.fit import Offer, failing
from vmdirac_py.model.queue import LONG_WAIT, Shape, TaskQueue

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


def gathers_for(vm: str, offer: Offer, queues: Collection[TaskQueue], hosts: Hosts, *, at: float) -> TaskQueue | None:
    """Return the queue for whose jobs a VM gathers room, or None: then it may start anything."""
    large = [queue for queue in queues if _waits_too_long(queue, queues, at)]
    if not any(_lacks_room(queue, offer) for queue in large):
        return None
    return gathering(large, hosts()).get(vm)


def passes(queue: TaskQueue, gathered: TaskQueue | None) -> bool:
    """Tell whether a VM that gathers may start a queue's jobs: those that matter more, or have waited as long.

    Those that have waited as long do not take room from a job that came after them, but wait for room themselves.
    """
    return gathered is None or queue.priority > gathered.priority or queue.oldest <= gathered.oldest


def gathering(large: Collection[TaskQueue], hosts: Sequence[Host]) -> Mapping[str, TaskQueue]:
    """Return which VMs gather room, and for which of these queues: the oldest has the first choice."""
    chosen: dict[str, TaskQueue] = {}
    for queue in sorted(large, key=lambda one: (one.oldest, one.id)):
        chosen |= dict.fromkeys(_nearest(queue, [host for host in hosts if host.vm not in chosen]), queue)
    return chosen


def _nearest(queue: TaskQueue, hosts: Sequence[Host]) -> Iterator[str]:
    """Yield the VMs that come nearest to room for the queue's jobs; none while there is a VM that has it."""
    able = [host for host in hosts if failing(queue, _emptied(host.offer)) is None]
    if any(failing(queue, host.offer) is None for host in able):
        return
    most = min(queue.waiting, max(1, len(able) // PART))
    # One payload that fills its VM leaves it empty anyway: nothing is gained by waiting for just that.
    useful = [host for host in able if host.offer.free.cores or host.slots > 1]
    yield from (host.vm for host in sorted(useful, key=lambda host: _distance(queue.shape, host))[:most])


def _distance(shape: Shape, host: Host) -> tuple[float, float, str]:
    """For a whole node all payloads must end, so few are best; else what lacks is what counts."""
    missing = _missing(shape, host.offer)
    return (host.slots, missing, host.vm) if shape.whole_node else (missing, host.slots, host.vm)


def _missing(shape: Shape, offer: Offer) -> float:
    """Return what must still become free, as part of the whole VM."""
    need, free, total = shape.need, offer.free, offer.total
    cores = total.cores if shape.whole_node else need.cores
    lacks = (
        (cores, free.cores, total.cores),
        (need.ram_mb, free.ram_mb, total.ram_mb),
        (need.gpus, free.gpus, total.gpus),
    )
    return max((wanted - has) / whole for wanted, has, whole in lacks if whole)


def _waits_too_long(queue: TaskQueue, queues: Collection[TaskQueue], at: float) -> bool:
    waited = at - queue.oldest
    if waited < LONG_WAIT:
        return False
    smaller = [other.oldest for other in queues if _is_smaller(other.shape, queue.shape)]
    return bool(smaller) and waited >= PATIENCE * (at - min(smaller))


def _is_smaller(one: Shape, other: Shape) -> bool:
    sizes = list(zip(_size(one), _size(other), strict=True))
    return sizes != [(a, a) for a, _ in sizes] and all(a <= b for a, b in sizes)


def _size(shape: Shape) -> tuple[float, ...]:
    return inf if shape.whole_node else shape.min_cores, shape.ram_mb, shape.gpus


def _lacks_room(queue: TaskQueue, offer: Offer) -> bool:
    return failing(queue, offer) in SIZES and failing(queue, _emptied(offer)) is None


def _emptied(offer: Offer) -> Offer:
    return replace(offer, free=offer.total, empty=True)
