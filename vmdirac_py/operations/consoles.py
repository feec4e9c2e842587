"""What a VM's instance wrote to its console, for those who are called at night."""

from __future__ import annotations

from typing import cast

from vmdirac_py.base.errors import BadInput, UnknownThing
from vmdirac_py.clouds.api import WithConsole

from .api import Context


def console(ctx: Context, vm_id: str) -> str:
    """Return the console text of a VM, as long as its cloud keeps it.

    Raises:
        UnknownThing: no such VM, or it never had an instance.
        BadInput: its cloud shows no consoles.
        CloudError: the cloud cannot be asked, or has forgotten the instance.
    """
    with ctx.ledger.read() as tx:
        vm = tx.vms.get(vm_id)
    if vm is None or not vm.instance_id:
        raise UnknownThing("no such VM, or it has no instance", where=vm_id, mend="see `vmdirac vm list --all`")
    driver = ctx.endpoint(vm.endpoint)
    if not hasattr(driver, "console"):
        raise BadInput("this cloud shows no consoles", where=vm.endpoint)
    return cast("WithConsole", driver).console(vm.instance_id)
