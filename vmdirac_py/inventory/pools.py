"""Hosts into pools: exactly one endpoint, exactly one VO, and numbers that go together."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from vmdirac_py.model.inner_ce import with_accounts
from vmdirac_py.model.inventory import Endpoint, Pool, Vo
from vmdirac_py.model.resources import Resources

from . import bounds, contexts, proxies, roles
from .bundle import roles_archive
from .mismatches import of_pool
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
    context = (*contexts.missing(made.context, roles.known()), *bounds.problems(made.context))
    for key, what, mend in (*of_pool(made), *context, *proxies.of_pool(made, endpoint, vo)):
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
    merged = contexts.merged(endpoint.context, vo.context, values.get("context", {}))
    context = with_accounts(merged, values.get("inner_ce", ""), sizes.cores)
    made = contexts.revision(context, roles_archive()[0]) if context else ""
    rest |= {"profile": "-".join(filter(None, (rest.get("profile", ""), made))), "context": context}
    rest["inner_ce_options"] = {**vo.inner_ce_options, **rest.get("inner_ce_options", {})}
    return Pool(name=name, endpoint=endpoint.name, vo=vo.name, site=endpoint.site, resources=sizes, **rest)
