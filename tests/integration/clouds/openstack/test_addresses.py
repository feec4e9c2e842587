"""Floating addresses, ports, and what is left of them."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.conformance.endpoints.openstack import OpenStackLab
from tests.support.wait import until
from vmdirac_py.clouds.api import BadRequest, LaunchRequest
from vmdirac_py.clouds.openstack import sweep
from vmdirac_py.clouds.openstack.driver import NovaEndpoint
from vmdirac_py.clouds.openstack.floating import described

pytestmark = pytest.mark.full

Ask = Callable[..., LaunchRequest]


def held(lab: OpenStackLab) -> tuple[int, int]:
    """Return how many addresses the project holds, and how many of its ports are of VMs or nobody's."""
    ports = lab.user.network.ports(project_id=lab.project.project_id)
    loose = [port for port in ports if not port.device_owner or port.device_owner.startswith("compute:")]
    return len(list(lab.user.network.ips())), len(loose)


def test_addresses_come_and_go_with_their_vms(lab: OpenStackLab, ours: NovaEndpoint, ask: Ask) -> None:
    """Each VM has an address of its own and names its VM; when it is terminated, address and port are released."""
    result = ours.launch(ask(2, floating_network=lab.outside))
    assert [each.mark.vm for each in result.launched] == ["vm-0", "vm-1"]
    assert held(lab) == (2, 2)
    until(lambda: {each.state for each in ours.instances()} == {"ACTIVE"}, seconds=120, step=0.5, what="servers")
    outside = {str(each.floating_ip_address) for each in lab.user.network.ips()}
    assert {each.address for each in ours.instances()} == outside
    ours.terminate([each.id for each in result.launched])
    assert held(lab)[0] == 0
    until(lambda: held(lab) == (0, 0), seconds=120, step=0.5, what="no port left")


def test_a_refused_vm_leaves_nothing(lab: OpenStackLab, ours: NovaEndpoint, ask: Ask) -> None:
    """Where Nova refuses the server, the port and the address made for it are gone again."""
    with pytest.raises(BadRequest):
        ours.launch(ask(floating_network=lab.outside, key_pair="moon"))
    assert held(lab) == (0, 0)


def test_a_sweep_takes_only_what_bears_our_mark(
    lab: OpenStackLab, ours: NovaEndpoint, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A port and an address of ours that belong to no server go; those of others stay."""
    monkeypatch.setattr(sweep, "AT_WORK", -60.0)
    outside = lab.user.network.find_network(lab.outside).id
    for mark in (described("inst-ours"), described("inst-theirs"), ""):
        port = lab.user.network.create_port(network_id=lab.project.network_id, description=mark)
        lab.user.network.create_ip(floating_network_id=outside, port_id=port.id, description=mark)
    told = ours.sweep()
    assert [each.split()[0] for each in told] == ["address", "port"]
    assert held(lab) == (2, 2)
    assert ours.sweep() == []


def test_what_is_young_is_left(lab: OpenStackLab, ours: NovaEndpoint) -> None:
    """A port made just now may be of a launch at work: it stays."""
    lab.user.network.create_port(network_id=lab.project.network_id, description=described("inst-ours"))
    assert ours.sweep() == []
    assert held(lab) == (0, 1)


def test_a_living_vms_are_left(
    lab: OpenStackLab, ours: NovaEndpoint, ask: Ask, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Port and address of a VM that lives are never swept."""
    monkeypatch.setattr(sweep, "AT_WORK", -60.0)
    ours.launch(ask(floating_network=lab.outside))
    until(lambda: ours.instances()[0].state == "ACTIVE", seconds=120, step=0.5, what="a server")
    assert ours.sweep() == []
    assert held(lab) == (1, 1)
