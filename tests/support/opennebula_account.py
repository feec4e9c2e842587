"""A user of an OpenNebula front end, for installations that run on it."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.doubles.opennebula import DONE, Vm
from tests.support.opennebula import SESSION, FrontEnd, front_end

POWEROFF = 8
TEMPLATE = "one-core"
PREFIX = "one-"


class OpenNebulaAccount:
    """The user: VMs are on a host at once, and stay hollow unless somebody fills them.

    Args:
        end: the front end.
        folder: where secrets lie.
    """

    def __init__(self, end: FrontEnd, folder: Path) -> None:
        self._cloud = end.cloud
        secret = folder / "session"
        secret.touch(mode=0o600)
        secret.write_text(SESSION)
        self.endpoint: dict[str, Any] = {
            "endpoint_kind": "opennebula",
            "endpoint_site": "CLOUD.Nebula.there",
            "endpoint_options": {"url": f"{end.proxy.url}/RPC2", "session": f"file:{secret}"},
        }
        self.pool: dict[str, Any] = {"pool_flavor": TEMPLATE, "pool_image": "debian-12"}
        self.pool |= {"pool_cores": 1, "pool_ram_mb": 512}

    def powered_on(self) -> list[str]:
        """Return the ids of the VMs that run; those that wait for a host get one."""
        with self._cloud.lock:
            for vm in self._cloud.vms.values():
                if (vm.state, vm.lcm_state) == (1, 0):
                    self._cloud.place(vm.number)
            return [_id(vm) for vm in self._cloud.vms.values() if vm.state not in {DONE[0], POWEROFF}]

    def living(self) -> list[str]:
        """Return the ids of the VMs that hold something."""
        with self._cloud.lock:
            return [_id(vm) for vm in self._cloud.vms.values() if vm.state != DONE[0]]

    def user_data(self, instance: str) -> bytes:
        """Return what a VM was given."""
        return base64.b64decode(self._vm(instance).template["CONTEXT"]["USER_DATA"])

    def power_off(self, instance: str) -> None:
        """Do what a guest's own shutdown does."""
        with self._cloud.lock:
            vm = self._vm(instance)
            if vm.state != DONE[0]:
                vm.state, vm.lcm_state = POWEROFF, 0

    def wipe(self) -> None:
        """End all VMs."""
        with self._cloud.lock:
            for vm in self._cloud.vms.values():
                self._cloud.end(vm)

    def _vm(self, instance: str) -> Vm:
        return self._cloud.vms[int(instance.removeprefix(PREFIX))]


def _id(vm: Vm) -> str:
    """Return a VM's host name: the driver asks for `one-$VMID`."""
    return str(vm.template["CONTEXT"]["SET_HOSTNAME"])


@contextmanager
def opennebula_account(folder: Path) -> Iterator[OpenNebulaAccount]:
    """Serve a front end of its own."""
    with front_end() as end:
        yield OpenNebulaAccount(end, folder)
