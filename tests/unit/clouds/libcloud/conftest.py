"""Drivers over libcloud against servers that answer what a test scripts."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.doubles.fault_proxy import Call, FaultProxy, Reply
from vmdirac_py.clouds.api import LaunchRequest, Mark
from vmdirac_py.clouds.libcloud import connect
from vmdirac_py.clouds.libcloud.driver import LibcloudEndpoint
from vmdirac_py.clouds.marks import to_labels
from vmdirac_py.model.inventory import Endpoint, Pool
from vmdirac_py.model.resources import Resources

MARK = Mark("inst-1", "b-1", "vo-1", "pool-1")
Answering = Callable[[Call], Reply]


class Scripted(FaultProxy):
    """A server whose answers are a function of the call."""

    def __init__(self, answering: Answering) -> None:
        self.answering = answering
        super().__init__("http://127.0.0.1:9")

    def _forward(self, call: Call) -> Reply:
        return self.answering(call)


class Stack:
    """The little of Keystone, Nova, Glance and Neutron that a script can do without being one.

    `routes` says what else is answered, by method and path.
    """

    def __init__(self) -> None:
        self.url = ""
        self.routes: dict[str, Reply | Answering] = {}
        self.tokens = 0

    def __call__(self, call: Call) -> Reply:
        """Answer."""
        key = f"{call.method} {call.path.partition('?')[0]}"
        if key == "POST /v3/auth/tokens":
            return self._token()
        found = self.routes.get(key, Reply(404, b"{}", {"Content-Type": "application/json"}))
        return found if isinstance(found, Reply) else found(call)

    def _token(self) -> Reply:
        self.tokens += 1
        public = {"region": "R", "region_id": "R", "interface": "public", "id": "e", "url": f"{self.url}/c"}
        kinds = {"compute": "/c", "image": "/i", "network": "/n"}
        catalog = [
            {"type": kind, "name": kind, "id": kind, "endpoints": [public | {"url": f"{self.url}{path}"}]}
            for kind, path in kinds.items()
        ]
        token = {"expires_at": "2099-01-01T00:00:00.000000Z", "catalog": catalog, "user": {}, "roles": []}
        return as_json({"token": token}, 201, {"X-Subject-Token": f"token-{self.tokens}"})


def as_json(body: Any, status: int = 200, headers: dict[str, str] | None = None) -> Reply:
    """Return an answer in JSON."""
    return Reply(status, json.dumps(body).encode(), {"Content-Type": "application/json"} | (headers or {}))


def server(number: int, **changes: Any) -> dict[str, Any]:
    """Return a server as Nova shows it."""
    return {
        "id": f"server-{number}",
        "name": f"vm-{number}",
        "status": "ACTIVE",
        "addresses": {},
        "hostId": "",
        "tenant_id": "t",
        "links": [{"rel": "self", "href": "http://127.0.0.1/"}],
        "metadata": to_labels(MARK),
        "created": "2026-11-01T00:00:00Z",
        "updated": "2026-11-01T00:00:00Z",
        "OS-EXT-STS:vm_state": "active",
        "OS-EXT-STS:task_state": None,
    } | changes


def pool_of(**options: Any) -> Pool:
    """Return a pool whose image and flavor are ids."""
    an_id = "0d2d6b0c-7b0b-4c5a-8c7e-0f1f5f1c2b3a"
    return Pool("pool-1", "cloud", "vo-1", "site", an_id, an_id, Resources(cores=1), options=options)


def request_of(vms: int, **options: Any) -> LaunchRequest:
    """Return a launch request."""
    return LaunchRequest(MARK, pool_of(**options), [f"vm-{n}" for n in range(1, vms + 1)], b"#cloud-config\n")


def endpoint_of(options: dict[str, Any], *, home: Path, timeout: float = 10.0) -> LibcloudEndpoint:
    """Return a driver; each secret is its reference's last word."""
    described = Endpoint("cloud", "libcloud", "site", ramp=1, client_timeout=timeout, options=options)
    return connect(described, installation_id="inst-1", resolve=lambda text: text.rpartition(":")[2], home=home)


@pytest.fixture
def ec2(tmp_path: Path) -> Callable[[str], LibcloudEndpoint]:
    """Return a maker of EC2 drivers at a URL."""
    keys = {"access_key": "env:AKIATEST", "secret_access_key": "env:wJalrXUtnFEMI"}
    return lambda url: endpoint_of(
        {"provider": "ec2", "region": "eu-west-1", "endpoint_url": url} | keys, home=tmp_path
    )


@pytest.fixture
def nova(tmp_path: Path) -> Callable[[str], LibcloudEndpoint]:
    """Return a maker of OpenStack drivers at a URL."""
    login = {"application_credential_id": "id", "application_credential_secret": "env:secret", "region": "R"}
    return lambda url: endpoint_of({"provider": "openstack", "auth_url": f"{url}/v3"} | login, home=tmp_path)
