"""Images that somebody wants gone."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from math import ceil
from typing import ClassVar

from vmdirac_py.model.plan import RetireOrder
from vmdirac_py.model.reason import Reason
from vmdirac_py.model.vm import Capacity

from .order import emptiest_youngest
from .policy import FOR_WISHES, Candidate, Terms
from .view import View


class ImageOrders:
    """Somebody said `vmdirac image retire`: the VMs of that image go, spread evenly over the time given."""

    terms: ClassVar[Terms] = FOR_WISHES

    def candidates(self, view: View) -> Iterator[Candidate]:
        """Yield, emptiest first, as many VMs as should be gone by now."""
        orders = view.snapshot.orders
        of_image: defaultdict[str, list[Capacity]] = defaultdict(list)
        for one in view.alive if orders else ():
            of_image[one.vm.image].append(one)
        for order in orders:
            reason = Reason.of("retire.image", image=order.image, actor=order.actor, until=int(order.by))
            yield from ((one, reason) for one in _due(order, of_image[order.image], view.at))


def _due(order: RetireOrder, members: Sequence[Capacity], at: float) -> list[Capacity]:
    excess = len(members) - may_stay(order, at)
    return sorted(members, key=emptiest_youngest)[: max(0, excess)]


def closed(order: RetireOrder) -> Reason:
    """Return why nothing is launched from an image while the order stands."""
    return Reason.of("retire.image_closed", image=order.image, actor=order.actor, until=int(order.by))


def may_stay(order: RetireOrder, at: float) -> int:
    """Return how many VMs of the image may still be there at `at`: a straight line from all to none."""
    if at >= order.by:
        return 0
    window = order.by - order.since
    return min(order.vms, ceil(order.vms * (order.by - at) / window)) if window > 0 else 0
