"""What `endpoint_options` and `pool_options` may say, provider by provider."""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import urlsplit

from pydantic import Field

from vmdirac_py.clouds.options import Options, TlsOptions


class ProviderOptions(TlsOptions):
    """What every provider's endpoint understands."""

    provider: str

    def urls(self) -> Mapping[str, str]:
        """Return the addresses among the options, by key."""
        return {}

    def problems(self) -> list[str]:
        """Return what is wrong between options that are each right, naming the keys."""
        return [
            f"endpoint_options.{key}: must be http:// or https:// and a host"
            for key, url in self.urls().items()
            if url and not _usable(url)
        ]


class Ec2Options(ProviderOptions):
    """EC2: `endpoint_url` only for a cloud that is not the vendor's; both keys are references to secrets."""

    region: str
    access_key: str
    secret_access_key: str
    session_token: str = ""
    endpoint_url: str = ""

    def urls(self) -> Mapping[str, str]:
        """Return the addresses among the options, by key."""
        return {"endpoint_url": self.endpoint_url}


class OpenStackOptions(ProviderOptions):
    """OpenStack: an application credential, or a user with a password and a project."""

    auth_url: str
    region: str = ""
    application_credential_id: str = ""
    application_credential_secret: str = ""
    username: str = ""
    password: str = ""
    user_domain: str = "Default"
    project: str = ""
    project_domain_id: str = "default"

    def urls(self) -> Mapping[str, str]:
        """Return the addresses among the options, by key."""
        return {"auth_url": self.auth_url}

    def problems(self) -> list[str]:
        """Return what is wrong between options that are each right, naming the keys."""
        found = super().problems()
        ways = (("application_credential_id", "application_credential_secret"), ("username", "password", "project"))
        begun = [keys for keys in ways if any(getattr(self, key) for key in keys)]
        if len(begun) != 1:
            either = " or ".join(" and ".join(keys) for keys in ways)
            return [*found, f"endpoint_options: needs either {either}"]
        lacking = [key for key in begun[0] if not getattr(self, key)]
        return [*found, *(f"endpoint_options.{key}: is missing" for key in lacking)]


class PoolOptions(Options):
    """The words a pool may use; which of them mean something is the provider's map to say."""

    networks: list[str] = Field(default=[])
    security_groups: list[str] = Field(default=[])
    key_pair: str = ""
    zone: str = ""
    config_drive: bool = False
    instance_profile: str = ""
    public_address: bool = False


def _usable(url: str) -> bool:
    try:
        parts = urlsplit(url)
        return parts.scheme in {"http", "https"} and bool(parts.hostname) and (parts.port or 1) > 0
    except ValueError:
        return False
