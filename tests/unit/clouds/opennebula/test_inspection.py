"""What `vmdirac endpoint check` is told of an OpenNebula endpoint and its pools."""

from __future__ import annotations

from msgspec.structs import replace

from tests.support.opennebula import POOL, FrontEnd, request
from vmdirac_py.clouds.api import Finding
from vmdirac_py.model.resources import Resources


def looked(one: FrontEnd, **changes: object) -> dict[str, Finding]:
    """Return the findings for the pool with these changes, by what they are about."""
    return {found.about: found for found in one.driver().inspect([replace(POOL, **changes)])}


def test_a_sound_endpoint_is_all_well(one: FrontEnd) -> None:
    """Login, quota, marks, template, image, network and sizes are each looked at, and nothing is made."""
    one.user.quota["VMS"] = 9
    one.driver().launch(request(2))
    found = looked(one)
    assert all(finding.ok for finding in found.values())
    assert list(found) == [
        "login",
        "quota",
        "marks",
        *(f"{about} of pool-1" for about in ("template", "image", "network", "sizes")),
    ]
    assert found["quota"].text == "2 of 9 VMs and 2 of unlimited CPUs are used"
    assert found["marks"].text == "2 instances of this installation"
    assert len(one.cloud.vms) == 2


def test_without_a_login_nothing_else_is_looked_at(one: FrontEnd) -> None:
    """A wrong password is one finding, that says what to check."""
    one.user.secrets.clear()
    ((about, finding),) = looked(one).items()
    assert (about, finding.ok) == ("login", False)
    assert "endpoint_options.session" in finding.mend


def test_a_full_quota_is_told(one: FrontEnd) -> None:
    """Where no VM more would fit, the quota is not ok; the rest is looked at all the same."""
    one.user.quota["VMS"] = 1
    one.driver().launch(request())
    found = looked(one)
    assert [about for about, finding in found.items() if not finding.ok] == ["quota"]


def test_an_unreachable_front_end_is_a_finding(one: FrontEnd) -> None:
    """Nobody listening is told, and raises nothing."""
    one.proxy.stop()
    assert [finding.ok for finding in looked(one).values()] == [False]


def test_a_wrong_template_names_the_closest(one: FrontEnd) -> None:
    """A template that is not there is a finding of its pool."""
    assert looked(one, flavor="one-cores")["template of pool-1"].mend == "did you mean 'one-core'?"


def test_a_wrong_image_names_the_templates(one: FrontEnd) -> None:
    """An image the template does not boot is told with the one it does."""
    finding = looked(one, image="debian-13")["image of pool-1"]
    assert not finding.ok
    assert "debian-12" in finding.mend


def test_a_wrong_network_names_the_closest(one: FrontEnd) -> None:
    """A template on a network nobody knows is told with the network that was meant."""
    one.template.body["NIC"] = [{"NETWORK": "privat"}]
    assert looked(one)["network of pool-1"].mend == "did you mean 'private'?"


def test_a_vm_that_cannot_reach_the_manager_is_told(one: FrontEnd) -> None:
    """No network interface, or a context that does not configure it, is a finding."""
    one.template.body["CONTEXT"] = {"SSH_PUBLIC_KEY": "x"}
    assert "NETWORK=YES" in looked(one)["network of pool-1"].text
    one.template.body["NIC"] = []
    assert "no NIC" in looked(one)["network of pool-1"].text


def test_a_network_may_be_left_to_the_scheduler(one: FrontEnd) -> None:
    """An interface in mode auto names no network, and is well."""
    one.template.body["NIC"] = [{"NETWORK_MODE": "auto"}]
    assert looked(one)["network of pool-1"].ok


def test_a_template_smaller_than_its_pool_is_told(one: FrontEnd) -> None:
    """Fewer cores than the pool promises is a finding, unless VMs are resized."""
    eight = Resources(cores=8, ram_mb=512)
    assert not looked(one, resources=eight)["sizes of pool-1"].ok
    assert looked(one, resources=eight, options={"resize": True})["sizes of pool-1"].ok
