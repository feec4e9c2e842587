"""The OpenStack bed keeps what it promises to the tests that stand on it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from openstack.connection import Connection
from openstack.exceptions import ForbiddenException

from tests.support.wait import until
from tests.testbeds.openstack import Bed, Project
from tests.testbeds.openstack.lending import TIGHT, lent

pytestmark = pytest.mark.slow
SETTLED_S = 120.0


@pytest.fixture
def project(openstack_bed: Bed) -> Iterator[Project]:
    """Return an empty project that is ours until the test ends."""
    with lent(openstack_bed) as found:
        yield found


@pytest.fixture
def cloud(openstack_bed: Bed, project: Project) -> Any:
    """Return openstacksdk's connection to that project, by its application credential."""
    return _by_credential(openstack_bed, project)


def _by_credential(bed: Bed, project: Project) -> Any:
    auth = {
        "auth_url": bed.auth_url,
        "application_credential_id": project.appcred_id,
        "application_credential_secret": project.appcred_secret,
    }
    return Connection(auth_type="v3applicationcredential", region_name=bed.region, auth=auth)


def _create(cloud: Any, bed: Bed, project: Project, flavor: str = "c1", **more: Any) -> Any:
    return cloud.compute.create_server(
        flavor_id=cloud.compute.find_flavor(flavor).id,
        image_id=cloud.image.find_image(bed.content.image).id,
        networks=[{"uuid": project.network_id}],
        **{"name": "vm", **more},
    )


def _settled(cloud: Any) -> list[Any]:
    def found() -> list[Any]:
        return list(cloud.compute.servers())

    until(lambda: all(one.status != "BUILD" for one in found()), seconds=SETTLED_S, what="the servers' boot")
    return found()


def test_servers_start_with_all_a_worker_needs(cloud: Any, openstack_bed: Bed, project: Project) -> None:
    """Three of one call are active, on the project's network, with key pair, group and metadata."""
    more: dict[str, Any] = {"key_name": project.keypair, "security_groups": [{"name": project.security_group}]}
    _create(cloud, openstack_bed, project, min_count=3, max_count=3, metadata={"mark": "ours"}, **more)
    servers = _settled(cloud)
    assert [server.status for server in servers] == ["ACTIVE"] * 3
    for server in servers:
        assert list(server.addresses) == [project.network]
        assert (server.metadata, server.key_name) == ({"mark": "ours"}, project.keypair)


def test_a_wiped_project_is_empty(cloud: Any, openstack_bed: Bed, project: Project) -> None:
    """Servers, loose ports and floating addresses are gone; the router stays."""
    _create(cloud, openstack_bed, project)
    (server,) = _settled(cloud)
    (port,) = cloud.network.ports(device_id=server.id)
    outside = cloud.network.find_network(openstack_bed.content.outside)
    cloud.network.create_ip(floating_network_id=outside.id, port_id=port.id)
    cloud.network.create_port(network_id=project.network_id)
    assert openstack_bed.wipe_servers(project.project) == 1
    assert list(cloud.compute.servers()) == []
    assert list(cloud.network.ips()) == []
    assert [port.device_owner for port in cloud.network.ports()] == ["network:router_interface"]


def test_a_flavor_that_fits_nowhere_ends_in_error(cloud: Any, openstack_bed: Bed, project: Project) -> None:
    """It is accepted, and the reason stands in the server's fault."""
    _create(cloud, openstack_bed, project, flavor="giant")
    (server,) = _settled(cloud)
    assert server.status == "ERROR"
    assert "No valid host" in cloud.compute.get_server(server.id).fault["message"]


def test_a_fault_that_was_ordered_hits_whom_it_names(cloud: Any, openstack_bed: Bed, project: Project) -> None:
    """Only servers of that name fail to start."""
    openstack_bed.order(spawn_error=f"^bad-{project.project}")
    try:
        _create(cloud, openstack_bed, project, name=f"bad-{project.project}")
        _create(cloud, openstack_bed, project, name="good")
        found = {server.name.partition("-")[0]: server.status for server in _settled(cloud)}
    finally:
        openstack_bed.order()
    assert found == {"bad": "ERROR", "good": "ACTIVE"}


def test_a_project_with_low_quotas_refuses(openstack_bed: Bed) -> None:
    """One server more than its quota is refused at the call, by name of the quota."""
    with lent(openstack_bed, TIGHT) as project:
        cloud = _by_credential(openstack_bed, project)
        wanted = project.instances + 1
        with pytest.raises(ForbiddenException, match="Quota exceeded for instances"):
            _create(cloud, openstack_bed, project, min_count=wanted, max_count=wanted)


def test_a_project_that_is_lent_is_nobody_elses(openstack_bed: Bed) -> None:
    """Two tests at once work in two projects."""
    with lent(openstack_bed) as one, lent(openstack_bed) as other:
        assert one.project_id != other.project_id
