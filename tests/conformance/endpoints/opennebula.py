"""OpenNebula's entry: the driver on a double of its front end, with a proxy between them for faults."""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from xml.etree import ElementTree as ET
from xmlrpc.client import ServerProxy, dumps, loads

from tests.conformance.labs import OURS, WORDS
from tests.doubles.fault_proxy import Call, Fault, FaultProxy, Reply
from tests.doubles.opennebula import AUTHENTICATION, AUTHORIZATION, INTERNAL, Cloud, User
from tests.doubles.opennebula_server import serving
from vmdirac_py.clouds.api import CloudEndpoint, Mark
from vmdirac_py.clouds.opennebula import connect
from vmdirac_py.clouds.opennebula.template import MAX_USER_DATA
from vmdirac_py.model.batch import ErrorClass
from vmdirac_py.model.inventory import Endpoint, Pool
from vmdirac_py.model.resources import Resources

SESSION = "vmdirac:secret"
CHANGING = {"launch": ("one.template.instantiate",), "terminate": ("one.vm.action",)}
FIRST = {
    "launch": ("one.template.instantiate",),
    "list": ("one.vmpool.infoextended",),
    "limits": ("one.user.info",),
    "terminate": ("one.vmpool.infoextended",),
}
PAGE_OF_A_PROXY = b"<html><head><title>502 Bad Gateway</title></head><body><hr>proxy</body></html>"


def _refused(code: int, text: str) -> Reply:
    return Reply(200, dumps(([False, text, code],), methodresponse=True).encode(), {"Content-Type": "text/xml"})


REFUSALS = {
    ErrorClass.QUOTA: _refused(
        AUTHORIZATION,
        "[one.template.instantiate] User [1] : user [1] limit of 1 reached for VMS quota in VM.",
    ),
    ErrorClass.NO_CAPACITY: _refused(
        INTERNAL, "[one.template.instantiate] Cannot get IP/MAC lease from virtual network 0."
    ),
    ErrorClass.AUTH: _refused(AUTHENTICATION, "[one.user.info] User couldn't be authenticated, aborting call."),
    ErrorClass.BAD_REQUEST: _refused(
        INTERNAL, "[one.template.instantiate] CPU attribute must be a positive float or integer value."
    ),
    ErrorClass.THROTTLED: Reply(429, b"slow down"),
    ErrorClass.UNAVAILABLE: Reply(503, b"no server is available to handle this request"),
}


class OpenNebulaLab:
    """A front end with one user of ours, whose quota is its room."""

    can = WORDS - {"console", "skew", "leave"}  # it shows no console text, checks no clocks, announces no ends
    slow = False
    one_by_one = True
    max_vms = 100
    max_user_data = MAX_USER_DATA
    idempotent = False
    pool = Pool("pool-1", "one", "vo-1", "site", "one-core", "debian-12", Resources(cores=1, ram_mb=512))

    def __init__(self, cloud: Cloud, target: str, proxy: FaultProxy) -> None:
        self._cloud, self._target, self._proxy = cloud, target, proxy
        name, _, secret = SESSION.partition(":")
        self._user: User = cloud.add_user(name, secret)
        self._user.quota["VMS"] = self.max_vms
        self._template = cloud.add_template("one-core", cloud.admin)

    def endpoint(self, installation: str, *, timeout: float = 30.0) -> CloudEndpoint:
        """Return the driver as an installation has it."""
        options = {"url": f"{self._proxy.url}/RPC2", "session": "env:ONE_SESSION"}
        described = Endpoint("one", "opennebula", "site", client_timeout=timeout, options=options)
        return connect(described, installation_id=installation, resolve=lambda _: SESSION, home=Path())

    def refuse(self, call: str, error_class: ErrorClass) -> None:
        """Let the next such call fail with this class."""
        self._proxy.order(Fault(_of(FIRST[call]), reply=REFUSALS[error_class]))

    def refuse_some(self, refused: int) -> None:
        """Let the network have so few addresses that the next launch, of five, gets too few."""
        self._cloud.leases = 5 - refused

    def hang(self, call: str, seconds: float, *, when: str) -> None:
        """Let the next such call wait, before or after acting."""
        self._proxy.order(Fault(_of(CHANGING.get(call, FIRST[call])), seconds=seconds, before=when == "before"))

    def lose_answer(self, call: str) -> None:
        """Let the next such call act and give no answer."""
        self._proxy.order(Fault(_of(CHANGING.get(call, FIRST[call])), lose=True))

    def lag(self, seconds: float) -> None:
        """Hide instances younger than this from listings."""
        self._cloud.hidden_seconds = seconds

    def cut_listing(self) -> None:
        """Let listings end in the middle of their document."""
        self._proxy.order(Fault(_of(FIRST["list"]), times=None, edit=_cut))

    def mend(self) -> None:
        """End every fault."""
        self._proxy.mend()
        with self._cloud.lock:
            self._cloud.leases, self._cloud.hidden_seconds = None, 0.0
            self._cloud.between = lambda: None

    def stop(self) -> None:
        """Make the cloud unreachable."""
        self._proxy.stop()

    def user_data_of(self, _endpoint: CloudEndpoint, instance: str) -> bytes:
        """Return the user data as cloud-init finds it in the context of a VM."""
        answer = self._ask("one.vm.info", int(instance.removeprefix("one-")))
        context = ET.fromstring(str(answer)).find("TEMPLATE/CONTEXT")
        assert context is not None
        assert context.findtext("USER_DATA_ENCODING") == "base64"
        return base64.b64decode(context.findtext("USER_DATA") or "")

    def foreign(self, count: int) -> set[str]:
        """Start VMs of the same user by the plain API, without a mark of ours."""
        numbers = [
            self._ask("one.template.instantiate", self._template.number, "somebody's", False, "", False)
            for _ in range(count)
        ]
        return {f"one-{number}" for number in numbers}

    def garble(self, call: str, how: str) -> None:
        """Let the next such call be answered by something that cannot be read, or is an error."""
        matches = _of(CHANGING.get(call, FIRST[call]))
        faults = {
            "html": Fault(matches, reply=Reply(200, PAGE_OF_A_PROXY, {"Content-Type": "text/html"})),
            "half": Fault(matches, edit=lambda _, reply: Reply(reply.status, reply.body[: len(reply.body) // 2])),
            "error_inside": Fault(matches, reply=_refused(INTERNAL, "Internal error: cannot access the DB")),
        }
        self._proxy.order(faults[how])

    def many(self, count: int) -> int:
        """Put VMs of ours there, whatever the quota says."""
        mark = asdict(Mark(OURS, "batch-many", self.pool.vo, self.pool.name))
        labels = {f"VMDIRAC_{name.upper()}": value for name, value in mark.items() if value}
        with self._cloud.lock:
            for _ in range(count):
                self._cloud.start(self._user, "many", self._template.body, labels)
        return count

    def shift(self) -> None:
        """After each page let the newest of ours end, and others and one of somebody else's begin."""
        self._cloud.between = self._change

    def _change(self) -> None:
        living = [vm for vm in self._cloud.vms.values() if vm.state == 1]
        for vm in living[-40:-10]:
            self._cloud.end(vm)
        for _ in range(5):
            self._cloud.start(self._user, "somebody's", self._template.body, {})

    def _ask(self, method: str, *params: object) -> object:
        with ServerProxy(self._target) as front_end:
            success, value, _ = getattr(front_end, method)(SESSION, *params)
        assert success, value
        return value


def _of(methods: tuple[str, ...]) -> Callable[[Call], bool]:
    names = [f"<methodName>{method}</methodName>".encode() for method in methods]
    return lambda call: any(name in call.body for name in names)


def _cut(_: Call, reply: Reply) -> Reply:
    ((success, text, code),), _name = loads(reply.body)
    return Reply(200, dumps(([success, text[: len(text) // 2], code],), methodresponse=True).encode(), reply.headers)


@contextmanager
def lab(_folder: Path) -> Iterator[OpenNebulaLab]:
    """Return a fresh cloud."""
    cloud = Cloud()
    with serving(cloud) as server:
        target = f"http://127.0.0.1:{server.server_port}/RPC2"
        with FaultProxy(f"http://127.0.0.1:{server.server_port}") as proxy:
            yield OpenNebulaLab(cloud, target, proxy)
