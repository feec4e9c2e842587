"""Images: which pools and VMs use which, and the order to take one out of use."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

from vmdirac_py.base.errors import BadInput, UnknownThing
from vmdirac_py.ledger.api import Transaction
from vmdirac_py.lifecycle.states import ALIVE
from vmdirac_py.model.inventory import Inventory, Pool
from vmdirac_py.model.plan import RetireOrder
from vmdirac_py.model.vm import Vm

from . import bakes
from .api import Context
from .bakes import Bake, BakeRecord
from .listings import LIVE
from .orders import save, standing

LONGEST = 366 * 86400.0


@dataclass(frozen=True, slots=True)
class ImageUse:
    """Which pools launch from an image, how many VMs were made of it (all, and those not leaving), and its order.

    The empty name stands for VMs of which no image was recorded. `outdated` are those of the pools whose context is of
    another revision than what was baked; `behind` counts VMs (not leaving) of another revision than their pool's.
    """

    image: str
    pools: tuple[str, ...]
    vms: int
    staying: int
    order: RetireOrder | None
    bake: Bake | None = None
    outdated: tuple[str, ...] = ()
    behind: int = 0


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


def baked(ctx: Context, image: str, record: BakeRecord, *, actor: str) -> Bake:
    """Note what was baked into an image; a later bake of the same name takes the place of an earlier one.

    Raises:
        BadInput: the image has no name.
    """
    if not image.strip():
        raise BadInput("an image without a name", mend="name it as pools do (pool_image)")
    bake = Bake(image, record.revision, record.at.timestamp(), record.roles_sha256, actor)
    with ctx.ledger.write() as tx:
        bakes.save(tx, {**bakes.standing(tx), image: bake}.values())
        tx.events.append("image.baked", subject=image, actor=actor, data={"revision": record.revision})
    return bake


def used(ctx: Context) -> list[ImageUse]:
    """Return every image a pool, a VM, an order or a bake names, by name."""
    inventory = ctx.inventory()
    with ctx.ledger.read() as tx:
        return _uses(tx, inventory)


def _uses(tx: Transaction, inventory: Inventory) -> list[ImageUse]:
    living = tx.vms.in_states(LIVE)
    staying = [vm for vm in living if vm.state in ALIVE]
    pools: defaultdict[str, list[Pool]] = defaultdict(list)
    for pool in inventory.pools.values():
        pools[pool.image].append(pool)
    orders, made = {order.image: order for order in standing(tx)}, bakes.standing(tx)
    vms, stay = Counter(vm.image for vm in living), Counter(vm.image for vm in staying)
    behind = Counter(vm.image for vm in staying if _behind(vm, inventory))
    return [
        ImageUse(
            image,
            tuple(sorted(pool.name for pool in pools[image])),
            vms[image],
            stay[image],
            orders.get(image),
            made.get(image),
            _outdated(made.get(image), pools[image]),
            behind[image],
        )
        for image in sorted({*vms, *pools, *orders, *made})
    ]


def _outdated(bake: Bake | None, pools: Iterable[Pool]) -> tuple[str, ...]:
    return tuple(sorted(pool.name for pool in pools if pool.profile != bake.revision)) if bake else ()


def _behind(vm: Vm, inventory: Inventory) -> bool:
    pool = inventory.pools.get(vm.pool)
    return pool is not None and vm.image == pool.image and vm.profile != pool.profile
