"""An OpenNebula front end for unit tests, and the driver on it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from msgspec.structs import replace

from tests.doubles.fault_proxy import FaultProxy
from tests.doubles.opennebula import Cloud, Template, User
from tests.doubles.opennebula_server import serving
from vmdirac_py.clouds.api import LaunchRequest, Mark
from vmdirac_py.clouds.opennebula import connect
from vmdirac_py.clouds.opennebula.driver import OpenNebulaEndpoint
from vmdirac_py.model.inventory import Endpoint, Pool
from vmdirac_py.model.resources import Resources

SESSION = "vmdirac:very-secret"
OURS = "inst-ours"
POOL = Pool("pool-1", "one", "vo-1", "site", "one-core", "debian-12", Resources(cores=1, ram_mb=512))


@dataclass
class FrontEnd:
    """A front end behind a proxy for faults, with one user and one template of one core."""

    cloud: Cloud
    user: User
    template: Template
    proxy: FaultProxy

    def driver(
        self, *, timeout: float = 30.0, session: str = SESSION, url: str = "", **options: Any
    ) -> OpenNebulaEndpoint:
        """Return the driver of an endpoint with these options."""
        given = {"url": url or f"{self.proxy.url}/RPC2", "session": "env:ONE_SESSION", **options}
        described = Endpoint("one", "opennebula", "site", client_timeout=timeout, options=given)
        return connect(described, installation_id=OURS, resolve=lambda _: session, home=Path())

    def methods(self) -> list[str]:
        """Return the methods asked for so far."""
        bodies = (call.body.decode() for call in self.proxy.calls)
        return [body.partition("<methodName>")[2].partition("</methodName>")[0] for body in bodies]


@contextmanager
def front_end() -> Iterator[FrontEnd]:
    """Serve a fresh front end."""
    cloud = Cloud()
    user = cloud.add_user(*SESSION.split(":"))
    template = cloud.add_template("one-core", cloud.admin)
    with serving(cloud) as server, FaultProxy(f"http://127.0.0.1:{server.server_port}") as proxy:
        yield FrontEnd(cloud, user, template, proxy)


def request(vms: int = 1, *, user_data: bytes = b"#cloud-config\n", **changes: Any) -> LaunchRequest:
    """Return a request for so many VMs of the pool, with these changes to it."""
    names = [f"vm-{number}" for number in range(vms)]
    return LaunchRequest(Mark(OURS, "batch-1", "vo-1", "pool-1"), replace(POOL, **changes), names, user_data)
