"""What the driver understands of `endpoint_options` and `pool_options`."""

from __future__ import annotations

from collections.abc import Sequence
from ipaddress import ip_address
from typing import Annotated
from urllib.parse import urlsplit

from pydantic import AfterValidator

from vmdirac_py.base.errors import Unusable
from vmdirac_py.clouds.api import BadRequest
from vmdirac_py.clouds.options import Options, TlsOptions, problems_in, read, tls_warnings
from vmdirac_py.model.inventory import Endpoint, Pool

REFERENCES = ("env:", "file:")


def _url(value: str) -> str:
    parts = urlsplit(value)
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise ValueError("must be like https://HOST:2633/RPC2")
    if parts.username or parts.password or parts.query or parts.fragment:
        raise ValueError("must hold no user, query or fragment; the session is a reference of its own")
    return value


def _reference(value: str) -> str:
    if not value.startswith(REFERENCES):
        raise ValueError("must be a reference (file:PATH or env:NAME) to a text `user:password` or `user:token`")
    return value


class EndpointOptions(TlsOptions):
    """`url` of the front end's XML-RPC interface, and where the session (`user:password`, `user:token`) lies."""

    url: Annotated[str, AfterValidator(_url)]
    session: Annotated[str, AfterValidator(_reference)]


class PoolOptions(Options):
    """`resize`: VMs get the pool's cores and memory instead of the template's own CPU, VCPU and MEMORY."""

    resize: bool = False


def endpoint_options(endpoint: Endpoint) -> EndpointOptions:
    """Return an endpoint's options. Raises Unusable."""
    return read(EndpointOptions, endpoint.options, f"endpoint {endpoint.name}, endpoint_options")


def pool_options(pool: Pool) -> PoolOptions:
    """Return a pool's options. Raises BadRequest."""
    try:
        return read(PoolOptions, pool.options, f"pool {pool.name}, pool_options")
    except Unusable as error:
        raise BadRequest(error.what, where=error.where, mend=error.mend) from error


def problems(endpoint: Endpoint, pools: Sequence[Pool]) -> list[str]:
    """Return what is wrong with the endpoint's and its pools' options, naming the key."""
    found = problems_in(EndpointOptions, endpoint.options, "endpoint_options")
    for pool in pools:
        found += problems_in(PoolOptions, pool.options, f"pool {pool.name}, pool_options")
    return found


def warnings(endpoint: Endpoint) -> list[str]:
    """Return what is allowed but unwise: no verification, or a password sent in clear text over a network."""
    if problems_in(EndpointOptions, endpoint.options, ""):
        return []
    options = endpoint_options(endpoint)
    return [*tls_warnings(options, endpoint.name), *_clear_text(options, endpoint.name)]


def _clear_text(options: EndpointOptions, endpoint: str) -> list[str]:
    parts = urlsplit(options.url)
    if parts.scheme == "https" or _loopback(parts.hostname or ""):
        return []
    return [f"endpoint {endpoint}: http sends the session in clear text; give endpoint_options.url as https://"]


def _loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
