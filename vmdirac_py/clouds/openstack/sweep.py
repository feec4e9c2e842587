"""What is left of servers that are gone: addresses, ports and volumes that bear our mark."""

from __future__ import annotations

import json
import time
from collections.abc import Collection, Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

from vmdirac_py.clouds.marks import INSTALLATION

from .client import Client
from .errors import NotThere, unreadable
from .floating import described

AT_WORK = 900.0
"""Seconds: what is younger may belong to a launch that is still at work."""
LOOSE_VOLUMES = frozenset({"available", "error", "error_deleting"})
Thing = Mapping[str, Any]


def sweep(client: Client, installation: str, living: Collection[str]) -> list[str]:
    """Delete what bears our mark and belongs to none of the `living` servers; return it in words. Raises CloudError."""
    told = []
    try:
        found = [*_network(client, installation, living), *_volumes(client, installation)]
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise unreadable(f"{type(error).__name__}: {error}", where=f"{client.name}, sweep", acts=False) from error
    for service, path, words in found:
        client.delete(service, path)
        told.append(words)
    return told


def mark_volumes(client: Client, installation: str, server: Thing) -> None:
    """Give our mark to the volumes that go when a server goes, so that one that stays is found. Raises CloudError."""
    for volume in _list(server, "os-extended-volumes:volumes_attached", client.name):
        if volume.get("delete_on_termination"):
            client.post("volume", f"/volumes/{volume['id']}/metadata", {"metadata": {INSTALLATION: installation}})


def _network(client: Client, installation: str, living: Collection[str]) -> Iterator[tuple[str, str, str]]:
    mine = described(installation)
    ports = [each for each in _listed(client, "ports", mine) if _old(each)]
    dead = {port["id"] for port in ports if port["device_id"] not in living and _gone(client, port["device_id"])}
    for address in _listed(client, "floatingips", mine):
        if _old(address) and (not address["port_id"] or address["port_id"] in dead):
            yield "network", f"/floatingips/{address['id']}", f"address {address['floating_ip_address']}"
    for port in sorted(dead):
        yield "network", f"/ports/{port}", f"port {port}"


def _gone(client: Client, server: str) -> bool:
    """Ask for the server itself: a long listing lacks those of a cell that was down while it was read."""
    if not server:
        return True
    try:
        client.get("compute", f"/servers/{server}")
    except NotThere:
        return True
    return False


def _volumes(client: Client, installation: str) -> Iterator[tuple[str, str, str]]:
    if not client.offers("volume"):
        return
    body = client.get("volume", "/volumes/detail", metadata=json.dumps({INSTALLATION: installation}))
    for volume in _list(body, "volumes", client.name):
        ours = volume["metadata"].get(INSTALLATION) == installation
        if ours and volume["status"] in LOOSE_VOLUMES and not volume["attachments"]:
            yield "volume", f"/volumes/{volume['id']}", f"volume {volume['id']}"


def _listed(client: Client, key: str, description: str) -> list[Thing]:
    body = client.get("network", f"/{key}", description=description)
    return [each for each in _list(body, key, client.name) if each["description"] == description]


def _list(body: Any, key: str, where: str) -> list[Thing]:
    try:
        return list(body[key])
    except (KeyError, TypeError) as error:
        raise unreadable(f"no {key}", where=where, acts=False) from error


def _old(thing: Thing) -> bool:
    made = datetime.fromisoformat(thing["created_at"]).replace(tzinfo=UTC)
    return time.time() - made.timestamp() > AT_WORK
