"""A double of OpenNebula's front end: its XML-RPC methods as far as the driver, or a test beside it, calls them.

Faithful to the published API and to what was seen of release 7.4: answers `[success, value or message, code]` with the
message prefixed by `[method]`; pages by offset and negative size over the order of the numbers, ranges otherwise; DONE
VMs kept, and listed only when their state is asked for; a vector given at instantiation replaces the template's whole;
attribute names in upper case, unknown ones in USER_TEMPLATE; a quota refused as 0x0200 in text, mistakes of a
template as 0x2000; faults -506 and -501; no capacity is no error: a VM stays PENDING, with a SCHED_MESSAGE.

Not so: a VM stays PENDING until a test moves it (`place`), and is DONE as soon as its end is asked for; extra templates
are understood in XML form alone, and of a context's variables only `$VMID`; rights are the owner's and oneadmin's.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any
from xml.etree.ElementTree import ParseError
from xmlrpc.client import Fault

from tests.doubles import opennebula_xml as xml

AUTHENTICATION, AUTHORIZATION, NO_EXISTS, ACTION = 0x0100, 0x0200, 0x0400, 0x0800
XML_RPC_API, INTERNAL, ALLOCATE = 0x1000, 0x2000, 0x4000
PENDING, ACTIVE, DONE, RUNNING = (1, 0), 3, (6, 0), 3
ENDS_AT_ONCE = {0, 1, 2, 4, 5, 6, 8, 9, 10, 11}
ENDS_IN = {3, 12, 16, 36, 37, 38, 39, 40, 41, 42, 44, 46, 47, 48, 49, 50, 61}  # LCM states: running, or failed
LCM_NAMES = {0: "LCM_INIT", 1: "PROLOG", 2: "BOOT", 11: "EPILOG"}
TEMPLATE_ATTRIBUTES = {"CONTEXT", "CPU", "VCPU", "MEMORY", "DISK", "NIC", "OS", "GRAPHICS"}
ACTIONS = {"terminate", "terminate-hard", "undeploy", "undeploy-hard", "poweroff", "poweroff-hard", "hold", "release"}
ALL, MINE, MINE_GROUP = -2, -3, -1


@dataclass(eq=False)
class Group:
    """A group and its quota: limits by VM_QUOTA's names."""

    number: int
    name: str
    quota: dict[str, float] = field(default_factory=dict)


@dataclass(eq=False)
class User:
    """A user; `secrets` are its password and tokens."""

    number: int
    name: str
    group: Group
    secrets: set[str]
    quota: dict[str, float] = field(default_factory=dict)


@dataclass(eq=False)
class Template:
    """A VM template."""

    number: int
    name: str
    owner: User
    body: dict[str, Any]


@dataclass(eq=False)
class Vm:
    """A VM; `state` and `lcm_state` as numbers, times in epoch seconds."""

    number: int
    name: str
    owner: User
    template: dict[str, Any]
    user_template: dict[str, Any]
    state: int = PENDING[0]
    lcm_state: int = PENDING[1]
    started: float = field(default_factory=time.time)
    ended: float = 0.0


class Refused(Exception):
    """A method refuses, with a code and a message."""

    def __init__(self, code: int, message: str) -> None:
        super().__init__(message)
        self.code = code


class Cloud:
    """What the front end knows. Tests change it as they like, under `lock` where calls are under way.

    `order` is API_LIST_ORDER; `leases` so many addresses are free (None: enough); `hidden_seconds`: listings leave out
    younger VMs; `between` is called after each page.
    """

    def __init__(self) -> None:
        self.lock = threading.RLock()
        self.groups = {0: Group(0, "oneadmin"), 1: Group(1, "users")}
        self.users: dict[str, User] = {}
        self.admin = self.add_user("oneadmin", "admin-secret", self.groups[0])
        self.templates: dict[int, Template] = {}
        self.vms: dict[int, Vm] = {}
        self.images = {0: "debian-12", 1: "alma-9"}
        self.networks = {0: "private", 1: "public"}
        self.default_quota: dict[str, float] = {}
        self.order, self.hidden_seconds = "DESC", 0.0
        self.leases: int | None = None
        self.between: Callable[[], None] = lambda: None

    def add_user(self, name: str, secret: str, group: Group | None = None) -> User:
        """Add a user."""
        self.users[name] = user = User(len(self.users), name, group or self.groups[1], {secret})
        return user

    def add_template(self, name: str, owner: User, **body: Any) -> Template:
        """Add a template; by default it has one core, one disk and one network interface."""
        whole = {
            "CPU": "1",
            "VCPU": "1",
            "MEMORY": "512",
            "CONTEXT": {"NETWORK": "YES", "SSH_PUBLIC_KEY": "$USER[SSH_PUBLIC_KEY]"},
            "DISK": [{"IMAGE": "debian-12", "IMAGE_UNAME": "oneadmin"}],
            "NIC": [{"NETWORK": "private", "NETWORK_UNAME": "oneadmin"}],
        }
        number = len(self.templates)
        self.templates[number] = made = Template(number, name, owner, whole | body)
        return made

    def start(self, owner: User, name: str, template: dict[str, Any], user_template: dict[str, Any]) -> Vm:
        """Make a VM, whatever the quotas say."""
        number = len(self.vms)
        context = {key: value.replace("$VMID", str(number)) for key, value in template.get("CONTEXT", {}).items()}
        address = f"10.{number // 65536}.{number // 256 % 256}.{number % 256}"
        nics = [nic | {"IP": address} for nic in template.get("NIC", [])]
        whole = template | {"CONTEXT": context | {"DISK_ID": "1", "TARGET": "hda"}, "NIC": nics}
        self.vms[number] = vm = Vm(number, name, owner, whole, user_template)
        return vm

    def place(self, number: int, lcm_state: int = RUNNING) -> None:
        """Let a VM be on a host."""
        self.vms[number].state, self.vms[number].lcm_state = ACTIVE, lcm_state

    def end(self, vm: Vm) -> None:
        """Let a VM be DONE."""
        (vm.state, vm.lcm_state), vm.ended = DONE, time.time()

    def used(self, quota: dict[str, float], users: Iterable[User]) -> dict[str, float]:
        """Return a quota with the use of these users in it; without limits and use there is none."""
        owners = list(users)
        living = [vm for vm in self.vms.values() if vm.owner in owners and vm.state != DONE[0]]
        if not living and not quota:
            return {}
        cpu = sum(float(vm.template["CPU"]) for vm in living)
        memory = sum(float(vm.template["MEMORY"]) for vm in living)
        limits = dict.fromkeys(("VMS", "CPU", "MEMORY", "RUNNING_VMS", "RUNNING_CPU"), -1.0) | quota
        use = {"VMS_USED": len(living), "CPU_USED": cpu, "MEMORY_USED": memory}
        return limits | use | {"RUNNING_VMS_USED": len(living), "RUNNING_CPU_USED": cpu}

    def visible(self, user: User, flag: int) -> list[Vm]:
        """Return the VMs a filter shows a user, in API_LIST_ORDER."""
        shows: dict[int, Callable[[Vm], bool]] = {
            ALL: lambda vm: vm.owner is user or user is self.admin,
            MINE: lambda vm: vm.owner is user,
            MINE_GROUP: lambda vm: vm.owner.group is user.group,
        }
        if flag not in shows:
            raise Refused(XML_RPC_API, "Incorrect filter_flag, must be >= -3.")
        found = [vm for vm in self.vms.values() if shows[flag](vm) and vm.started <= time.time() - self.hidden_seconds]
        return sorted(found, key=lambda vm: vm.number, reverse=self.order == "DESC")


class Methods:
    """The methods by name, each given the calling user."""

    def __init__(self, cloud: Cloud) -> None:
        self.cloud = cloud
        self._by_name: dict[str, Callable[..., Any]] = {
            "one.template.instantiate": self._instantiate,
            "one.templatepool.info": self._templates,
            "one.vmpool.infoextended": self._vms,
            "one.vm.info": self._vm,
            "one.vm.action": self._action,
            "one.user.info": self._user,
            "one.group.info": self._group,
            "one.imagepool.info": lambda _user, *_: self._named("IMAGE", cloud.images),
            "one.vnpool.info": lambda _user, *_: self._named("VNET", cloud.networks),
        }

    def call(self, name: str, params: tuple[Any, ...]) -> list[Any]:
        """Return the answer of a method. Raises Fault."""
        method = self._by_name.get(name)
        if method is None:
            raise Fault(-506, f"Method '{name}' not defined")
        try:
            with self.cloud.lock:
                return [True, method(self._login(str(params[0])), *params[1:]), 0]
        except Refused as refusal:
            return [False, f"[{name}] {refusal}", refusal.code]
        except (IndexError, TypeError) as error:
            raise Fault(-501, f"Not enough parameters, or of a wrong type: {error}") from error

    def _login(self, session: str) -> User:
        name, _, secret = session.partition(":")
        user = self.cloud.users.get(name)
        if user is None or secret not in user.secrets:
            raise Refused(AUTHENTICATION, "User couldn't be authenticated, aborting call.")
        return user

    def _instantiate(self, user: User, number: int, name: str, _hold: bool, extra: str, _persistent: bool) -> int:  # noqa: FBT001 - the API's positions
        template = self.cloud.templates.get(number)
        if template is None:
            raise Refused(NO_EXISTS, f"Error getting virtual machine template [{number}].")
        if template.owner not in {user, self.cloud.admin}:
            raise Refused(AUTHORIZATION, f"User [{user.number}] : Not authorized to perform USE TEMPLATE [{number}].")
        try:
            body = template.body | (xml.body_of(extra) if extra else {})
        except ParseError as error:
            raise Refused(INTERNAL, f"Error parsing the template: {error}") from error
        self._check(user, body)
        known = {key: value for key, value in body.items() if key in TEMPLATE_ATTRIBUTES}
        others = {key: value for key, value in body.items() if key not in TEMPLATE_ATTRIBUTES}
        return self.cloud.start(user, name or template.name, known, others).number

    def _check(self, user: User, body: dict[str, Any]) -> None:
        """Refuse a VM for a template's mistakes, quotas, or a network without free addresses."""
        if "CPU" not in body or float(body["CPU"]) <= 0:
            raise Refused(INTERNAL, "CPU attribute must be a positive float or integer value.")
        for disk in body["DISK"]:
            if "IMAGE" in disk and disk["IMAGE"] not in self.cloud.images.values():
                raise Refused(INTERNAL, f"User {user.number} does not own an image with name: {disk['IMAGE']}")
        self._check_quota(user, "user", user.number, user.quota, [user], body)
        members = [one for one in self.cloud.users.values() if one.group is user.group]
        self._check_quota(user, "group", user.group.number, user.group.quota, members, body)
        if self.cloud.leases is not None:
            if not self.cloud.leases:
                raise Refused(ALLOCATE, "Cannot get IP/MAC lease from virtual network 0.")
            self.cloud.leases -= 1

    def _check_quota(
        self, user: User, kind: str, number: int, quota: dict[str, float], owners: list[User], body: dict[str, Any]
    ) -> None:
        used = self.cloud.used(quota, owners)
        for key, more in (("VMS", 1.0), ("CPU", float(body["CPU"]))):
            limit = quota.get(key, -1.0)
            if 0 <= limit < used.get(f"{key}_USED", 0.0) + more:
                what = f"{kind} [{number}] limit of {limit:g} reached for {key} quota in VM."
                raise Refused(AUTHORIZATION, f"User [{user.number}] : {what}")

    def _templates(self, user: User, *_: int) -> str:
        owners = {user, self.cloud.admin}
        return xml.pool(
            "VMTEMPLATE_POOL", map(xml.template, (t for t in self.cloud.templates.values() if t.owner in owners))
        )

    def _vms(self, user: User, flag: int, start: int, end: int, state: int) -> str:
        found = [vm for vm in self.cloud.visible(user, flag) if _in_state(vm, state)]
        page = found[start : start - end] if end < -1 else [vm for vm in found if _in_range(vm.number, start, end)]
        text = xml.pool("VM_POOL", map(xml.vm, page))
        self.cloud.between()
        return text

    def _vm(self, user: User, number: int) -> str:
        return xml.vm(self._owned(user, number, "USE"))

    def _action(self, user: User, action: str, number: int) -> int:
        if action not in ACTIONS:
            raise Refused(ACTION, f'Action "{action}" is not supported for VM [{number}].')
        vm = self._owned(user, number, "MANAGE")
        if vm.state == ACTIVE and vm.lcm_state not in ENDS_IN:
            raise Refused(
                ACTION, f"Could not terminate VM {number}, wrong state {LCM_NAMES.get(vm.lcm_state, 'MIGRATE')}."
            )
        if vm.state != DONE[0]:
            self.cloud.end(vm)
        return number

    def _owned(self, user: User, number: int, right: str) -> Vm:
        vm = self.cloud.vms.get(number)
        if vm is None:
            raise Refused(NO_EXISTS, f"Error getting virtual machine [{number}].")
        if user not in {vm.owner, self.cloud.admin}:
            raise Refused(AUTHORIZATION, f"User [{user.number}] : Not authorized to perform {right} VM [{number}].")
        return vm

    def _user(self, user: User, _number: int) -> str:
        return xml.user(self.cloud, user)

    def _group(self, user: User, _number: int) -> str:
        return xml.group(self.cloud, user.group)

    def _named(self, entry: str, things: dict[int, str]) -> str:
        return xml.pool(f"{entry}_POOL", xml.named(entry, things, self.cloud.admin))


def _in_state(vm: Vm, state: int) -> bool:
    return state == ALL or (vm.state != DONE[0] if state == -1 else vm.state == state)


def _in_range(number: int, start: int, end: int) -> bool:
    return start <= number and (end < 0 or number <= end)
