"""What was learned of how long payloads run, by VO, owner and asked-for time.

What a user submits today runs about as long as what he submitted yesterday, whatever he asked for (Tsafrir, Etsion,
Feitelson: Backfilling using system-generated predictions, 2007). Each kind fades as newer payloads of it end, and one
that was seldom seen leans on the wider one: asked-for time on owner, owner on VO.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping
from functools import cached_property

from vmdirac_py.model.plan import Finished
from vmdirac_py.model.queue import segment
from vmdirac_py.model.value import Count, Seconds, Value
from vmdirac_py.model.vm import Capacity

from .lifetable import BINS, EDGES, NONE, UNKNOWN, Counts, LifeTable, bin_of, hazards, life_table

REFRESH = 900.0
"""Seconds between two looks at what was learned; in between the expectations stand."""
FADING = 0.99
"""How much a payload that ended still counts when the next one of its kind has."""
HALF = 0.5
MOST_KINDS = 5_000
"""Kinds that are remembered; those with the least in them are forgotten first."""

Kind = tuple[str, str, int]
"""VO, owner ("": all of the VO's), segment of the CPU seconds asked for (0: whatever)."""


class Known(Value, frozen=True):
    """Payloads of one kind: how many ended in each bin, the older ones faded, and how many run in each."""

    vo: str
    owner: str = ""
    cpu_seconds: int = 0
    ended: Counts = NONE
    running: Counts = NONE


class Ended(Value, frozen=True):
    """So many payloads of one kind that ended in one bin since the last look."""

    vo: str
    owner: str
    cpu_seconds: Count
    age: Count
    payloads: Count


class Lengths(Value, frozen=True, dict=True, gc=True):
    """All kinds as of `at` (epoch), and what ended since, which counts from the next look on."""

    at: Seconds = 0.0
    kinds: tuple[Known, ...] = ()
    fresh: tuple[Ended, ...] = ()

    @cached_property
    def _known(self) -> Mapping[Kind, Known]:
        return {(one.vo, one.owner, one.cpu_seconds): one for one in self.kinds}

    @cached_property
    def _halves(self) -> dict[str, float]:
        return {}

    @cached_property
    def _hazards(self) -> dict[Kind, Counts]:
        return {}

    @cached_property
    def _tables(self) -> dict[Kind, LifeTable]:
        return {}

    def of(self, vo: str, owner: str, cpu_seconds: int) -> LifeTable:
        """Return what to expect of an owner's payloads that asked for so many CPU seconds per core."""
        kind = (vo, owner, cpu_seconds)
        table = self._tables.get(kind)
        if table is None:
            alike = self._alike((vo, owner, segment(cpu_seconds) if cpu_seconds else 0))
            table = self._tables.get(alike) or life_table(self._hazard(alike))
            self._tables[kind] = self._tables[alike] = table
        return table

    def _alike(self, kind: Kind) -> Kind:
        """Return the kind that stands for one of which nothing is known: nobody's of the VO, or of no VO."""
        vo, owner, cpu_seconds = kind
        if kind in self._known or (vo, owner, 0) in self._known:
            return kind
        return (vo if (vo, "", 0) in self._known else "", "", cpu_seconds)

    def knows(self, vo: str) -> bool:
        """Tell whether anything was learned of a VO's payloads."""
        return (vo, "", 0) in self._known

    def half(self, vo: str) -> float:
        """Return within how many seconds half of a VO's payloads end; 0.0: nothing is known of them."""
        if vo not in self._halves:
            share = self.of(vo, "", 0).share
            ages = (age for age, left in zip(EDGES, share, strict=True) if left <= HALF)
            self._halves[vo] = next(ages, EDGES[-1]) if self.knows(vo) else 0.0
        return self._halves[vo]

    def expected(self, vo: str, owner: str, cpu_seconds: int) -> float:
        """Return how long such a payload that has not begun is expected to run, in seconds."""
        return self.of(vo, owner, cpu_seconds).left[0]

    def _hazard(self, kind: Kind) -> Counts:
        chances = self._hazards.get(kind)
        if chances is None:
            wider = _wider(kind)
            known = self._known.get(kind) or Known(*kind)
            above = self._hazard(wider) if wider else UNKNOWN
            chances = self._hazards[kind] = hazards(known.ended, known.running, above, cap=float(kind[2]))
        return chances


def _wider(kind: Kind) -> Kind | None:
    vo, owner, cpu_seconds = kind
    if cpu_seconds:
        return vo, owner, 0
    return (vo, "", 0) if owner else None


def learn(lengths: Lengths, finished: Iterable[Finished], fleet: Iterable[Capacity], at: float) -> Lengths:
    """Return the lengths with these payloads, looked at anew when the last look is `REFRESH` seconds ago."""
    fresh = _added(lengths.fresh, finished)
    if 0.0 <= at - lengths.at < REFRESH:
        return lengths if fresh is lengths.fresh else _waiting(lengths, fresh)
    if not fresh and not lengths.kinds:
        return lengths
    return Lengths(at, _kinds(lengths.kinds, _by_kind(fresh), _running(fleet, at)))


def _added(fresh: tuple[Ended, ...], finished: Iterable[Finished]) -> tuple[Ended, ...]:
    more = Counter((one.vo, one.owner, segment(one.cpu_seconds), bin_of(one.seconds)) for one in finished)
    if not more:
        return fresh
    counts = Counter({(one.vo, one.owner, one.cpu_seconds, one.age): one.payloads for one in fresh}) + more
    return tuple(Ended(*kind, number) for kind, number in counts.items())


def _waiting(lengths: Lengths, fresh: tuple[Ended, ...]) -> Lengths:
    later = Lengths(lengths.at, lengths.kinds, fresh)
    # What was worked out holds until the next look.
    later.__dict__.update(lengths.__dict__)
    return later


def _by_kind(fresh: Iterable[Ended]) -> Mapping[Kind, Counter[int]]:
    counts: defaultdict[Kind, Counter[int]] = defaultdict(Counter)
    for one in fresh:
        _count(counts, (one.vo, one.owner, one.cpu_seconds), one.age, one.payloads)
    return counts


def _running(fleet: Iterable[Capacity], at: float) -> Mapping[Kind, Counter[int]]:
    leaves = Counter(
        (one.vm.vo, run.owner, segment(run.cpu_seconds), bin_of(at - run.since)) for one in fleet for run in one.runs
    )
    counts: defaultdict[Kind, Counter[int]] = defaultdict(Counter)
    for (vo, owner, cpu_seconds, age), number in leaves.items():
        _count(counts, (vo, owner, cpu_seconds), age, number)
    return counts


def _count(counts: defaultdict[Kind, Counter[int]], kind: Kind | None, age: int, number: int) -> None:
    while kind:
        counts[kind][age] += number
        kind = _wider(kind)


def _kinds(
    before: Iterable[Known], fresh: Mapping[Kind, Counter[int]], running: Mapping[Kind, Counter[int]]
) -> tuple[Known, ...]:
    known = {(one.vo, one.owner, one.cpu_seconds): one for one in before}
    ran = [kind for kind, one in known.items() if one.running is not NONE]
    for kind in dict.fromkeys((*fresh, *running, *ran)):
        old = known.get(kind)
        ended = _faded(old.ended if old else NONE, fresh.get(kind))
        known[kind] = Known(*kind, ended, _dense(running.get(kind)))
    return _kept(known.values())


def _kept(known: Collection[Known]) -> tuple[Known, ...]:
    """Forget the kinds least is known of, when there are too many."""
    if len(known) <= MOST_KINDS:
        return tuple(known)
    most = sorted(known, key=lambda one: (-sum(one.ended), one.vo, one.owner, one.cpu_seconds))
    return tuple(most[: MOST_KINDS * 9 // 10])


def _faded(ended: Counts, fresh: Counter[int] | None) -> Counts:
    if not fresh:
        return ended
    kept = FADING ** fresh.total()
    return tuple(round(old * kept + fresh.get(at, 0), 6) for at, old in enumerate(ended))


def _dense(counts: Counter[int] | None) -> Counts:
    return tuple(float(counts.get(at, 0)) for at in range(BINS)) if counts else NONE
