"""Why jobs stay unplaced, and why pools launch nothing."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence

from vmdirac_py.model.fit import Offer, misfit
from vmdirac_py.model.inventory import Pool
from vmdirac_py.model.plan import PoolNote
from vmdirac_py.model.queue import TaskQueue
from vmdirac_py.model.reason import Reason

from .groups import Candidate
from .limits import Limits

MOST_REASONS = 6
NEAREST_NAMED = 3

# The order in which `fit.misfit` asks: the later the question that fails, the nearer the pool.
QUESTIONS = ("site", "banned_site", "platform", "tags", "cpu_time", "not_empty", "cores", "ram", "gpus", "disk")
NEARNESS = {f"misfit.{question}": place for place, question in enumerate(QUESTIONS)}


def unserveable(queue: TaskQueue, pools: Sequence[Pool]) -> tuple[Reason, ...]:
    """Return why none of its VO's pools can ever run a queue: the nearest pools, then one reason per distinct cause."""
    if not pools:
        return (Reason.of("unserved.no_pool_of_vo", vo=queue.vo),)
    misfits = sorted(_misfits(queue, pools), key=_nearness)
    names = ", ".join(pool.name for pool, _ in misfits[:NEAREST_NAMED])
    causes: dict[str, Reason] = {}
    for _, reason in misfits:
        causes.setdefault(reason.code, reason)
    return (Reason.of("unserved.no_pool", nearest=names, pools=len(pools)), *causes.values())


def _misfits(queue: TaskQueue, pools: Iterable[Pool]) -> Iterable[tuple[Pool, Reason]]:
    for pool in pools:
        reason = misfit(queue, Offer.of_pool(pool))
        if reason:
            yield pool, reason


def _nearness(found: tuple[Pool, Reason]) -> tuple[int, float, str]:
    pool, reason = found
    has = reason.as_dict.get("has", 0)
    return -NEARNESS[reason.code], -has if isinstance(has, int | float) else 0, pool.name


def bound(found: Sequence[Candidate], limits: Limits) -> tuple[Reason, ...]:
    """Return which limits keep jobs waiting although pools would fit; the tightest of each pool, without repeats."""
    reasons = dict.fromkeys(reason for candidate in found if (reason := limits.room(candidate.pool)[1]))
    shown = tuple(reasons)[:MOST_REASONS]
    rest = len(reasons) - len(shown)
    return (*shown, Reason.of("limit.more", count=rest)) if rest else shown


def pool_notes(
    pools: Mapping[str, Pool], limits: Limits, launched: Collection[str], waiting_vos: Collection[str]
) -> tuple[PoolNote, ...]:
    """Return a note for every pool that a limit bound or that has nothing to do."""
    notes = ((name, _note(pools[name], limits, launched, waiting_vos)) for name in sorted(pools))
    return tuple(PoolNote(name, reasons) for name, reasons in notes if reasons)


def _note(pool: Pool, limits: Limits, launched: Collection[str], waiting_vos: Collection[str]) -> tuple[Reason, ...]:
    hits = (*limits.warnings.get(pool.name, ()), *limits.hits.get(pool.name, ()))
    if hits or pool.name in launched:
        return hits
    return (Reason.of("pool.not_needed" if pool.vo in waiting_vos else "pool.no_demand", vo=pool.vo),)
