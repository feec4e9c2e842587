"""Logging in to Keystone: a session of keystoneauth made of the inventory alone.

Nothing is read from the environment, `clouds.yaml` or `.netrc`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

import requests
from keystoneauth1 import access
from keystoneauth1.identity import v3
from keystoneauth1.session import Session

from vmdirac_py.clouds.api import Resolve
from vmdirac_py.clouds.options import verify

from .carrying import Bounded
from .options import METHODS, EndpointOptions

CONNECTIONS = 8


class VomsAuth(v3.FederationBaseAuth):
    """A VOMS proxy as client certificate, mapped by Keystone to a user: the flow of the `v3voms` plugins.

    The proxy is read anew at each login, so that a renewed one is taken.
    """

    def __init__(self, *args: Any, proxy: Path, **scope: Any) -> None:
        super().__init__(*args, **scope)
        self._proxy = proxy

    def get_unscoped_auth_ref(self, session: Session) -> Any:
        """Return the unscoped token that Keystone gives the proxy's owner."""
        reply = session.get(self.federated_token_url, authenticated=False, cert=str(self._proxy), log=False)
        return access.create(resp=reply)


def session_of(options: EndpointOptions, home: Path, *, timeout: float, hook: Callable[..., None]) -> Session:
    """Return what carries calls, each at most `timeout` seconds; `hook` sees every answer."""
    transport = requests.Session()
    transport.trust_env = False
    transport.hooks["response"].append(hook)
    for scheme in ("http://", "https://"):
        transport.mount(scheme, Bounded(pool_maxsize=CONNECTIONS, max_retries=0))
    return Session(
        session=transport, verify=verify(options, home), timeout=timeout, app_name="vmdirac_py", redirect=False
    )


def auth_of(options: EndpointOptions, resolve: Resolve, home: Path) -> v3.BaseAuth:
    """Return what logs in, and again when its token expires. Raises what `resolve` raises."""
    url = options.auth_url.rstrip("/")
    secrets = {key: resolve(getattr(options, key)) for key in sorted(METHODS[options.auth_method].secrets)}
    return PLUGINS[options.auth_method](url if url.endswith("/v3") else f"{url}/v3", options, secrets, home)


def _scope(options: EndpointOptions) -> dict[str, Any]:
    return {"project_name": options.project, "project_domain_name": options.project_domain}


def _application_credential(
    url: str, options: EndpointOptions, secrets: Mapping[str, str], home: Path
) -> v3.ApplicationCredential:
    del home
    return v3.ApplicationCredential(
        url,
        application_credential_id=options.application_credential_id,
        application_credential_secret=secrets["application_credential_secret"],
    )


def _password(url: str, options: EndpointOptions, secrets: Mapping[str, str], home: Path) -> v3.Password:
    del home
    return v3.Password(
        url,
        username=options.username,
        user_domain_name=options.user_domain,
        password=secrets["password"],
        **_scope(options),
    )


def _token(url: str, options: EndpointOptions, secrets: Mapping[str, str], home: Path) -> v3.Token:
    del home
    return v3.Token(url, secrets["token"], **_scope(options))


def _voms(url: str, options: EndpointOptions, secrets: Mapping[str, str], home: Path) -> VomsAuth:
    del secrets
    proxy = home / options.x509_proxy
    return VomsAuth(url, options.identity_provider, options.protocol, proxy=proxy, **_scope(options))


Maker = Callable[[str, EndpointOptions, Mapping[str, str], Path], v3.BaseAuth]
PLUGINS: Mapping[str, Maker] = MappingProxyType(
    {"application_credential": _application_credential, "password": _password, "token": _token, "voms": _voms}
)
