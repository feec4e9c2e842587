"""OpenStack over libcloud: names looked up, answers that hold what was asked for, a new login where a token ended."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any
from uuid import UUID

from libcloud.common.exceptions import BaseHTTPError
from libcloud.compute.base import Node
from libcloud.compute.drivers.openstack import OpenStack_2_NodeDriver

from vmdirac_py.clouds.api import BadRequest, CloudLimits
from vmdirac_py.clouds.closest import closest

from .careful import Careful
from .cloud import UnreadableError, nodes
from .forms import Named
from .lines import confined
from .options import OpenStackOptions
from .wire import Wire

GONE = 404
UNPLACED = frozenset({404, 409})
"""What Nova answers where it is asked for the console of a server that has no host yet."""
LIMITS = {
    "max_vms": "maxTotalInstances",
    "max_cores": "maxTotalCores",
    "used_vms": "totalInstancesUsed",
    "used_cores": "totalCoresUsed",
}


class Driver(OpenStack_2_NodeDriver):
    """OpenStack's driver; prices are the inventory's, not those of a file in the user's home."""

    def _get_size_price(self, size_id: str) -> float:
        del size_id
        return 0.0


class OpenStack:
    """One project in one region. See `Cloud`."""

    def __init__(self, options: OpenStackOptions, resolve: Callable[[str], str], wire: Wire) -> None:
        self.region = options.region
        self._driver = confined(Driver, wire, Careful)(
            **_login(options, resolve),
            ex_force_auth_url=options.auth_url.rstrip("/").removesuffix("/v3"),  # libcloud adds it
            ex_force_service_region=options.region,
        )

    def create(self, arguments: Mapping[str, Any]) -> Sequence[Node]:
        """Call `create_node`."""
        return nodes(self._driver.create_node(**arguments))

    def listed(self, installation: str) -> Sequence[Node]:
        """Return every instance of the project: Nova has no filter by metadata."""
        del installation
        return list(self._driver.list_nodes())

    def found(self, instance_ids: Collection[str]) -> Sequence[Node]:
        """Return those of these that the project still has."""
        return [node for node in self._driver.list_nodes() if node.id in instance_ids]

    def destroy(self, node: Node) -> None:
        """Delete an instance; one already gone is deleted."""
        try:
            accepted = self._driver.destroy_node(node)
        except BaseHTTPError as error:
            if error.code == GONE:
                return
            raise
        if not accepted:
            raise UnreadableError("no yes to a deletion")

    def limits(self) -> CloudLimits:
        """Return the project's limits and use."""
        told = self._driver.connection.request("/limits").object["limits"]["absolute"]
        return CloudLimits(**{ours: _limit(told.get(theirs)) for ours, theirs in LIMITS.items()})

    def console(self, node: Node) -> str:
        """Return what an instance wrote to its console; before it is placed it has none."""
        try:
            return str(self._driver.ex_get_console_output(node)["output"] or "")
        except BaseHTTPError as error:
            if error.code in UNPLACED:
                return ""
            raise

    def find(self, kind: str, name: str) -> Named:
        """Return the image, flavor or network with this name; an id is left to Nova to judge."""
        if _is_id(name):
            return Named(name, name)
        known = self.known(kind, name) or []
        found = [thing for thing in known if name in (thing.id, thing.name)]
        if len(found) == 1:
            return found[0]
        if found:
            raise BadRequest(f"{len(found)} {kind}s are called {name!r}", mend="write the id of the one you mean")
        raise BadRequest(f"there is no {kind} {name!r}", mend=closest(name, [thing.name for thing in known]))

    def known(self, kind: str, name: str) -> Sequence[Named] | None:
        """Return what there is of a kind; of images, which may be thousands, those of that name if there are any."""
        if kind == "image" and (found := self._images(name)):
            return found
        ways: dict[str, Callable[[], Any]] = {
            "image": self._driver.list_images,
            "flavor": self._driver.list_sizes,
            "network": self._driver.ex_list_networks,
            "security group": self._driver.ex_list_security_groups,
            "key pair": self._driver.list_key_pairs,
        }
        return [Named(getattr(thing, "id", thing.name), thing.name) for thing in ways[kind]()] if kind in ways else None

    def _images(self, name: str) -> list[Named]:
        told = self._driver.image_connection.request("/v2/images", params={"name": name})
        return [Named(image["id"], image["name"]) for image in told.object["images"]]


def _login(options: OpenStackOptions, resolve: Callable[[str], str]) -> dict[str, Any]:
    if options.application_credential_id:
        return {
            "key": options.application_credential_id,
            "secret": resolve(options.application_credential_secret),
            "ex_force_auth_version": "3.x_appcred",
        }
    return {
        "key": options.username,
        "secret": resolve(options.password),
        "ex_force_auth_version": "3.x_password",
        "ex_domain_name": options.user_domain,
        "ex_tenant_name": options.project,
        "ex_tenant_domain_id": options.project_domain_id,
    }


def _is_id(name: str) -> bool:
    try:
        return str(UUID(name)) == name
    except ValueError:
        return False


def _limit(told: Any) -> int | None:
    """Return a limit as told; Nova's word for none is -1."""
    return told if isinstance(told, int) and told >= 0 else None
