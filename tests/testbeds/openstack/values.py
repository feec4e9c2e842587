"""What the bed gives to those who use it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import msgspec

REGION = "RegionOne"
DOMAIN = "Default"
"""Name of the one domain of users and projects; its id is `default`."""
UNLIMITED = -1


class Account(msgspec.Struct, frozen=True, kw_only=True):
    """A user and the project it works in, both of the domain `DOMAIN`; secrets stand in files (mode 600)."""

    user: str
    password_file: Path
    project: str
    project_id: str
    domain: str = DOMAIN

    @property
    def password(self) -> str:
        """Read the user's password."""
        return self.password_file.read_text()


class Project(Account, frozen=True, kw_only=True):
    """A VO's project, its one user (role member), and what was made for it."""

    appcred_id: str
    """An application credential of the user."""
    appcred_secret_file: Path
    network: str
    network_id: str
    """The project's own network, with one subnet and a router to the outside network."""
    security_group: str
    keypair: str
    instances: int
    cores: int
    """Quotas of servers and their cores; `UNLIMITED`: none."""

    @property
    def appcred_secret(self) -> str:
        """Read the application credential's secret."""
        return self.appcred_secret_file.read_text()


class Flavor(msgspec.Struct, frozen=True, array_like=True):
    """Cores, memory in MiB, disk in GiB."""

    cores: int
    memory_mb: int
    disk_gb: int


class Content(msgspec.Struct, frozen=True, kw_only=True):
    """What every project can see."""

    flavors: Mapping[str, Flavor]
    image: str
    outside: str
    """The outside network, of which floating addresses are taken."""
