"""What an inventory may say of an OpenStack endpoint and its pools."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from vmdirac_py.clouds.options import Options, TlsOptions, problems_in, tls_warnings
from vmdirac_py.model.inventory import Endpoint, Pool

Url = Annotated[str, StringConstraints(pattern=r"^https?://[^\s/]+")]
Service = Literal["compute", "image", "network", "volume"]
ENDPOINT, POOL = "endpoint_options", "pool_options"


@dataclass(frozen=True, slots=True)
class Method:
    """A way to log in: the options it needs, those that may be given too, and which of them name secrets."""

    needs: frozenset[str]
    allows: frozenset[str] = frozenset()
    secrets: frozenset[str] = frozenset()


PROJECT = frozenset({"project", "project_domain"})
FEDERATED = frozenset({"identity_provider", "protocol", "project"})
METHODS: Mapping[str, Method] = MappingProxyType(
    {
        "application_credential": Method(
            frozenset({"application_credential_id", "application_credential_secret"}),
            secrets=frozenset({"application_credential_secret"}),
        ),
        "password": Method(
            frozenset({"username", "password", "project"}),
            allows=frozenset({"user_domain", "project_domain"}),
            secrets=frozenset({"password"}),
        ),
        "token": Method(
            frozenset({"token", "project"}), allows=frozenset({"project_domain"}), secrets=frozenset({"token"})
        ),
        "voms": Method(FEDERATED | {"x509_proxy"}, allows=frozenset({"project_domain"})),
    }
)
LOGIN = frozenset().union(*(method.needs | method.allows for method in METHODS.values()))


class EndpointOptions(TlsOptions):
    """`endpoint_options`. Secrets are references; domains and the project are names.

    `auth_url` is Keystone's address, with `/v3` or without. `interface` says which of the catalog's addresses are
    meant; `endpoints` replaces addresses of single services where the catalog's cannot be reached from here.
    `x509_proxy` is a file with a VOMS proxy (certificates and key), relative to the installation's home.
    """

    auth_url: Url
    auth_method: Literal["application_credential", "password", "token", "voms"] = "application_credential"
    application_credential_id: str = ""
    application_credential_secret: str = ""
    username: str = ""
    user_domain: str = "Default"
    password: str = ""
    token: str = ""
    identity_provider: str = ""
    protocol: str = ""
    x509_proxy: str = ""
    project: str = ""
    project_domain: str = "Default"
    region: str = ""
    interface: Literal["public", "internal", "admin"] = "public"
    endpoints: Mapping[Service, Url] = {}


class PoolOptions(Options):
    """`pool_options`. Networks, image and flavor are ids or names; security groups are names.

    Without `networks` the project's only network is taken. With `boot_volume_gb` a VM's disk is a volume of that
    size, made of the image and deleted with the VM. `floating_network` gives each VM an address of that external
    network; then each VM is a call of its own.
    """

    networks: Sequence[str] = ()
    security_groups: Sequence[str] = ()
    availability_zone: str = ""
    key_pair: str = ""
    config_drive: bool = True
    boot_volume_gb: Annotated[int, Field(ge=0)] = 0
    boot_volume_type: str = ""
    floating_network: str = ""


def problems(endpoint: Endpoint, pools: Sequence[Pool]) -> list[str]:
    """Return what is wrong with the endpoint's and its pools' options, naming the key."""
    found = problems_in(EndpointOptions, endpoint.options, ENDPOINT) or _login_problems(endpoint.options)
    for pool in pools:
        found += _pool_problems(pool)
    return found


def warnings(endpoint: Endpoint) -> list[str]:
    """Return what of the endpoint's options is allowed but unwise."""
    if problems_in(EndpointOptions, endpoint.options, ENDPOINT):
        return []
    options = EndpointOptions.model_validate(dict(endpoint.options))
    plain = [f"endpoint {endpoint.name}: {ENDPOINT}.auth_url is plain http: secrets can be read on their way"]
    return tls_warnings(options, endpoint.name) + (plain if options.auth_url.startswith("http:") else [])


def _login_problems(given: Mapping[str, object]) -> list[str]:
    name = str(given.get("auth_method", "application_credential"))
    method = METHODS[name]
    missing = sorted(key for key in method.needs if not given.get(key))
    foreign = sorted(key for key in LOGIN & given.keys() if key not in method.needs | method.allows)
    return [f"{ENDPOINT}.{key}: auth_method {name} needs it" for key in missing] + [
        f"{ENDPOINT}.{key}: auth_method {name} does not use it" for key in foreign
    ]


def _pool_problems(pool: Pool) -> list[str]:
    where = f"{POOL} of {pool.name}"
    found = problems_in(PoolOptions, pool.options, where)
    if not found and pool.options.get("boot_volume_type") and not pool.options.get("boot_volume_gb"):
        found.append(f"{where}.boot_volume_type: boot_volume_gb is needed too")
    if not found and pool.options.get("floating_network") and not pool.options.get("networks"):
        found.append(f"{where}.floating_network: networks is needed too")
    return found
