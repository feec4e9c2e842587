"""Images: which pools and VMs use which, and the order to take one out of use."""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass

from vmdirac_py.base.errors import BadInput, UnknownThing
from vmdirac_py.ledger.api import Transaction
from vmdirac_py.lifecycle.states import ALIVE
from vmdirac_py.model.inventory import Inventory
from vmdirac_py.model.plan import RetireOrder

from .api import Context
from .listings import LIVE
from .orders import save, standing

LONGEST = 366 * 86400.0


@dataclass(frozen=True, slots=True)
class ImageUse:
    """Which pools launch from an image, how many VMs were made of it (all, and those not leaving), and its order.

    The empty name stands for VMs of which no image was recorded.
    """

    image: str
    pools: tuple[str, ...]
    vms: int
    staying: int
    order: RetireOrder | None


def retire(ctx: Context, image: str, *, seconds: float, actor: str) -> RetireOrder:
    """Order that in so many seconds no VM of an image is left; nothing is launched from it any more.

    A second order for an image takes the place of the first, and counts its time from now.

    Raises:
        BadInput: the time is below zero or above a year.
        UnknownThing: no pool and no VM has this image.
    """
    if not 0 <= seconds <= LONGEST:
        raise BadInput(f"cannot retire an image in {seconds:g} seconds", where=image, mend="give 0 to a year")
    inventory, at = ctx.inventory(), ctx.clock.now()
    with ctx.ledger.write() as tx:
        use = next((use for use in _uses(tx, inventory) if use.image == image and image), None)
        if use is None:
            raise UnknownThing("no pool and no VM has this image", where=image, mend="see `vmdirac image list`")
        order = RetireOrder(image, at, at + seconds, use.staying, actor)
        save(tx, [*(one for one in standing(tx) if one.image != image), order])
        tx.events.append("image.retiring", subject=image, actor=actor, data={"by": order.by, "vms": order.vms})
    return order


def keep(ctx: Context, image: str, *, actor: str) -> RetireOrder:
    """Take an order back and return it; VMs that drain already go on draining.

    Raises:
        UnknownThing: no such order stands.
    """
    with ctx.ledger.write() as tx:
        found = {order.image: order for order in standing(tx)}
        if image not in found:
            raise UnknownThing("no order to retire this image", where=image, mend="see `vmdirac image list`")
        order = found.pop(image)
        save(tx, found.values())
        tx.events.append("image.kept", subject=image, actor=actor)
    return order


def used(ctx: Context) -> list[ImageUse]:
    """Return every image a pool, a VM or an order names, by name."""
    inventory = ctx.inventory()
    with ctx.ledger.read() as tx:
        return _uses(tx, inventory)


def _uses(tx: Transaction, inventory: Inventory) -> list[ImageUse]:
    living = tx.vms.in_states(LIVE)
    vms, staying = Counter(vm.image for vm in living), Counter(vm.image for vm in living if vm.state in ALIVE)
    pools: defaultdict[str, list[str]] = defaultdict(list)
    for pool in inventory.pools.values():
        pools[pool.image].append(pool.name)
    orders = {order.image: order for order in standing(tx)}
    names = sorted({*vms, *pools, *orders})
    return [ImageUse(one, tuple(sorted(pools[one])), vms[one], staying[one], orders.get(one)) for one in names]
