"""The one truth of "this job fits this VM", for planner, match and replay."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from enum import StrEnum
from typing import Any, NamedTuple

from .inventory import Pool
from .queue import Shape, TaskQueue
from .reason import Param, Reason
from .resources import Resources
from .value import Seconds, Value


class Wish(StrEnum):
    """The kinds of job a PoolCE asks for, in this order (DIRAC's PoolComputingElement.getDescription, mended)."""

    WHOLE_NODE = "WholeNode"  # only when the node is empty
    ALL_FREE = "nProcessors"  # exactly as many cores as are free
    MULTI = "MultiProcessor"  # any multi-core job that fits
    ANY = "any"


class Offer(Value, frozen=True):
    """What a VM (or an empty one of a pool) offers now; `empty` when no job runs on it.

    `seconds_left` is what is left of its life as CPU time of the norm (`norm_seconds`), as jobs ask for it.
    """

    vo: str
    site: str
    total: Resources
    free: Resources
    empty: bool
    tags: tuple[str, ...] = ()
    platform: str = ""
    seconds_left: Seconds = float("inf")

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
            seconds_left=norm_seconds(max(0.0, pool.max_life - pool.boot_deadline), pool),
        )


def norm_seconds(seconds: float, pool: Pool) -> float:
    """Return how much CPU time of the norm one core of the pool's VMs gives in so many seconds."""
    return seconds * pool.benchmark


def misfit(queue: TaskQueue, offer: Offer) -> Reason | None:
    """Return why a job of this queue cannot run on this offer, or None when it can: `failing`, with numbers."""
    code = failing(queue, offer)
    return None if code is None else Reason.of(code, **_TOLD[code](queue, offer))


def failing(queue: TaskQueue, offer: Offer) -> str | None:
    """Return the code of what first keeps a job of this queue off this offer, or None when it can run there.

    The rules are the DIRAC Matcher's (TaskQueueDB): VO, sites and banned sites, platform, all of the job's
    tags offered, CPU time within what is left, and resources as numbers.
    """
    return "misfit.vo" if queue.vo != offer.vo else failing_shape(queue.shape, offer)


def failing_shape(shape: Shape, offer: Offer) -> str | None:
    """Return the code of what keeps such jobs off an offer to their VO, or None."""
    return failing_place(shape, offer) or _time_failing(shape, offer) or _size_failing(shape, offer)


def failing_place(shape: Shape, offer: Offer) -> str | None:
    """Return the code of what keeps such jobs off an offer whatever its size and age, or None."""
    if shape.sites and offer.site not in shape.sites:
        return "misfit.site"
    if offer.site in shape.banned_sites:
        return "misfit.banned_site"
    if shape.platforms and offer.platform not in shape.platforms:
        return "misfit.platform"
    return "misfit.tags" if shape.tags and not set(shape.tags) <= set(offer.tags) else None


def _time_failing(shape: Shape, offer: Offer) -> str | None:
    return "misfit.cpu_time" if shape.cpu_seconds > offer.seconds_left else None


def _size_failing(shape: Shape, offer: Offer) -> str | None:
    free = offer.free
    if shape.whole_node and not offer.empty:
        return "misfit.not_empty"
    if shape.min_cores > free.cores:
        return "misfit.cores"
    if shape.ram_mb > free.ram_mb:
        return "misfit.ram"
    if shape.gpus > free.gpus:
        return "misfit.gpus"
    return "misfit.disk" if shape.disk_gb > free.disk_gb else None


def side_by_side(shape: Shape, free: Resources, *, empty: bool, seconds_left: float) -> int:
    """Return how many jobs run at once in what is free of a VM of the right place, each with its least need.

    0 says the same as a code of `failing` about time and size.
    """
    if shape.cpu_seconds > seconds_left or shape.min_cores > free.cores or (shape.whole_node and not empty):
        return 0
    count = 1 if shape.whole_node else free.cores // (shape.min_cores or 1)
    if shape.ram_mb:
        count = min(count, free.ram_mb // shape.ram_mb)
    if shape.gpus:
        count = min(count, free.gpus // shape.gpus)
    return min(count, free.disk_gb // shape.disk_gb) if shape.disk_gb else count


class Empty(NamedTuple):
    """An empty VM as plain numbers, for when many are looked through: `thing` is whatever it stands for."""

    thing: Any
    free: Resources
    cores: int
    ram_mb: int
    gpus: int
    seconds_left: float

    @classmethod
    def of(cls, thing: Any, size: Resources, seconds_left: float) -> Empty:
        """Return an empty VM of a size with so many seconds (of the norm's CPU time) left."""
        return cls(thing, size, size.cores, size.ram_mb, size.gpus, seconds_left)


def takers(shape: Shape, empties: Iterable[Empty]) -> list[tuple[Any, int]]:
    """Return which of these, all of the right place, take such jobs, and how many each."""
    cores, ram_mb, gpus, seconds = shape.min_cores, shape.ram_mb, shape.gpus, shape.cpu_seconds
    return [
        (thing, count)
        for thing, free, has_cores, has_ram, has_gpus, left in empties
        if cores <= has_cores
        and ram_mb <= has_ram
        and gpus <= has_gpus
        and seconds <= left
        and (count := side_by_side(shape, free, empty=True, seconds_left=left))
    ]


# What a reason with this code tells.
_TOLD: Mapping[str, Callable[[TaskQueue, Offer], dict[str, Param]]] = {
    "misfit.vo": lambda queue, offer: {"wants": queue.vo, "has": offer.vo},
    "misfit.site": lambda queue, offer: {"wants": ", ".join(queue.shape.sites), "has": offer.site},
    "misfit.banned_site": lambda _, offer: {"has": offer.site},
    "misfit.platform": lambda queue, offer: {"wants": ", ".join(queue.shape.platforms), "has": offer.platform},
    "misfit.tags": lambda queue, offer: {
        "missing": ", ".join(tag for tag in queue.shape.tags if tag not in offer.tags)
    },
    "misfit.cpu_time": lambda queue, offer: {"wants": queue.shape.cpu_seconds, "has": int(offer.seconds_left)},
    "misfit.not_empty": lambda *_: {},
    "misfit.cores": lambda queue, offer: {"wants": queue.shape.min_cores, "has": offer.free.cores},
    "misfit.ram": lambda queue, offer: {"wants": queue.shape.ram_mb, "has": offer.free.ram_mb},
    "misfit.gpus": lambda queue, offer: {"wants": queue.shape.gpus, "has": offer.free.gpus},
    "misfit.disk": lambda queue, offer: {"wants": queue.shape.disk_gb, "has": offer.free.disk_gb},
}


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
