"""A project of the real OpenStack test bed, for installations that run on it."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import openstack

from tests.testbeds.openstack import Account, Bed, Project
from tests.testbeds.openstack.lending import lent

FLAVOR = "c2"
USER_DATA = "OS-EXT-SRV-ATTR:user_data"
SINCE = {"OpenStack-API-Version": "compute 2.3"}
"""From which version on administrators see user data."""


def logged_in(bed: Bed, account: Account | Project) -> Any:
    """Return openstacksdk's connection of an account, whatever the environment says."""
    return openstack.connect(
        load_yaml_config=False,
        load_envvars=False,
        auth_url=bed.auth_url,
        region_name=bed.region,
        username=account.user,
        password=account.password,
        project_name=account.project,
        user_domain_name=account.domain,
        project_domain_name=account.domain,
    )


class NovaProject:
    """The project: its servers run nothing (Nova's fake virt driver), and stay hollow unless somebody fills them."""

    def __init__(self, bed: Bed, project: Project) -> None:
        self._bed, self._project = bed, project
        self._user, self._admin = logged_in(bed, project), logged_in(bed, bed.admin)
        size = bed.content.flavors[FLAVOR]
        self.endpoint: dict[str, Any] = {"endpoint_kind": "openstack", "endpoint_site": "CLOUD.Nova.there"}
        self.endpoint["endpoint_options"] = {
            "auth_url": bed.auth_url,
            "region": bed.region,
            "application_credential_id": project.appcred_id,
            "application_credential_secret": f"file:{project.appcred_secret_file}",
        }
        self.pool: dict[str, Any] = {"pool_flavor": FLAVOR, "pool_image": bed.content.image}
        self.pool |= {"pool_cores": size.cores, "pool_ram_mb": size.memory_mb}

    def _servers(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = []
        while page := self._page(found[-1]["id"] if found else ""):
            found += page
        return found

    def _page(self, marker: str) -> list[dict[str, Any]]:
        answer = self._user.compute.get("/servers/detail", params={"marker": marker} if marker else {})
        servers: list[dict[str, Any]] = answer.json()["servers"]
        return servers

    def powered_on(self) -> list[str]:
        """Return the ids of the servers that run."""
        return [server["id"] for server in self._servers() if server["status"] == "ACTIVE"]

    def living(self) -> list[str]:
        """Return the ids of the servers that hold something: all there are."""
        return [server["id"] for server in self._servers()]

    def user_data(self, instance: str) -> bytes:
        """Return what a server was given."""
        told = self._admin.compute.get(f"/servers/{instance}", headers=SINCE).json()["server"]
        return base64.b64decode(told[USER_DATA] or "")

    def power_off(self, instance: str) -> None:
        """Do what a guest's own shutdown does."""
        self._user.compute.post(f"/servers/{instance}/action", json={"os-stop": None})

    def wipe(self) -> None:
        """Delete all servers."""
        self._bed.wipe_servers(self._project.project)


@contextmanager
def nova_project(bed: Bed) -> Iterator[NovaProject]:
    """Borrow a project of the bed; it is empty before and after."""
    with lent(bed) as project:
        yield NovaProject(bed, project)
