"""libcloud's connections for one endpoint: over its own wire, trusting what the inventory says, reading nothing else.

libcloud leaves all of this to globals and the environment (`libcloud.security`, `LIBCLOUD_RETRY_FAILED_HTTP_REQUESTS`,
proxies, `.netrc`). Here each endpoint has connection classes of its own instead, so that nothing is shared.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from urllib.parse import urljoin

import requests
from libcloud.common.base import Connection
from libcloud.http import LibcloudConnection

from .wire import Wire


def line_class(wire: Wire) -> type[LibcloudConnection]:
    """Return what libcloud opens its connections with, so that they all go over `wire`."""

    class Line(LibcloudConnection):
        def __init__(self, *args: Any, **kwargs: Any) -> None:
            super().__init__(*args, **kwargs)
            self._session = requests.Session()
            self._session.trust_env = False  # no proxies, authorities or .netrc behind the inventory's back

        def request(self, method: str, url: str, body: Any = None, headers: Any = None, *_: Any, **__: Any) -> None:
            """Make a request; what else libcloud may ask for (raw, stream, hooks) is for storage."""
            where = urljoin(self.host or "", url)
            self.response = wire.ask(self._session, method, where, body, self._normalize_headers(headers))

        prepared_request = request

    return Line


class Once:
    """What libcloud wraps a request in when an environment variable asks for retries: nothing."""

    def __init__(self, **_: Any) -> None:
        """Take what libcloud gives."""

    def __call__(self, function: Callable[..., Any]) -> Callable[..., Any]:
        """Return the function as it is."""
        return function


def confined(driver: type[Any], wire: Wire, *also: type[Any]) -> type[Any]:
    """Return a libcloud driver class all of whose connections go over `wire`, once, and are `also` of these classes."""
    own = {"conn_class": line_class(wire), "retryCls": Once}
    kinds = {name: type(kind.__name__, (*also, kind), own) for name, kind in _connections(driver)}
    return type(driver.__name__, (driver,), kinds)


def _connections(driver: type[Any]) -> list[tuple[str, type[Any]]]:
    members = [(name, getattr(driver, name)) for name in dir(driver)]
    return [(name, kind) for name, kind in members if isinstance(kind, type) and issubclass(kind, Connection)]
