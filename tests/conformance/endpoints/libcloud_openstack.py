"""The entry of libcloud's provider `openstack`: the OpenStack driver's lab, spoken to through libcloud."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import msgspec

from tests.conformance.endpoints import openstack
from tests.doubles.fault_proxy import Call, FaultProxy, Reply
from tests.testbeds.openstack import Bed
from tests.testbeds.openstack.life import LIFE
from vmdirac_py.clouds.libcloud import connect, problems
from vmdirac_py.clouds.libcloud.driver import LibcloudEndpoint
from vmdirac_py.model.inventory import Endpoint

BED = True


class Catalog(FaultProxy):
    """In front of Keystone: its catalog leads to Nova's proxy, since libcloud takes Nova's address from there."""

    def __init__(self, target: str, nova: str) -> None:
        self._nova = nova
        super().__init__(target)

    def _forward(self, call: Call) -> Reply:
        reply = super()._forward(call)
        if reply.status != 201 or not call.path.endswith("/auth/tokens"):
            return reply
        body = json.loads(reply.body)
        for service in body["token"].get("catalog", []):
            for endpoint in service["endpoints"] if service["type"] == "compute" else []:
                endpoint["url"] = f"{self._nova}{urlsplit(endpoint['url']).path}"
        return Reply(reply.status, json.dumps(body).encode(), reply.headers)


class LibcloudOpenStackLab:
    """The same project; what is ordered of it, the native lab does."""

    # Clocks that differ cost libcloud a login a call, and no error: it looks at its own clock, and logs in again.
    can = openstack.OpenStackLab.can - {"skew"}
    one_by_one = True

    def __init__(self, native: openstack.OpenStackLab, catalog: Catalog, bed: Bed, home: Path) -> None:
        self._native, self.catalog, self.bed, self._home = native, catalog, bed, home
        self.pool = msgspec.structs.replace(native.pool, endpoint="libcloud")

    def __getattr__(self, name: str) -> Any:
        """Everything else is the native lab's."""
        return getattr(self._native, name)

    def endpoint(self, installation: str, *, timeout: float = 30.0) -> LibcloudEndpoint:
        """Return the driver as an installation has it."""
        project = self._native.project
        options = {
            "provider": "openstack",
            "auth_url": self.auth_url,
            "region": self.bed.region,
            "application_credential_id": project.appcred_id,
            "application_credential_secret": f"file:{project.appcred_secret_file}",
        }
        described = Endpoint("libcloud", "libcloud", "site", ramp=1, client_timeout=timeout, options=options)
        assert problems(described, [self.pool]) == []
        return connect(described, installation_id=installation, resolve=_read, home=self._home)

    @property
    def auth_url(self) -> str:
        """Where to log in so that all goes through the proxies."""
        return f"{self.catalog.url}{urlsplit(self.bed.auth_url).path}"

    def stop(self) -> None:
        """Make the cloud unreachable."""
        self._native.stop()
        self.catalog.stop()


def _read(reference: str) -> str:
    return Path(reference.removeprefix("file:")).read_text()


@contextmanager
def lab(folder: Path) -> Iterator[LibcloudOpenStackLab]:
    """Return a project without servers; at the end it has none again."""
    with openstack.lab(folder) as native, Catalog(native.keystone.url, native.nova.url) as catalog:
        yield LibcloudOpenStackLab(native, catalog, LIFE.shared(print), folder)
