"""What earlier steps saw of demand, so that a fall nobody can explain is noticed."""

from __future__ import annotations

from msgspec.structs import replace

from vmdirac_py.model.plan import Snapshot
from vmdirac_py.model.value import Count, Seconds, Value

LARGE = 100
"""Fewer waiting jobs may vanish unnoticed."""
VANISHED = 0.9
BACK = 0.5
"""When so much of what vanished is there again, nothing is held back any longer."""
HELD_SECONDS = 600.0
FRESH = 60.0
"""For how many seconds a fall is measured from the highest demand."""
FORGOTTEN = 900.0
"""A planner that slept for so long cannot tell a fall from the course of things."""


class Seen(Value, frozen=True):
    """The highest demand of the last minute: when (epoch), how many jobs waited, how many payloads ran.

    `finished` payloads ended since, up to `finished_seq`. Until `held_until` the demand is not believed, because
    `vanished` jobs had gone without being run.
    """

    at: Seconds = 0.0
    waiting: Count = 0
    busy: Count = 0
    finished: Count = 0
    finished_seq: Count = 0
    held_until: Seconds = 0.0
    vanished: Count = 0


def see(seen: Seen, snapshot: Snapshot) -> Seen:
    """Return what is remembered after this snapshot, whose demand is complete."""
    now = _now(seen, snapshot)
    ended = seen.finished + sum(one.seq > seen.finished_seq for one in snapshot.finished)
    gone = seen.waiting - now.waiting - max(0, now.busy - seen.busy) - ended
    if seen.waiting >= LARGE and gone > VANISHED * seen.waiting and 0 <= snapshot.at - seen.at < FORGOTTEN:
        return replace(now, held_until=snapshot.at + HELD_SECONDS, vanished=gone)
    if now.waiting >= BACK * seen.vanished and seen.held_until:
        return replace(now, held_until=0.0, vanished=0)
    if now.waiting > seen.waiting or not 0 <= snapshot.at - seen.at < FRESH:
        return now
    return replace(seen, finished=ended, finished_seq=now.finished_seq)


def _now(seen: Seen, snapshot: Snapshot) -> Seen:
    return Seen(
        at=snapshot.at,
        waiting=sum(queue.waiting for queue in snapshot.demand.queues),
        busy=sum(one.busy_slots for one in snapshot.fleet),
        finished_seq=max((one.seq for one in snapshot.finished), default=seen.finished_seq),
        held_until=seen.held_until,
        vanished=seen.vanished,
    )
