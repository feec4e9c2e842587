"""What the active inventory says of a VM, also when its pool or endpoint has been written out of it since."""

from __future__ import annotations

from vmdirac_py.model.inventory import Endpoint, Inventory, Pool
from vmdirac_py.model.vm import Vm


def pool_of(inventory: Inventory, vm: Vm) -> Pool:
    """Return the VM's pool, or one with default times made from the VM's own record."""
    return inventory.pools.get(vm.pool) or Pool(
        name=vm.pool, endpoint=vm.endpoint, vo=vm.vo, site="", flavor="", image="", resources=vm.resources
    )


def endpoint_of(inventory: Inventory, vm: Vm) -> Endpoint:
    """Return the VM's endpoint, or one with default times."""
    return inventory.endpoints.get(vm.endpoint) or Endpoint(name=vm.endpoint, kind="", site="")
