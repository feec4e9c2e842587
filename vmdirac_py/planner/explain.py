"""Why jobs stay unplaced, and why pools launch nothing."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence

from vmdirac_py.model.fit import Offer, failing, misfit
from vmdirac_py.model.inventory import Pool
from vmdirac_py.model.plan import Placement, PoolNote, Snapshot
from vmdirac_py.model.queue import Shape, TaskQueue
from vmdirac_py.model.reason import Reason

from .assign import Share
from .groups import Group, Groups
from .limits import Limits

MOST_REASONS = 6
NEAREST_NAMED = 3

# The order in which `fit.misfit` asks: the later the question that fails, the nearer the pool.
QUESTIONS = ("site", "banned_site", "platform", "tags", "cpu_time", "not_empty", "cores", "ram", "gpus", "disk")
HAS: Mapping[str, Callable[[Offer], float]] = {
    "misfit.cpu_time": lambda offer: offer.seconds_left,
    "misfit.cores": lambda offer: offer.free.cores,
    "misfit.ram": lambda offer: offer.free.ram_mb,
    "misfit.gpus": lambda offer: offer.free.gpus,
    "misfit.disk": lambda offer: offer.free.disk_gb,
}
"""What a pool has of what such a job wants more of."""
NEARNESS = {f"misfit.{question}": place for place, question in enumerate(QUESTIONS)}


def unserveable(queue: TaskQueue, offers: Sequence[tuple[Pool, Offer]]) -> tuple[Reason, ...]:
    """Return why none of its VO's pools can ever run a queue: the nearest pools, then one reason per distinct cause."""
    if not offers:
        return (Reason.of("unserved.no_pool_of_vo", vo=queue.vo),)
    codes = [(failing(queue, offer) or "", pool, offer) for pool, offer in offers]
    nearest = sorted(codes, key=_nearness)
    names = ", ".join(pool.name for _, pool, _ in nearest[:NEAREST_NAMED])
    causes: dict[str, Offer] = {}
    for code, _, offer in nearest:
        causes.setdefault(code, offer)
    reasons = (misfit(queue, offer) for offer in causes.values())
    return (Reason.of("unserved.no_pool", nearest=names, pools=len(offers)), *filter(None, reasons))


def _nearness(found: tuple[str, Pool, Offer]) -> tuple[int, float, str]:
    code, pool, offer = found
    return -NEARNESS[code], -HAS[code](offer) if code in HAS else 0.0, pool.name


class Explained:
    """Says of every queue where its jobs go, and of every pool why it launches nothing or not more."""

    def __init__(self, snapshot: Snapshot, groups: Groups, limits: Limits | None) -> None:
        self._snapshot, self._groups = snapshot, groups
        self._limits = limits or Limits.none()
        self._tightest: dict[str, Reason | None] = {}
        self._bound: dict[tuple[int, Shape | None], tuple[Reason, ...]] = {}
        self._unserveable: dict[tuple[str, Shape], tuple[Reason, ...]] = {}

    def placements(self, shares: Iterable[Share]) -> Iterator[Placement]:
        """Yield where the jobs of each queue go: those of a group's older queues first to what is ready soonest."""
        for share in shares:
            reasons = self._reasons(share)
            running, booting, new = share.jobs
            held = share.held
            for queue in share.group.queues:
                left = queue.waiting
                here = min(left, running)
                soon = min(left - here, booting)
                later = min(left - here - soon, new)
                wait = min(left - here - soon - later, held)
                running, booting, new, held = running - here, booting - soon, new - later, held - wait
                left -= here + soon + later + wait
                why = reasons if left or wait else ()
                yield Placement(queue.id, queue.vo, here, soon, later, left, why, wait)

    def _reasons(self, share: Share) -> tuple[Reason, ...]:
        if not share.left:
            return ()
        group = share.group
        if not group.candidates:
            return self._never(group)
        hold = self._hold(group) if share.held else ()
        share_left = share.left - share.held
        if not share_left:
            return hold
        why = (*hold, *share.reasons, *self._bounds(group))
        return why or (Reason.of("hold.left", jobs=share_left),)

    def _hold(self, group: Group) -> tuple[Reason, ...]:
        return (Reason.of("hold.company", seconds=int(self._snapshot.inventory.vos[group.vo].max_hold)),)

    def _never(self, group: Group) -> tuple[Reason, ...]:
        key = (group.vo, group.shape)
        if key not in self._unserveable:
            self._unserveable[key] = unserveable(group.queues[0], self._groups.offers_of(group.vo))
        return self._unserveable[key]

    def _bounds(self, group: Group) -> tuple[Reason, ...]:
        """Return which limits keep jobs waiting although pools would fit: the tightest of each pool."""
        matching = self._limits.matching.memory.no_match
        key = (id(group.candidates), group.shape if matching else None)
        if key not in self._bound:
            reasons = dict.fromkeys(reason for one in group.candidates if (reason := self._tight(one.pool)))
            if matching:
                found = (self._limits.of_shape(one.pool, group.shape)[1] for one in group.candidates)
                reasons |= dict.fromkeys(filter(None, found))
            self._bound[key] = _few(tuple(reasons))
        return self._bound[key]

    def _tight(self, pool: Pool) -> Reason | None:
        if pool.name not in self._tightest:
            room, reason = self._limits.room(pool)
            self._tightest[pool.name] = reason
            if reason and not room:
                self._limits.hits[pool.name][reason] = None
        return self._tightest[pool.name]

    def notes(self, launched: Collection[str]) -> tuple[PoolNote, ...]:
        """Return a note for every pool that a limit bound or that has nothing to do."""
        pools, waiting = self._snapshot.inventory.pools, {group.vo for group in self._groups.all}
        notes = ((name, _note(pools[name], self._limits, launched, waiting)) for name in sorted(pools))
        return tuple(PoolNote(name, reasons) for name, reasons in notes if reasons)


def _few(reasons: tuple[Reason, ...]) -> tuple[Reason, ...]:
    rest = len(reasons) - MOST_REASONS
    return (*reasons[:MOST_REASONS], Reason.of("limit.more", count=rest)) if rest > 0 else reasons


def _note(pool: Pool, limits: Limits, launched: Collection[str], waiting_vos: Collection[str]) -> tuple[Reason, ...]:
    hits = (*limits.warnings.get(pool.name, ()), *limits.hits.get(pool.name, ()))
    if hits or pool.name in launched:
        return hits
    return (Reason.of("pool.not_needed" if pool.vo in waiting_vos else "pool.no_demand", vo=pool.vo),)
