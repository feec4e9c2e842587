"""What of an endpoint and its pools would not work, looked up before anything is launched."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cache, partial
from typing import Any

from vmdirac_py.clouds.api import CloudError, Finding
from vmdirac_py.clouds.closest import closest
from vmdirac_py.clouds.options import problems_in
from vmdirac_py.model.inventory import Pool

from . import names
from .client import Client
from .listing import listed
from .options import POOL, PoolOptions
from .reading import limits_of

Listed = Callable[[str], list[names.Thing]]
LISTS: Mapping[str, Callable[[Client], list[names.Thing]]] = {
    "image": names.images,
    "flavor": names.flavors,
    "network": names.networks,
    "outside network": names.networks,
    "security group": names.security_groups,
    "zone": names.zones,
    "key pair": names.key_pairs,
}
OUTSIDE: Mapping[str, bool] = {"network": False, "outside network": True}
WRONG_SIDE: Mapping[str, tuple[str, str]] = {
    "network": ("is an outside network: VMs cannot be put on it", f"{POOL}.networks: name an inner one"),
    "outside network": ("is no outside network: it has no addresses to give", f"mend {POOL}.floating_network"),
}


def inspect(client: Client, installation: str, pools: Sequence[Pool]) -> list[Finding]:
    """Return a finding for login, quota, marks, and each thing that a pool names; never raises CloudError."""
    login = _tried("login", lambda: _login(client))
    if not login.ok:
        return [login]
    lists = cache(lambda what: LISTS[what](client))
    project = [_tried("quota", lambda: _quota(client)), _tried("marks", lambda: _marks(client, installation))]
    return [login, *project, *(found for pool in pools for found in _pool(lists, pool))]


def _tried(about: str, look: Callable[[], Finding]) -> Finding:
    try:
        return look()
    except CloudError as error:
        return Finding(about, ok=False, text=f"{error.where}: {error.what}", mend=error.mend)


def _login(client: Client) -> Finding:
    client.login()
    return Finding("login", ok=True, text="a token was given")


def _quota(client: Client) -> Finding:
    try:
        told = limits_of(client.get("compute", "/limits"))
    except (KeyError, TypeError, ValueError):
        return Finding("quota", ok=False, text="the limits cannot be read")
    text = f"{told.used_vms} of {_most(told.max_vms)} VMs, {told.used_cores} of {_most(told.max_cores)} cores in use"
    full = _full(told.used_vms, told.max_vms) or _full(told.used_cores, told.max_cores)
    return Finding("quota", ok=not full, text=text, mend="ask the cloud for more" if full else "")


def _marks(client: Client, installation: str) -> Finding:
    marked = listed(client)
    mine = sum(each.mark.installation == installation for each in marked)
    text = f"{mine} servers bear the mark of this installation, {len(marked) - mine} that of others"
    return Finding("marks", ok=True, text=text)


def _most(limit: int | None) -> str:
    return "any number of" if limit is None else str(limit)


def _full(used: int | None, limit: int | None) -> bool:
    return limit is not None and (used or 0) >= limit


def _pool(lists: Listed, pool: Pool) -> Iterator[Finding]:
    wrong = problems_in(PoolOptions, pool.options, f"{POOL} of {pool.name}")
    if wrong:
        yield Finding(f"options of {pool.name}", ok=False, text="; ".join(wrong), mend="run `vmdirac inventory check`")
        return
    for what, wanted in _named(pool, PoolOptions.model_validate(dict(pool.options))):
        about = f"{what} of {pool.name}"
        yield _tried(about, partial(_look, lists, what, wanted, about, pool))


def _look(lists: Listed, what: str, wanted: str, about: str, pool: Pool) -> Finding:
    found = _known(about, wanted, lists(what), pool)
    return _reachable(found, wanted, what, lists(what)) if found.ok and what in OUTSIDE else found


def _named(pool: Pool, options: PoolOptions) -> Iterator[tuple[str, str]]:
    """Yield what a pool names, by kind."""
    yield from (("flavor", pool.flavor), ("image", pool.image))
    yield from (("network", each) for each in options.networks)
    yield from (("outside network", each) for each in (options.floating_network,) if each)
    yield from (("security group", each) for each in options.security_groups)
    yield from (("zone", each) for each in (options.availability_zone,) if each)
    yield from (("key pair", each) for each in (options.key_pair,) if each)


def _reachable(found: Finding, wanted: str, what: str, known: list[names.Thing]) -> Finding:
    """Tell networks for VMs from those for addresses: Nova takes what is meant for addresses, and ends in ERROR."""
    thing = next(each for each in known if wanted in {each["id"], each["name"]})
    outside = bool(thing.get("router:external"))
    if outside == OUTSIDE[what] or (outside and thing.get("shared")):
        return found
    side, mend = WRONG_SIDE[what]
    return Finding(found.about, ok=False, text=f"{wanted!r} {side}", mend=mend)


def _known(about: str, wanted: str, known: list[names.Thing], pool: Pool) -> Finding:
    found = {str(each["id"]): each for each in known if wanted in {each["id"], each["name"]}}
    if not found:
        mend = closest(wanted, (str(each["name"]) for each in known))
        return Finding(about, ok=False, text=f"the cloud has no {wanted!r}", mend=mend)
    if len(found) > 1:
        mend = f"give an id: {', '.join(sorted(found)[:5])}"
        return Finding(about, ok=False, text=f"{len(found)} are called {wanted!r}", mend=mend)
    (thing,) = found.values()
    return _fitting(about, wanted, thing, pool)


def _fitting(about: str, wanted: str, thing: Mapping[str, Any], pool: Pool) -> Finding:
    """Tell a flavor apart that is smaller than what its pool promises to jobs."""
    promised = {"vcpus": ("pool_cores", pool.resources.cores), "ram": ("pool_ram_mb", pool.resources.ram_mb)}
    for key, (option, wish) in promised.items():
        if key in thing and int(thing[key]) < wish:
            text = f"{wanted!r} has {key} {thing[key]}, {option} says {wish}"
            return Finding(about, ok=False, text=text, mend=f"set {option} to {thing[key]}, or take another flavor")
    return Finding(about, ok=True, text=f"{wanted!r} is there")
