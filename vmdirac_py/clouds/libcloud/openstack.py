"""OpenStack over libcloud: names looked up, answers that hold what was asked for, a new login where a token ended."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any
from uuid import UUID

from libcloud.common.base import Response
from libcloud.common.exceptions import BaseHTTPError
from libcloud.common.types import LibcloudError
from libcloud.compute.base import Node
from libcloud.compute.drivers.openstack import OpenStack_2_NodeDriver

from vmdirac_py.clouds.api import BadRequest, CloudLimits
from vmdirac_py.clouds.closest import closest

from .cloud import UnreadableError, nodes
from .forms import Named
from .options import OpenStackOptions
from .wire import Once, Wire, confined

UNAUTHORIZED, GONE = 401, 404
HELD: Mapping[str, str] = {
    "/servers/detail": "servers",
    "/flavors/detail": "flavors",
    "/limits": "limits",
    "/v2/images": "images",
    "/v2.0/networks": "networks",
}
"""What an answer must hold: where it is missing libcloud reads an empty list."""
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


class Careful:
    """Mixed into every connection of the driver."""

    # a catalog is searched by type, and region where one is given; the names in it are anybody's
    service_name = None
    service_region = None

    def request(self, action: str, *args: Any, **kwargs: Any) -> Response:
        """Ask, and see that the answer holds what was asked for."""
        answer = self._ask(action, *args, **kwargs)
        held = HELD.get(action.partition("?")[0])
        if held and not (isinstance(answer.object, dict) and held in answer.object):
            raise UnreadableError(f"an answer without {held}")
        return answer

    def _ask(self, action: str, *args: Any, **kwargs: Any) -> Response:
        """Ask once more where a token ended before its time: libcloud has let go of it and logs in anew."""
        try:
            return super().request(action, *args, **kwargs)  # type: ignore[misc, no-any-return]
        except BaseHTTPError as error:
            if error.code != UNAUTHORIZED:
                raise
        return super().request(action, *args, **kwargs)  # type: ignore[misc, no-any-return]

    def get_endpoint(self) -> str:
        """Return a service's address. Raises BadRequest: the catalog has none, or several."""
        try:
            return str(super().get_endpoint())  # type: ignore[misc]
        except (ValueError, LibcloudError) as error:
            mend = "see endpoint_options.region"
            raise BadRequest("the catalog does not have exactly one such service there", mend=mend) from error

    def get_auth_class(self) -> Any:
        """Return what logs in; it asks once, too."""
        login = super().get_auth_class()  # type: ignore[misc]
        login.retryCls = Once
        return login


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
        """Return what an instance wrote to its console."""
        return str(self._driver.ex_get_console_output(node)["output"] or "")

    def find(self, kind: str, name: str) -> Named:
        """Return the image, flavor or network with this name; an id is left to Nova to judge."""
        if _is_id(name):
            return Named(name, name)
        found = [thing for thing in self._likely(kind, name) if name in (thing.id, thing.name)]
        if len(found) == 1:
            return found[0]
        if found:
            raise BadRequest(f"{len(found)} {kind}s are called {name!r}", mend="write the id of the one you mean")
        raise BadRequest(
            f"there is no {kind} {name!r}", mend=closest(name, [thing.name for thing in self._known(kind)])
        )

    def _likely(self, kind: str, name: str) -> list[Named]:
        if kind != "image":
            return self._known(kind)
        told = self._driver.image_connection.request("/v2/images", params={"name": name})  # there may be thousands
        return [Named(image["id"], image["name"]) for image in told.object["images"]]

    def _known(self, kind: str) -> list[Named]:
        ways = {
            "image": self._driver.list_images,
            "flavor": self._driver.list_sizes,
            "network": self._driver.ex_list_networks,
        }
        return [Named(thing.id, thing.name) for thing in ways[kind]()]


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
