"""The one truth of "this job fits this VM", for planner, match and replay."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from .inventory import Pool
from .queue import Shape, TaskQueue
from .reason import Reason
from .resources import Resources


class Wish(StrEnum):
    """The kinds of job a PoolCE asks for, in this order (DIRAC's PoolComputingElement.getDescription, mended)."""

    WHOLE_NODE = "WholeNode"  # only when the node is empty
    ALL_FREE = "nProcessors"  # exactly as many cores as are free
    MULTI = "MultiProcessor"  # any multi-core job that fits
    ANY = "any"


@dataclass(frozen=True, slots=True)
class Offer:
    """What a VM (or an empty one of a pool) offers now; `empty` when no job runs on it."""

    vo: str
    site: str
    total: Resources
    free: Resources
    empty: bool
    tags: tuple[str, ...] = ()
    platform: str = ""
    seconds_left: float = float("inf")

    @classmethod
    def of_pool(cls, pool: Pool) -> Offer:
        """Return what a fresh, empty VM of this pool surely offers.

        Its life counts from its making, so the longest boot is taken off: else a job just too long for a VM that
        booted slowly would have VM after VM launched for it.
        """
        return cls(
            pool.vo,
            pool.site,
            pool.resources,
            pool.resources,
            empty=True,
            tags=pool.tags,
            platform=pool.platform,
            seconds_left=max(0.0, pool.max_life - pool.boot_deadline),
        )


def misfit(queue: TaskQueue, offer: Offer) -> Reason | None:
    """Return why a job of this queue cannot run on this offer, or None when it can.

    The rules are the DIRAC Matcher's (TaskQueueDB): VO, sites and banned sites, platform, all of the job's
    tags offered, CPU time within what is left, and resources as numbers.
    """
    shape = queue.shape
    if queue.vo != offer.vo:
        return Reason.of("misfit.vo", wants=queue.vo, has=offer.vo)
    return _place_misfit(shape, offer) or _size_misfit(shape, offer)


def _place_misfit(shape: Shape, offer: Offer) -> Reason | None:
    if shape.sites and offer.site not in shape.sites:
        return Reason.of("misfit.site", wants=", ".join(shape.sites), has=offer.site)
    if offer.site in shape.banned_sites:
        return Reason.of("misfit.banned_site", has=offer.site)
    if shape.platforms and offer.platform not in shape.platforms:
        return Reason.of("misfit.platform", wants=", ".join(shape.platforms), has=offer.platform)
    missing = [tag for tag in shape.tags if tag not in offer.tags]
    if missing:
        return Reason.of("misfit.tags", missing=", ".join(missing))
    if shape.cpu_seconds > offer.seconds_left:
        return Reason.of("misfit.cpu_time", wants=shape.cpu_seconds, has=int(offer.seconds_left))
    return None


def _size_misfit(shape: Shape, offer: Offer) -> Reason | None:
    if shape.whole_node and not offer.empty:
        return Reason.of("misfit.not_empty")
    if shape.min_cores > offer.free.cores:
        return Reason.of("misfit.cores", wants=shape.min_cores, has=offer.free.cores)
    if shape.ram_mb > offer.free.ram_mb:
        return Reason.of("misfit.ram", wants=shape.ram_mb, has=offer.free.ram_mb)
    if shape.gpus > offer.free.gpus:
        return Reason.of("misfit.gpus", wants=shape.gpus, has=offer.free.gpus)
    return None


def cores_given(shape: Shape, offer: Offer) -> int:
    """Return how many cores a fitting job gets: all for a whole node, else as many as it can use."""
    return offer.total.cores if shape.whole_node else min(shape.max_cores, offer.free.cores)


def wanted_by(wish: Wish, shape: Shape, offer: Offer) -> bool:
    """Tell whether a job of this shape is of the kind a PoolCE is asking for."""
    if wish is Wish.WHOLE_NODE:
        return shape.whole_node and offer.empty
    if wish is Wish.ALL_FREE:
        return not shape.whole_node and shape.min_cores <= offer.free.cores <= shape.max_cores and offer.free.cores > 1
    if wish is Wish.MULTI:
        return not shape.whole_node and shape.max_cores > 1
    return True
