"""Hosts into pools: exactly one endpoint, exactly one VO, and numbers that go together."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from vmdirac_py.model.inventory import Endpoint, Pool, Vo
from vmdirac_py.model.resources import Resources

from .placement import thing_of
from .raw import Entity
from .records import Complaints, record

SIZES = ("cores", "ram_mb", "gpus", "disk_gb")


@dataclass(frozen=True, slots=True)
class Place:
    """The usable endpoints and VOs, by group name."""

    endpoints: Mapping[str, Endpoint]
    vos: Mapping[str, Vo]


def pool(host: Entity, place: Place, complaints: Complaints) -> Pool | None:
    """Return the host as a pool, or None with complaints."""
    endpoint = place.endpoints.get(_only_group("endpoint", host, complaints))
    vo = place.vos.get(_only_group("vo", host, complaints))
    values = record(host, "pool", complaints)
    if values is None or endpoint is None or vo is None:
        return None
    made = _make(host.name, endpoint, vo, values)
    for key, what, mend in _mismatches(made):
        complaints.at(host, key, what, mend)
    return made


def _only_group(thing: str, host: Entity, complaints: Complaints) -> str:
    groups = [group for group in host.groups if thing_of(group) == thing]
    if len(groups) == 1:
        return groups[0]
    what = (
        f"pool {host.name} is in no group {thing}_..."
        if not groups
        else f"pool {host.name} is in " + " and ".join(groups)
    )
    complaints.at(host, "", what, f"put it into exactly one group {thing}_...")
    return ""


def _make(name: str, endpoint: Endpoint, vo: Vo, values: Mapping[str, Any]) -> Pool:
    sizes = Resources(**{key: values[key] for key in SIZES if key in values})
    rest = {key: value for key, value in values.items() if key not in SIZES}
    return Pool(name=name, endpoint=endpoint.name, vo=vo.name, site=endpoint.site, resources=sizes, **rest)


def _mismatches(made: Pool) -> Iterator[tuple[str, str, str]]:
    if made.max_vms is not None and made.min_vms > made.max_vms:
        yield "pool_min_vms", f"min {made.min_vms} is more than max {made.max_vms}", "lower it or raise pool_max_vms"
    if made.boot_seconds > made.boot_deadline:
        what = f"expected {made.boot_seconds:g} s, but given up after {made.boot_deadline:g} s"
        yield "pool_boot_seconds", what, "raise pool_boot_deadline"
    if made.max_life <= made.boot_deadline:
        what = f"lives {made.max_life:g} s, of which {made.boot_deadline:g} s may pass before it serves a job"
        yield "pool_max_life", what, "let it be much more than pool_boot_deadline"
    if made.heartbeat_seconds >= made.stalled_after:
        what = f"beats every {made.heartbeat_seconds:g} s, but stalled after {made.stalled_after:g} s of silence"
        yield "pool_heartbeat_seconds", what, "let pool_stalled_after be several heartbeats"
