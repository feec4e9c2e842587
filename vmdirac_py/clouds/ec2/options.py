"""The options of an EC2 endpoint and of its pools."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Self

from pydantic import Field, model_validator

from vmdirac_py.clouds.options import Options, TlsOptions, problems_in, read, tls_warnings
from vmdirac_py.model.inventory import Endpoint, Pool


class EndpointOptions(TlsOptions):
    """`endpoint_options`.

    `access_key`, `secret_access_key` and `session_token` are references to secrets, and the only credentials there
    are. `endpoint_url`: empty for the one boto3 knows for the region. `trust_max_instances`: whether the account's
    attribute max-instances is a limit that holds (the vendor's own cloud tells a number it no longer goes by).
    """

    region: str = Field(min_length=1)
    endpoint_url: str = Field("", pattern=r"^(https?://\S+)?$")
    access_key: str = Field(min_length=1)
    secret_access_key: str = Field(min_length=1)
    session_token: str = ""
    trust_max_instances: bool = False


class PoolOptions(Options):
    """`pool_options`: what a launch names beside image and flavor; what is empty is left to template and cloud.

    `subnets` are tried in turn while the cloud has no capacity. `instance_profile` is a name or an ARN,
    `launch_template` a name or an id (`lt-...`), `spot_max_price` is per hour (empty: the on-demand price).
    """

    launch_template: str = ""
    launch_template_version: str = "$Default"
    subnets: list[str] = Field(default_factory=list)
    security_groups: list[str] = Field(default_factory=list)
    key_pair: str = ""
    instance_profile: str = ""
    spot: bool = False
    spot_max_price: str = Field("", pattern=r"^([0-9]+(\.[0-9]+)?)?$")

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        if self.spot_max_price and not self.spot:
            raise ValueError("spot_max_price means nothing without spot: true")
        if len(set(self.subnets)) != len(self.subnets):
            raise ValueError("a subnet is named twice in subnets")
        return self


def endpoint_options(endpoint: Endpoint) -> EndpointOptions:
    """Return the options of an endpoint. Raises Unusable."""
    return read(EndpointOptions, endpoint.options, "endpoint_options")


def pool_options(pool: Pool) -> PoolOptions:
    """Return the options of a pool. Raises Unusable."""
    return read(PoolOptions, pool.options, "pool_options")


def problems(endpoint: Endpoint, pools: Sequence[Pool]) -> list[str]:
    """Return what is wrong with the endpoint's and its pools' options, naming the key."""
    found = problems_in(EndpointOptions, endpoint.options, "endpoint_options")
    for pool in pools:
        found += [f"{problem} (of {pool.name})" for problem in problems_in(PoolOptions, pool.options, "pool_options")]
    return found


def warnings(endpoint: Endpoint) -> list[str]:
    """Return what is allowed but unwise: certificates not verified, or no TLS at all; what is wrong is a problem."""
    if problems(endpoint, []):
        return []
    options = endpoint_options(endpoint)
    found = tls_warnings(options, endpoint.name)
    if options.endpoint_url.startswith("http:"):
        found.append(
            f"endpoint {endpoint.name}: endpoint_options.endpoint_url is http: user data can be read on its way"
        )
    return found
