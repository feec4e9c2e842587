"""Consoles of VMs, where their cloud shows them."""

from __future__ import annotations

import pytest

from tests.doubles.cloud import ScriptedCloud
from tests.support.acting import launched
from tests.support.context import TestContext
from vmdirac_py.base.errors import BadInput, UnknownThing
from vmdirac_py.operations.consoles import console


class Showing(ScriptedCloud):
    """A cloud that shows consoles."""

    def console(self, instance_id: str) -> str:
        """Return what the instance wrote."""
        return f"boot of {instance_id}"


def test_a_console_is_its_instances(ctx: TestContext) -> None:
    """The text asked for is that of the VM's own instance."""
    cloud = Showing(ctx.clock)
    ctx.endpoints = {"north": cloud}
    vm = launched(ctx, cloud)
    assert console(ctx, vm.id) == f"boot of {vm.instance_id}"


def test_a_cloud_without_consoles_says_so(ctx: TestContext, cloud: ScriptedCloud) -> None:
    """The error names the endpoint."""
    vm = launched(ctx, cloud)
    with pytest.raises(BadInput, match="north"):
        console(ctx, vm.id)


def test_no_instance_no_console(ctx: TestContext) -> None:
    """An unknown VM is named, with where to look."""
    with pytest.raises(UnknownThing, match="vm-none"):
        console(ctx, "vm-none")
