"""The entry of OpenStack: a real Nova behind a proxy, and a project of its own."""

from __future__ import annotations

import base64
import json
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from itertools import count
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from tests.doubles.fault_proxy import Call, Fault, FaultProxy, Reply
from tests.support.nova_project import logged_in
from tests.support.nova_rows import NovaRows
from tests.support.wait import until
from tests.testbeds.openstack import Bed, Broke, Cannot, Project
from tests.testbeds.openstack.lending import lent
from tests.testbeds.openstack.life import LIFE
from vmdirac_py.clouds.api import LaunchRequest, Mark
from vmdirac_py.clouds.openstack import connect
from vmdirac_py.clouds.openstack.driver import NovaEndpoint
from vmdirac_py.model.batch import ErrorClass
from vmdirac_py.model.inventory import Endpoint, Pool
from vmdirac_py.model.resources import Resources

BED = True
FLAVOR = "c1"
UNLIMITED = -1
PAGE = b"<html><head><title>502 Bad Gateway</title></head><body><h1>Bad Gateway</h1></body></html>"
CALLS = {
    "launch": ("POST", "/servers"),
    "list": ("GET", "/servers/detail"),
    "limits": ("GET", "/limits"),
    "terminate": ("DELETE", "/servers/"),
    "console": ("POST", "/action"),
}
REFUSALS = {  # as Nova words them
    ErrorClass.QUOTA: (403, "Quota exceeded for instances: Requested 1, but already used 10 of 10 instances"),
    ErrorClass.AUTH: (401, "The request you have made requires authentication."),
    ErrorClass.BAD_REQUEST: (400, "Flavor's disk is too small for requested image."),
    ErrorClass.THROTTLED: (429, "Too Many Requests"),
    ErrorClass.UNAVAILABLE: (503, "The server is currently unavailable. Please try again at a later time."),
}


def is_call(name: str) -> Callable[[Call], bool]:
    """Return whether a request is such a call."""
    method, path = CALLS[name]

    def matches(call: Call) -> bool:
        asked = urlsplit(call.path).path
        return call.method == method and (path in asked if path.endswith("/") else asked.endswith(path))

    return matches


class OpenStackLab:
    """A project with room for ten servers; Nova and Keystone are reached through proxies."""

    can = frozenset(
        {f"refuse:{error_class}" for error_class in REFUSALS}
        | {"hang", "lose", "lag", "cut", "stop", "limits", "user_data", "foreign", "garble", "many", "shift"}
        | {"console", "skew"}
    )
    max_vms = 10
    max_user_data = 49_149
    idempotent = False
    slow = True

    def __init__(self, bed: Bed, project: Project, nova: FaultProxy, keystone: FaultProxy, home: Path) -> None:
        self.nova, self.keystone, self._bed, self._home = nova, keystone, bed, home
        self.project = project
        self.user, self.admin = logged_in(bed, self.project), logged_in(bed, bed.admin)
        options = {
            "networks": [self.project.network_id],
            "security_groups": [self.project.security_group],
            "key_pair": self.project.keypair,
        }
        image = self.user.image.find_image(bed.content.image).id
        size = bed.content.flavors[FLAVOR]
        resources = Resources(cores=size.cores, ram_mb=size.memory_mb)
        self.pool = Pool("pool-1", "openstack", "vo-1", "site", FLAVOR, image, resources, options=options)
        self.outside = bed.content.outside
        self._rows: NovaRows | None = None
        self._late = 0

    def endpoint(self, installation: str, *, timeout: float = 30.0, **options: Any) -> NovaEndpoint:
        """Return the driver as an installation has it."""
        secret = f"file:{self.project.appcred_secret_file}"
        login = {"application_credential_id": self.project.appcred_id, "application_credential_secret": secret}
        return self._connected(installation, timeout, self._where() | login | options)

    def logged_in(self, method: str, **login: str) -> NovaEndpoint:
        """Return our driver, logging in by another method."""
        return self._connected("inst-ours", 30.0, {**self._where(), "auth_method": method, **login})

    def _connected(self, installation: str, timeout: float, options: dict[str, Any]) -> NovaEndpoint:
        described = Endpoint("openstack", "openstack", "site", client_timeout=timeout, options=options)
        return connect(described, installation_id=installation, resolve=_read, home=self._home)

    def _where(self) -> dict[str, Any]:
        """Return `endpoint_options` that lead through the proxies."""
        return {
            "auth_url": f"{self.keystone.url}{urlsplit(self._bed.auth_url).path}",
            "region": self._bed.region,
            "endpoints": {"compute": f"{self.nova.url}{urlsplit(self._bed.urls['nova']).path}"},
        }

    def refuse(self, call: str, error_class: ErrorClass) -> None:
        """Let the next such call fail with this class; a token is renewed once, so 401 must come twice."""
        status, message = REFUSALS[error_class]
        body = json.dumps({"refused": {"code": status, "message": message}}).encode()
        reply = Reply(status, body, {"Content-Type": "application/json"})
        times = 2 if error_class is ErrorClass.AUTH else 1
        self.nova.order(Fault(is_call(call), times=times, reply=reply))

    def hang(self, call: str, seconds: float, *, when: str) -> None:
        """Let the next such call wait, before or after acting; whatever acts late has acted when the lab ends."""
        matches = is_call(call)

        def begun(asked: Call) -> bool:
            self._late += matches(asked)
            return matches(asked)

        def ended(_: Call, reply: Reply) -> Reply:
            self._late -= 1
            return reply

        self.nova.order(Fault(begun, seconds=seconds, before=when == "before", edit=ended))

    def lose_answer(self, call: str) -> None:
        """Let the next such call act and give no answer."""
        self.nova.order(Fault(is_call(call), lose=True))

    def lag(self, seconds: float) -> None:
        """Hide instances younger than this from listings."""

        def hide(_: Call, reply: Reply) -> Reply:
            body = json.loads(reply.body)
            newest = datetime.now().astimezone() - timedelta(seconds=seconds)
            body["servers"] = [each for each in body["servers"] if datetime.fromisoformat(each["created"]) < newest]
            return Reply(reply.status, json.dumps(body).encode(), reply.headers)

        self.nova.order(Fault(is_call("list"), times=None, edit=hide))

    def cut_listing(self) -> None:
        """Show a server in outline, as Nova does for those of a cell that does not answer."""

        def cut(_: Call, reply: Reply) -> Reply:
            body = json.loads(reply.body)
            kept = ("id", "status", "tenant_id", "created", "links")
            body["servers"][0] = {key: body["servers"][0].get(key) for key in kept} | {"status": "UNKNOWN"}
            return Reply(reply.status, json.dumps(body).encode(), reply.headers)

        self.nova.order(Fault(is_call("list"), times=None, edit=cut))

    def mend(self) -> None:
        """End every fault."""
        self.nova.mend()
        self.keystone.mend()

    def stop(self) -> None:
        """Make the cloud unreachable."""
        self.nova.stop()
        self.keystone.stop()

    def user_data_of(self, endpoint: NovaEndpoint, instance: str) -> bytes:
        """Return the user data the cloud gave this instance, which Nova tells an administrator."""
        del endpoint
        return base64.b64decode(self.admin.compute.get_server(instance).user_data)

    def foreign(self, count: int) -> set[str]:
        """Start instances in the same project by openstacksdk."""
        flavor = self.user.compute.find_flavor(FLAVOR).id
        networks = [{"uuid": self.project.network_id}]
        said = {"flavor_id": flavor, "image_id": self.pool.image, "networks": networks}
        return {self.user.compute.create_server(name=f"foreign-{number}", **said).id for number in range(count)}

    def garble(self, call: str, how: str) -> None:
        """Let the next such call be answered by a proxy's page, half of the body, or 200 with an error inside."""
        inside = json.dumps({"computeFault": {"code": 500, "message": "Unexpected API Error."}}).encode()

        def spoil(_: Call, reply: Reply) -> Reply:
            bodies = {"html": PAGE, "half": reply.body[: len(reply.body) // 2] or b'{"ser', "error_inside": inside}
            return Reply(200, bodies[how], {"Content-Type": "application/json"})

        self.nova.order(Fault(is_call(call), edit=spoil))

    def many(self, count: int) -> int:
        """Start one instance and copy its rows, so that Nova lists so many."""
        ours = self.endpoint("inst-ours")
        mark = Mark("inst-ours", "batch-many", self.pool.vo, self.pool.name)
        (first,) = ours.launch(LaunchRequest(mark, self.pool, ["vm-many"], b"#cloud-config\n")).launched
        until(lambda: ours.instances()[0].state == "ACTIVE", seconds=120, step=0.5, what="an active server")
        self._rows = NovaRows(self._bed.home / "run/mariadb.sock", first.id)
        self._rows.copy(1, count - 1)
        return count

    def shift(self) -> None:
        """Let copies come and go, on pages that were read and on those to come, while a listing is under way."""
        rows, numbers = self._rows, count(1)
        assert rows is not None

        def between(call: Call) -> Call:
            number = next(numbers)
            rows.remove(number, 500 + number, 1200 + number)
            rows.copy(5000 + number, 5000 + number)
            return call

        later_page = is_call("list")
        self.nova.order(Fault(lambda call: later_page(call) and "marker=" in call.path, times=None, send=between))

    def forget_marker(self) -> None:
        """Let the last server of a page be gone when the next page is asked for."""
        rows = self._rows
        assert rows is not None

        def gone(call: Call) -> Call:
            rows.remove(int(call.path.rpartition("marker=")[2].partition("&")[0][24:], 16))
            return call

        self.nova.order(Fault(lambda call: "marker=" in call.path, send=gone))

    def skew(self, seconds: float) -> None:
        """Let Keystone's clock be behind ours."""

        def shifted(_: Call, reply: Reply) -> Reply:
            body = json.loads(reply.body)
            for key in ("issued_at", "expires_at"):
                then = datetime.fromisoformat(body["token"][key]) - timedelta(seconds=seconds)
                body["token"][key] = then.strftime("%Y-%m-%dT%H:%M:%S.000000Z")
            return Reply(reply.status, json.dumps(body).encode(), reply.headers)

        self.keystone.order(Fault(lambda call: call.path.endswith("/auth/tokens"), times=None, edit=shifted))

    def clear(self) -> None:
        """Leave nothing behind."""
        until(lambda: self._late == 0, seconds=120, step=0.1, what="the end of late calls")
        if self._rows:
            self._rows.remove()
        until(self._wiped, seconds=180, step=1, what="an empty project")

    def _wiped(self) -> bool:
        try:
            self._bed.wipe_servers(self.project.project)
        except Broke:  # Neutron refuses to delete a port that Nova is just deleting
            return False
        return True

    def limit(self, instances: int) -> None:
        """Set the project's quota of instances; nothing else is limited."""
        none = {"cores": UNLIMITED, "ram": UNLIMITED}
        self.admin.set_compute_quotas(self.project.project_id, instances=instances, **none)


def _read(reference: str) -> str:
    """Return a secret of the bed; its files are its own."""
    return Path(reference.removeprefix("file:")).read_text()


@contextmanager
def lab(folder: Path) -> Iterator[OpenStackLab]:
    """Return a project without servers; at the end it has none again."""
    try:
        bed = LIFE.shared(lambda words: sys.stderr.write(f"openstack: {words}\n"))
    except Cannot as cannot:
        pytest.skip(f"no OpenStack here: {cannot}")
    with lent(bed) as project, FaultProxy(bed.urls["nova"]) as nova, FaultProxy(bed.auth_url) as keystone:
        made = OpenStackLab(bed, project, nova, keystone, folder)
        made.limit(made.max_vms)
        try:
            yield made
        finally:
            nova.mend()
            nova.stop()
            made.clear()
            made.limit(UNLIMITED)
