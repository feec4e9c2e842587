"""Names of images, flavors and networks, as the ids Nova wants."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from vmdirac_py.clouds.api import BadRequest, Unavailable
from vmdirac_py.clouds.closest import closest

from .client import Client
from .errors import unreadable

UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
PAGE = "1000"
Thing = Mapping[str, Any]


def image(client: Client, wanted: str) -> str:
    """Return an image's id. Raises BadRequest where there is none, or several; CloudError."""
    if UUID.fullmatch(wanted):
        return wanted
    found = list(_all(client, "image", "/images", "images", name=wanted, status="active"))
    return _only(wanted, found, "image", lambda: images(client))


def flavor(client: Client, wanted: str) -> str:
    """Return a flavor's id. Raises BadRequest where there is none; CloudError."""
    known = flavors(client)
    found = [each for each in known if wanted in {each["id"], each["name"]}]
    return _only(wanted, found, "flavor", lambda: known)


def network(client: Client, wanted: str) -> str:
    """Return a network's id. Raises BadRequest where there is none, or several; CloudError."""
    if UUID.fullmatch(wanted):
        return wanted
    found = list(_all(client, "network", "/networks", "networks", name=wanted))
    return _only(wanted, found, "network", lambda: networks(client))


def images(client: Client) -> list[Thing]:
    """Return the active images of the project and the public ones. Raises CloudError."""
    return list(_all(client, "image", "/images", "images", status="active"))


def flavors(client: Client) -> list[Thing]:
    """Return the flavors the project may use. Raises CloudError."""
    return list(_all(client, "compute", "/flavors/detail", "flavors"))


def networks(client: Client) -> list[Thing]:
    """Return the networks the project sees. Raises CloudError."""
    return list(_all(client, "network", "/networks", "networks"))


def security_groups(client: Client) -> list[Thing]:
    """Return the project's security groups. Raises CloudError."""
    return list(_all(client, "network", "/security-groups", "security_groups"))


def zones(client: Client) -> list[Thing]:
    """Return the availability zones. Raises CloudError."""
    return _part(client, client.get("compute", "/os-availability-zone"), "availabilityZoneInfo", _named_zone)


def key_pairs(client: Client) -> list[Thing]:
    """Return the user's key pairs. Raises CloudError."""
    return _part(client, client.get("compute", "/os-keypairs"), "keypairs", _named_pair)


def security_group(client: Client, wanted: str) -> str:
    """Return a security group's id. Raises BadRequest where there is none, or several; CloudError."""
    known = security_groups(client)
    return _only(
        wanted, [each for each in known if wanted in {each["id"], each["name"]}], "security group", lambda: known
    )


def unknown(what: str, wanted: str, known: list[Thing]) -> BadRequest:
    """Return the error that a name nobody knows is."""
    names = [str(each["name"]) for each in known]
    return BadRequest(f"no {what} {wanted!r}", mend=closest(wanted, names))


def _only(wanted: str, found: list[Thing], what: str, known: Callable[[], list[Thing]]) -> str:
    if not found:
        raise unknown(what, wanted, known())
    ids = sorted({str(each["id"]) for each in found})
    if len(ids) > 1:
        raise BadRequest(f"{len(ids)} {what}s are called {wanted!r}", mend=f"give an id: {', '.join(ids[:5])}")
    return ids[0]


def _all(client: Client, service: str, path: str, key: str, **filters: str) -> Iterator[Thing]:
    """Yield what a service lists, by pages as large as it likes: each takes the last id as marker."""
    marker: dict[str, str] = {}
    while True:
        body = client.get(service, path, limit=PAGE, **filters, **marker)
        page = _part(client, body, key)
        yield from page
        if not page or not _goes_on(body, key):
            return
        last = {"marker": str(page[-1]["id"])}
        if last == marker:
            raise Unavailable(f"the pages of {key} go round in a circle", where=client.name)
        marker = last


def _goes_on(body: Mapping[str, Any], key: str) -> bool:
    """Tell whether there is a next page; a service may give fewer than asked for: Glance says `next`, others link."""
    links = body.get(f"{key}_links") or ()
    return bool(body.get("next")) or any(link.get("rel") == "next" for link in links)


def _part(client: Client, body: Any, key: str, named: Callable[[Any], Thing] = dict) -> list[Thing]:
    try:
        return [thing for each in body[key] if (thing := named(each))["id"] and "name" in thing]
    except (KeyError, TypeError, ValueError) as error:
        raise unreadable(f"no {key}", where=client.name, acts=False) from error


def _named_zone(zone: Any) -> Thing:
    return {"id": zone["zoneName"], "name": zone["zoneName"]}


def _named_pair(pair: Any) -> Thing:
    return {"id": pair["keypair"]["name"], "name": pair["keypair"]["name"]}
