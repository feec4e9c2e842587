"""EC2 over libcloud: requests by POST, listings by pages, and answers that are what was asked for."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any
from urllib.parse import urlencode, urlsplit

from libcloud.common.base import Response
from libcloud.common.exceptions import BaseHTTPError
from libcloud.compute.base import Node
from libcloud.compute.drivers.ec2 import NAMESPACE, EC2Connection, EC2NodeDriver, EC2Response

from vmdirac_py.clouds.api import CloudLimits
from vmdirac_py.clouds.marks import INSTALLATION

from .cloud import UnreadableError, nodes
from .forms import Named
from .options import Ec2Options
from .wire import Wire, confined

PAGE = "1000"
LIVING = ["pending", "running", "shutting-down", "stopping", "stopped"]
FILTER_VALUES = 200
"""The most values one filter takes (DescribeInstances in the vendor's API reference)."""


class Answer(EC2Response):
    """An answer in whatever namespace: libcloud finds nothing in one that is not exactly its own, and says nothing."""

    def parse_body(self) -> Any:
        """Return the document, its elements in the namespace libcloud looks for."""
        document = super().parse_body()
        for element in document.iter() if hasattr(document, "iter") else ():
            element.tag = f"{{{NAMESPACE}}}{_local(element.tag)}"
        return document

    def parse_error(self) -> str:
        """Return the errors in it as `code: message`."""
        return _errors(super().parse_body())


class Posting(EC2Connection):
    """Sends what libcloud would put into a URL as a form: user data does not belong into servers' logs."""

    responseCls = Answer  # noqa: N815 - libcloud's name

    def request(self, action: str, params: Mapping[str, Any] | None = None, **_: Any) -> Response:  # type: ignore[override]
        """Make a call and all its pages."""
        asked = dict(params or {})
        if asked["Action"] != "DescribeInstances":
            return self._post(action, asked)
        return self._paged(action, asked)

    def _paged(self, path: str, asked: Mapping[str, Any]) -> Response:
        first = page = self._post(path, {**asked, "MaxResults": PAGE})
        seen: set[str] = set()
        while token := _text(page.object, "nextToken"):
            if token in seen:
                raise UnreadableError("the pages of a listing go round in a circle")
            seen.add(token)
            page = self._post(path, {**asked, "MaxResults": PAGE, "NextToken": token})
            _set_of(first.object).extend(_set_of(page.object))
        return first

    def _post(self, path: str, asked: Mapping[str, Any]) -> Response:
        form = urlencode({**asked, "Version": self.version})
        headers = {"Content-Type": "application/x-www-form-urlencoded; charset=utf-8"}
        answer: Response = super().request(path, data=form, headers=headers, method="POST")
        _check(answer, str(asked["Action"]))
        return answer


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


def _check(answer: Response, action: str) -> None:
    """Refuse an answer to something else: in a strange document libcloud finds no instances, and calls that none."""
    document: Any = answer.object
    root = _local(getattr(document, "tag", ""))
    if root == f"{action}Response":
        return
    if errors := (_errors(document) if root else ""):
        raise BaseHTTPError(answer.status, errors)
    raise UnreadableError(f"what came is no answer to {action}")


def _errors(document: Any) -> str:
    found = document.findall(".//{*}Errors/{*}Error") if hasattr(document, "findall") else []
    return "; ".join(f"{error.findtext('{*}Code')}: {error.findtext('{*}Message')}" for error in found)


def _set_of(document: Any) -> Any:
    found = document.find(f"{{{NAMESPACE}}}reservationSet")
    if found is None:
        raise UnreadableError("a listing without its instances")
    return found


def _text(document: Any, name: str) -> str:
    return document.findtext(f"{{{NAMESPACE}}}{name}") or ""


def _local(tag: Any) -> str:
    return str(tag).rpartition("}")[2]
