"""Calls to a cloud's services: one HTTP request each, never repeated but for an expired token."""

from __future__ import annotations

import copy
import re
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import requests
from keystoneauth1 import exceptions
from keystoneauth1.identity.v3 import BaseAuth
from keystoneauth1.session import Session

from vmdirac_py.clouds.api import AnswerLost, AuthFailed, CloudError, Resolve, Unavailable
from vmdirac_py.clouds.options import read
from vmdirac_py.model.inventory import Endpoint

from .errors import NoAddress, NotThere, refusal, unreadable
from .failures import login_error, mend_of, unsent, words_of
from .login import auth_of, session_of
from .options import ENDPOINT, EndpointOptions
from .skew import Skew
from .texts import text_of

LONGEST_CONNECT = 10.0
MICROVERSION = "2.69"
"""Stein (2019), the first that shows servers of an unreachable cell instead of leaving them out."""
UNAUTHORIZED = 401


@dataclass(frozen=True, slots=True)
class Kind:
    """A service: its type in the catalog, its API version at the end of an address, and headers of each call."""

    type: str
    version: str
    headers: Mapping[str, str]


_NOVA = {"OpenStack-API-Version": f"compute {MICROVERSION}", "X-OpenStack-Nova-API-Version": MICROVERSION}
SERVICES: Mapping[str, Kind] = {
    "compute": Kind("compute", "v2.1", _NOVA),
    "image": Kind("image", "v2", {}),
    "network": Kind("network", "v2.0", {}),
    "volume": Kind("block-storage", "v3", {}),
}
VERSIONED = re.compile(r"/v\d[\d.]*(/[^/]+)?$")


class Client:
    """A tenant's services.

    Args:
        name: the endpoint's name, for errors.
        auth: logs in when it is first used.
        session: carries the calls.
        options: which addresses of the catalog are meant.
        timeout: seconds a single call may take.
        skew: knows how far the clocks are apart.
    """

    def __init__(
        self, name: str, auth: BaseAuth, session: Session, options: EndpointOptions, timeout: float, skew: Skew
    ) -> None:
        self.name = name
        self._auth = auth
        self.timeout = timeout
        self._session = session
        self._options = options
        self._skew = skew
        self._until = float("inf")

    def bounded(self) -> Client:
        """Return a client of the same session whose calls together may take no longer than one."""
        made = copy.copy(self)
        made._until = time.monotonic() + self.timeout  # noqa: SLF001 - of this very class
        return made

    def get(self, service: str, path: str, **params: str) -> Any:
        """Return what is read there. Raises CloudError."""
        return self._call(service, "GET", path, acts=False, params=params)

    def post(self, service: str, path: str, body: Any, *, acts: bool = True) -> Any:
        """Return the answer to a request that changes something, if it `acts`. Raises CloudError."""
        return self._call(service, "POST", path, acts=acts, json=body)

    def delete(self, service: str, path: str) -> None:
        """Delete something; what is gone already is success. Raises CloudError."""
        try:
            answer = self._call(service, "DELETE", path, acts=True)
        except NotThere:
            return
        if answer:
            raise unreadable(str(answer), where=f"{self.name}, DELETE {service} {path}", acts=True)

    def offers(self, service: str) -> bool:
        """Tell whether the project can use a service. Raises CloudError."""
        try:
            self._token()
            return bool(self._address(service))
        except NoAddress:
            return False

    def login(self) -> None:
        """Log in, if we are not. Raises CloudError."""
        self._token()

    def _call(self, service: str, method: str, path: str, *, acts: bool, **rest: Any) -> Any:
        where = f"{self.name}, {method} {service} {path}"
        reply = self._send(service, method, path, where, acts=acts, rest=rest)
        if reply.status_code == UNAUTHORIZED:
            self._auth.invalidate()
            reply = self._send(service, method, path, where, acts=acts, rest=rest)
        return self._read(reply, where, acts=acts)

    def _send(
        self, service: str, method: str, path: str, where: str, *, acts: bool, rest: Mapping[str, Any]
    ) -> requests.Response:
        token, base = self._token(), self._address(service)
        headers = {"X-Auth-Token": token, "Accept": "application/json", **SERVICES[service].headers}
        left = min(self.timeout, self._until - time.monotonic())
        if left <= 0:
            raise Unavailable(f"no time left of {self.timeout:g} s; the call was not sent", where=where)
        bounds = (min(left, LONGEST_CONNECT), left)
        try:
            # `log` would write user data and tokens where somebody debugs.
            given: dict[str, Any] = {"headers": headers, "timeout": bounds, "authenticated": False, "log": False}
            return self._session.request(f"{base}{path}", method, raise_exc=False, **given, **rest)
        except exceptions.ClientException as error:
            lost = acts and not unsent(error)
            raise (AnswerLost if lost else Unavailable)(words_of(error), where=where, mend=mend_of(error)) from error

    def _read(self, reply: requests.Response, where: str, *, acts: bool) -> Any:
        if not reply.ok or reply.is_redirect:
            raise self._refused(reply, where, acts=acts)
        if not reply.content:
            return {}
        try:
            return reply.json()
        except ValueError as error:
            raise unreadable(text_of(reply), where=where, acts=acts) from error

    def _refused(self, reply: requests.Response, where: str, *, acts: bool) -> CloudError:
        error = refusal(reply.status_code, text_of(reply), where=where, acts=acts)
        return self._named(error) if isinstance(error, AuthFailed) else error

    def _token(self) -> str:
        try:
            token = self._auth.get_access(self._session)
            late = token.will_expire_soon(0)
        except (exceptions.ClientException, KeyError, TypeError, ValueError, AttributeError, OSError) as error:
            failed = login_error(error, where=f"{self.name}, login")
            raise (self._named(failed) if isinstance(failed, AuthFailed) else failed) from error
        if late:
            raise self._named(AuthFailed("by this machine's clock a fresh token has expired already", where=self.name))
        return str(token.auth_token)

    def _named(self, error: CloudError) -> CloudError:
        """Return the error, naming the clocks where they are apart."""
        clocks = self._skew.words()
        return type(error)(error.what, where=error.where, mend=clocks) if clocks else error

    def _address(self, service: str) -> str:
        kind = SERVICES[service]
        given = self._options.endpoints.get(service) or self._catalogued(kind)  # type: ignore[call-overload]
        base = str(given).rstrip("/")
        return base if VERSIONED.search(base) else f"{base}/{kind.version}"

    def _catalogued(self, kind: Kind) -> str:
        wanted: dict[str, Any] = {"service_type": kind.type, "interface": self._options.interface}
        region = self._options.region or None
        try:
            found = self._auth.get_endpoint(self._session, region_name=region, skip_discovery=True, **wanted)
        except exceptions.CatalogException:
            found = None
        if not found:
            told = f"the catalog has no {self._options.interface} address of {kind.type} in region {region or 'any'}"
            raise NoAddress(told, where=self.name, mend=f"check {ENDPOINT}.region, .interface and .endpoints")
        return str(found)


def client_of(endpoint: Endpoint, resolve: Resolve, home: Path) -> Client:
    """Return an endpoint's client. Raises Unusable, and what `resolve` raises."""
    options = read(EndpointOptions, endpoint.options, ENDPOINT)
    skew = Skew()
    session = session_of(options, home, timeout=endpoint.client_timeout, hook=skew)
    return Client(endpoint.name, auth_of(options, resolve, home), session, options, endpoint.client_timeout, skew)
