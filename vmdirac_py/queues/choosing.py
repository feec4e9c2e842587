"""Which task queues a VM is served from, in order: what fits, may start, and takes no room that others wait for."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence

from vmdirac_py.model.fit import Offer, Wish, misfit, wanted_by
from vmdirac_py.model.queue import TaskQueue, turn
from vmdirac_py.planner.gather import Hosts, gathers_for, passes

from .api import Lasts


def choices(
    queues: Collection[TaskQueue],
    vm: str,
    offer: Offer,
    wishes: Sequence[Wish],
    *,
    at: float,
    lasts: Lasts,
    hosts: Hosts,
) -> Iterator[TaskQueue]:
    """Yield the queues whose jobs the VM may be given, wish by wish, the first in turn first."""
    gathered = gathers_for(vm, offer, queues, hosts, at=at)
    fitting = [queue for queue in queues if passes(queue, gathered) and misfit(queue, offer) is None]
    known = [(queue, lasts(queue)) for queue in fitting]
    able = sorted((turn(one, one.oldest, seconds, at), one) for one, seconds in known if seconds is not None)
    for wish in wishes:
        yield from (queue for _, queue in able if wanted_by(wish, queue.shape, offer))
