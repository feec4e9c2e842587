"""What heartbeats tell of a machine beside its payloads: its load, and how often it asked for jobs in vain."""

from __future__ import annotations

from msgspec.structs import replace

from vmdirac_py.ledger.api import Heartbeat
from vmdirac_py.model.vm import QUIET_LOAD, Capacity

SINCE = "load_since"
"""Written into a heartbeat when it is kept: since when (epoch) the load has been on this side of QUIET_LOAD."""


def dated(beat: Heartbeat, before: Heartbeat | None) -> Heartbeat:
    """Return a heartbeat with the time since which its load has been as quiet, or as busy, as it is."""
    since = beat.at if before is None or _quiet(before) is not _quiet(beat) else before.data.get(SINCE, beat.at)
    return replace(beat, data={**beat.data, SINCE: since})


def heard(capacity: Capacity, beat: Heartbeat | None) -> Capacity:
    """Return what is known of a VM with what its last heartbeat (None: none that counts) tells of the machine."""
    if beat is None:
        return capacity
    told = beat.data
    return replace(
        capacity,
        cpu_load=told.get("load"),
        load_since=told.get(SINCE, 0.0),
        failed_matches=told.get("failed_matches", 0),
    )


def _quiet(beat: Heartbeat) -> bool:
    return bool(beat.data.get("load", QUIET_LOAD) < QUIET_LOAD)
