"""What to do with instances that bear our mark but that no VM row explains."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from vmdirac_py.model.reason import Reason

LISTINGS_BEFORE_DELETE = 2
SECONDS_BEFORE_DELETE = 300.0
KNOWN_BEFORE_DELETE = 0.5


class Fate(StrEnum):
    """What should happen to a stranger."""

    ADOPT = "adopt"  # bind it to a VM row of its batch
    WAIT = "wait"  # look again at the next listing
    DELETE = "delete"


@dataclass(frozen=True, slots=True)
class Stranger:
    """An unexplained instance. Times in epoch seconds, 0.0 where unknown.

    `batch_deadline` is the create deadline of its batch, None when the ledger knows no such batch;
    `enrolled` tells whether the instance ever enrolled.
    """

    instance_id: str
    first_seen: float
    last_seen: float
    listings: int
    created_at: float
    enrolled: bool
    batch_deadline: float | None


@dataclass(frozen=True, slots=True)
class Verdict:
    """The fate of one stranger and why."""

    instance_id: str
    fate: Fate
    reason: Reason


def verdicts(
    strangers: Sequence[Stranger], *, at: float, known_fraction: float, ledger_created_at: float
) -> list[Verdict]:
    """Judge the strangers of one complete listing.

    `known_fraction` is the part of the listing that VM rows explain (1.0 for an empty listing). A ledger that is
    younger than one of the strangers, or that knows less than half of the listing, deletes nothing at all.
    """
    blind = _blindness(strangers, known_fraction, ledger_created_at)
    return [_verdict(stranger, at, blind) for stranger in strangers]


def _blindness(strangers: Sequence[Stranger], known_fraction: float, ledger_created_at: float) -> Reason | None:
    if known_fraction < KNOWN_BEFORE_DELETE:
        return Reason.of("leak.ledger_blind", known_percent=int(100 * known_fraction))
    if any(0.0 < stranger.created_at < ledger_created_at for stranger in strangers):
        return Reason.of("leak.ledger_young")
    return None


def _verdict(stranger: Stranger, at: float, blind: Reason | None) -> Verdict:
    fate, reason = _fate(stranger, at, blind)
    return Verdict(stranger.instance_id, fate, reason)


def _fate(stranger: Stranger, at: float, blind: Reason | None) -> tuple[Fate, Reason]:
    if stranger.enrolled:
        return Fate.ADOPT, Reason.of("leak.enrolled")
    if stranger.batch_deadline is None:
        # Batches are written before they are sent: an unknown one means the ledger was restored from an older copy.
        return Fate.WAIT, Reason.of("leak.batch_unknown")
    if at < stranger.batch_deadline:
        return Fate.ADOPT, Reason.of("leak.batch_young", until=int(stranger.batch_deadline))
    if blind:
        return Fate.WAIT, blind
    return _by_age(stranger)


def _by_age(stranger: Stranger) -> tuple[Fate, Reason]:
    seen = stranger.last_seen - stranger.first_seen
    if stranger.listings < LISTINGS_BEFORE_DELETE or seen < SECONDS_BEFORE_DELETE:
        return Fate.WAIT, Reason.of("leak.watched", listings=stranger.listings, seconds=int(seen))
    return Fate.DELETE, Reason.of("leak.never_enrolled", listings=stranger.listings)
