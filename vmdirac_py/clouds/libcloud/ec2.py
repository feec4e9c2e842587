"""EC2 over libcloud: requests by POST, listings by pages, and answers that are what was asked for."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any
from urllib.parse import urlsplit

from libcloud.compute.base import Node
from libcloud.compute.drivers.ec2 import EC2NodeDriver

from vmdirac_py.clouds.api import CloudLimits
from vmdirac_py.clouds.marks import INSTALLATION

from .cloud import UnreadableError, nodes
from .forms import Named
from .lines import confined
from .options import Ec2Options
from .posting import Posting
from .wire import Wire

PAGE = "1000"
LIVING = ["pending", "running", "shutting-down", "stopping", "stopped"]
FILTER_VALUES = 200
"""The most values one filter takes (DescribeInstances in the vendor's API reference)."""


class Driver(EC2NodeDriver):
    """EC2's driver, with one request where libcloud makes two."""

    connectionCls = Posting  # noqa: N815 - libcloud's name

    def ex_describe_addresses(self, nodes: Sequence[Node]) -> dict[str | None, list[str]]:
        """Return nothing more for any of them: a listing bears each instance's public address already."""
        return {node.id: [] for node in nodes}


class Ec2:
    """One account in one region. See `Cloud`."""

    def __init__(self, options: Ec2Options, resolve: Callable[[str], str], wire: Wire) -> None:
        self.region = options.region
        self._driver = confined(Driver, wire)(
            resolve(options.access_key),
            resolve(options.secret_access_key),
            region=options.region,
            token=resolve(options.session_token) if options.session_token else None,
            signature_version="4",
            **_where(options.endpoint_url),
        )

    def create(self, arguments: Mapping[str, Any]) -> Sequence[Node]:
        """Call `create_node`."""
        return nodes(self._driver.create_node(**arguments))

    def listed(self, installation: str) -> Sequence[Node]:
        """Return the instances with this installation's tag."""
        return self._described({f"tag:{INSTALLATION}": installation})

    def found(self, instance_ids: Collection[str]) -> Sequence[Node]:
        """Return those of these that EC2 still knows; a filter, unlike a list of ids, bears with unknown ones."""
        ids = sorted(set(instance_ids))
        parts = [ids[start : start + FILTER_VALUES] for start in range(0, len(ids), FILTER_VALUES)]
        return [node for part in parts for node in self._described({"instance-id": part})]

    def destroy(self, node: Node) -> None:
        """Terminate an instance."""
        if not self._driver.destroy_node(node):
            raise UnreadableError("no yes to a termination")

    def limits(self) -> CloudLimits:
        """Return how many instances live. EC2's limits are of vCPUs, which its own API does not tell."""
        return CloudLimits(used_vms=len(self._described({"instance-state-name": LIVING})))

    def console(self, node: Node) -> str:
        """Return what an instance wrote to its console."""
        return self._driver.ex_get_console_output(node)["output"] or ""

    def known(self, kind: str, name: str) -> Sequence[Named] | None:
        """Return what there is of a kind; of images, of which there are too many, only the one that is meant."""
        ways: dict[str, Callable[[], Any]] = {
            "image": lambda: self._driver.list_images(ex_filters={"image-id": name}),
            "network": self._driver.ex_list_subnets,
            "security group": self._driver.ex_get_security_groups,
        }
        named: dict[str, Callable[[], Any]] = {
            "key pair": self._driver.list_key_pairs,
            "zone": self._driver.ex_list_availability_zones,
        }
        if kind in ways:
            return [Named(thing.id, thing.id) for thing in ways[kind]()]
        return [Named(thing.name, thing.name) for thing in named[kind]()] if kind in named else None

    def find(self, kind: str, name: str) -> Named:
        """Return a thing by its id: EC2 has no names for what is asked for here."""
        del kind
        return Named(name, name)

    def _described(self, filters: Mapping[str, Any]) -> list[Node]:
        return list(self._driver.list_nodes(ex_filters=dict(filters)))


def _where(url: str) -> dict[str, Any]:
    if not url:
        return {}
    parts = urlsplit(url)
    secure = parts.scheme == "https"
    return {"host": parts.hostname, "port": parts.port or (443 if secure else 80), "secure": secure}
