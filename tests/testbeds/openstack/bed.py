"""The bed that is up, as a value, and the little that is done with it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import msgspec

from tests.testbeds.common.places import write_private

from . import sweeping
from .places import Places
from .values import REGION, Account, Content, Project


class Bed(msgspec.Struct, frozen=True, kw_only=True):
    """A control plane that answers, and what it was seeded with; it holds no secret, only where secrets stand."""

    auth_url: str
    region: str = REGION
    urls: Mapping[str, str]
    """Endpoint of `nova`, `neutron`, `glance`, `placement`, `keystone`."""
    admin: Account
    """May do everything: delete behind an owner's back, reset states, change quotas."""
    projects: Mapping[str, Project]
    content: Content
    home: Path
    clouds_file: Path
    """For openstacksdk's `OS_CLIENT_CONFIG_FILE`: clouds `admin`, and `NAME` and `NAME-appcred` of each project."""
    recipe: str

    def wipe_servers(self, project: str) -> int:
        """Delete every server of a project, with loose ports and floating addresses; return how many servers."""
        return sweeping.empty(self.urls, self.auth_url, self.projects[project])

    def order(self, **faults: float | str) -> None:
        """Let the compute host do wrong from now on; without any fault, do right again.

        `spawn_delay`, `destroy_delay`: seconds. `spawn_error`, `destroy_error`: regular expressions on server names;
        a server whose spawn fails ends in ERROR, and its fault says that all hosts were exhausted.
        """
        write_private(Places(self.home).faults, msgspec.json.encode(faults))
