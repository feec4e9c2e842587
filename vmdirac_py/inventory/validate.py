"""From what was written to what is meant: a raw inventory becomes an Inventory, or all its problems. Pure."""

from __future__ import annotations

import json
import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, TypeVar

from vmdirac_py.model.inventory import Endpoint, Inventory, Pool, Vo

from . import placement
from .api import Problem
from .mismatches import Mismatch, of_endpoint, of_vo
from .pools import Place, pool
from .raw import Entity, Raw
from .records import Complaints, record

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")


def validate(raw: Raw, *, fingerprint: str, source: str = "", commit: str = "") -> Inventory | tuple[Problem, ...]:
    """Return the inventory, or every problem there is, sorted by file and line, each once."""
    complaints = Complaints([*raw.problems, *placement.problems(raw.settings)])
    if not raw.problems or raw.hosts:
        inventory = _inventory(raw, complaints)
        if not raw.hosts:
            complaints.add(Problem(source, 0, "", "the inventory has no hosts", "add a host for each pool"))
        if not complaints.problems:
            return Inventory(fingerprint, *inventory, source=source, commit=commit)
    return tuple(sorted(set(complaints.problems)))


def _inventory(raw: Raw, complaints: Complaints) -> tuple[Mapping[str, Vo], Mapping[str, Endpoint], Mapping[str, Pool]]:
    endpoints = _named("endpoint", raw.groups, complaints)
    vos = _named("vo", raw.groups, complaints)
    made_vos = {group: Vo(**values) for group, (_, values) in vos.items() if values is not None}
    made_endpoints = {group: Endpoint(**values) for group, (_, values) in endpoints.items() if values is not None}
    _fitting(made_endpoints, endpoints, of_endpoint, complaints)
    _fitting(made_vos, vos, of_vo, complaints)
    _no_shared_dirac_groups(made_vos, vos, complaints)
    _no_shared_tenants(made_endpoints, endpoints, complaints)
    place = Place(made_endpoints, made_vos)
    pools = {host.name: made for host in raw.hosts if (made := _pool(host, place, complaints))}
    _no_budget_without_prices(made_vos, pools, vos, complaints)
    return _by_name(made_vos), _by_name(made_endpoints), pools


def _by_name(made: Mapping[str, Any]) -> dict[str, Any]:
    return {thing.name: thing for thing in made.values()}


def _pool(host: Entity, place: Place, complaints: Complaints) -> Pool | None:
    if not NAME.fullmatch(host.name):
        complaints.at(host, "", f"not a name for a pool: {host.name[:80]!r}", NAME_MEND)
    return pool(host, place, complaints)


NAME_MEND = "use letters, digits, dots, dashes and underscores, at most 100"
T = TypeVar("T")
Told = Callable[[T], Iterable[Mismatch]]
Named = dict[str, tuple[Entity, dict[str, Any] | None]]


def _named(thing: str, groups: Iterable[Entity], complaints: Complaints) -> Named:
    """Return the groups of a kind with their values (None: unusable), every name checked and used once."""
    found: Named = {}
    taken: dict[str, str] = {}
    for group in groups:
        if placement.thing_of(group.name) != thing:
            continue
        values = record(group, thing, complaints)
        name = (values or {}).get("name", group.name.partition("_")[2])
        found[group.name] = (group, None if values is None else {"name": name} | values)
        if not NAME.fullmatch(name):
            complaints.at(group, f"{thing}_name", f"not a name: {name[:80]!r}", NAME_MEND)
        if taken.setdefault(name, group.name) != group.name:
            what = f"group {taken[name]} is {thing} {name} too"
            complaints.at(group, f"{thing}_name", what, "give each its own name")
    return found


def _fitting(made: Mapping[str, T], found: Named, told: Told[T], complaints: Complaints) -> None:
    for group, thing in made.items():
        for key, what, mend in told(thing):
            complaints.at(found[group][0], key, what, mend)


def _no_shared_dirac_groups(vos: Mapping[str, Vo], found: Named, complaints: Complaints) -> None:
    for name, owners in _shared((group, dirac) for group, vo in vos.items() for dirac in vo.groups):
        what = f"DIRAC group {name} belongs to {owners[0]} too"
        complaints.at(found[owners[1]][0], "vo_groups", what, "a DIRAC group belongs to one VO")


def _no_shared_tenants(endpoints: Mapping[str, Endpoint], found: Named, complaints: Complaints) -> None:
    tenants = ((group, json.dumps([at.kind, at.options], sort_keys=True)) for group, at in endpoints.items())
    for _, owners in _shared(tenants):
        what = f"the same tenant as {owners[0]}: equal endpoint_kind and endpoint_options"
        complaints.at(found[owners[1]][0], "endpoint_options", what, "make them one endpoint, with pools of both")


def _no_budget_without_prices(
    vos: Mapping[str, Vo], pools: Mapping[str, Pool], found: Named, complaints: Complaints
) -> None:
    priced = {pool.vo for pool in pools.values() if pool.price}
    for group, vo in vos.items():
        if vo.budget is not None and vo.name not in priced and any(pool.vo == vo.name for pool in pools.values()):
            what = "none of the VO's pools has a price, so nothing would ever be spent"
            complaints.at(found[group][0], "vo_budget", what, "set pool_price, or remove the budget")


def _shared(pairs: Iterable[tuple[str, str]]) -> Iterator[tuple[str, list[str]]]:
    owners: dict[str, list[str]] = defaultdict(list)
    for owner, value in pairs:
        if owner not in owners[value]:
            owners[value].append(owner)
    return ((value, names) for value, names in owners.items() if len(names) > 1)
