"""What `endpoint check` finds on a real OpenStack."""

from __future__ import annotations

from collections.abc import Callable

from msgspec.structs import replace

from tests.conformance.endpoints.openstack import OpenStackLab
from vmdirac_py.clouds.api import LaunchRequest
from vmdirac_py.clouds.openstack.driver import NovaEndpoint
from vmdirac_py.model.resources import Resources

Ask = Callable[..., LaunchRequest]


def test_all_is_well(lab: OpenStackLab, ours: NovaEndpoint) -> None:
    """Where everything is there, each thing that was looked at says so."""
    found = ours.inspect([lab.pool])
    assert [each for each in found if not each.ok] == []
    things = {"flavor", "image", "network", "security group", "key pair"}
    assert {each.about for each in found} == {"login", "quota", "marks", *(f"{thing} of pool-1" for thing in things)}


def test_each_wrong_name_is_found(lab: OpenStackLab, ours: NovaEndpoint, ask: Ask) -> None:
    """Each name that is not there is told with what to mend, the closest name first."""
    wrong = ask(
        flavor="c44",
        image="debian-21",
        networks=[f"{lab.project.network}t"],
        security_groups=[f"{lab.project.security_group}h"],
        availability_zone="novaa",
        key_pair=f"{lab.project.keypair}y",
    ).pool
    found = {each.about: each for each in ours.inspect([wrong]) if not each.ok}
    things = {"flavor", "image", "network", "security group", "zone", "key pair"}
    assert found.keys() == {f"{thing} of pool-1" for thing in things}
    assert {each.mend.partition("'")[0] for each in found.values()} == {"did you mean "}


def test_a_flavor_smaller_than_promised(lab: OpenStackLab, ours: NovaEndpoint) -> None:
    """A flavor with fewer cores than its pool promises to jobs is found."""
    (found,) = [each for each in ours.inspect([replace(lab.pool, resources=Resources(cores=8))]) if not each.ok]
    assert (found.about, "pool_cores says 8" in found.text) == ("flavor of pool-1", True)


def test_a_failed_login_ends_it(lab: OpenStackLab) -> None:
    """Without a login there is one finding, and what to mend."""
    (found,) = lab.endpoint("inst-ours", application_credential_id="moon").inspect([lab.pool])
    assert (found.about, found.ok) == ("login", False)
    assert found.mend
