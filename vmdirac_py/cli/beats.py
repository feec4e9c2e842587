"""A heartbeat in words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from .output import clock_time, span

Row = tuple[str, str]


def told(beat: Mapping[str, Any]) -> list[Row]:
    """Return what a heartbeat (`vmdirac_py.worker.wire.Beat`) tells, in rows; what it lacks is left out."""
    return [
        ("state", f"{beat['state']}, up for {span(beat['uptime'])}"),
        ("CPU", f"load {beat['load']:.2f}{_cores(beat)}"),
        ("memory", f"{beat.get('ram_free_mb', '?')} MB free of {beat['ram_mb']}"),
        ("disk", f"{beat['disk_free_mb']} MB free"),
        ("cores", f"{beat['free_cores']} free of {beat['cores']}"),
        ("matches", f"{beat['failed_matches']} failed in a row, idle for {span(beat['idle_seconds'])}"),
        *_slots(beat["slots"]),
        *((name, str(found)) for name, found in sorted(beat.get("health", {}).items())),
        ("worker", ", ".join([beat["version"], *_versions(beat)])),
    ]


def _cores(beat: Mapping[str, Any]) -> str:
    return f", {beat['cpu']:.2f} cores in use, quiet for {span(beat['quiet_seconds'])}" if "cpu" in beat else ""


def _slots(slots: Sequence[Mapping[str, Any]]) -> list[Row]:
    return [(f"job {slot['job']}", _slot(slot)) for slot in slots]


def _slot(slot: Mapping[str, Any]) -> str:
    ends = f", ends by {clock_time(slot['ends_by'])}" if slot.get("ends_by") else ""
    used = f"{slot.get('cpu_seconds', 0.0):.0f} CPU s used"
    return f"{slot['cores']} cores since {clock_time(slot['started_at'])}{ends}, {used}"


def _versions(beat: Mapping[str, Any]) -> list[str]:
    return [f"{name} {version}" for name, version in sorted(beat.get("versions", {}).items())]
