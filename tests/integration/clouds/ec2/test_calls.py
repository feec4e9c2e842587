"""How many calls it takes, and what each tells."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest

from tests.doubles.ec2_proxy import Ec2Proxy, error, form_of
from tests.doubles.fault_proxy import Call, Fault
from vmdirac_py.clouds.api import AuthFailed, BadRequest, CloudEndpoint, LaunchRequest

Ask = Callable[..., LaunchRequest]


def is_action(name: str) -> Callable[[Call], bool]:
    """Return whether a call is such a one."""
    return lambda call: form_of(call).get("Action") == name


def test_calls_of_a_hundred_vms(driver: CloudEndpoint, proxy: Ec2Proxy, ask: Ask) -> None:
    """A hundred VMs take one call to launch, one to list, two to terminate, and one to count."""
    launched = driver.launch(ask(100)).launched
    driver.instances()
    driver.limits()
    driver.terminate([one.id for one in launched])
    assert Counter(proxy.actions()) == {
        "RunInstances": 1,
        "DescribeInstances": 3,  # the listing, the count, and whose they are before they are terminated
        "DescribeInstanceTypes": 1,  # once: moto does not describe an instance's cores, and flavors are remembered
        "TerminateInstances": 1,
    }


def test_what_is_gone_meanwhile_keeps_no_other_alive(driver: CloudEndpoint, proxy: Ec2Proxy, ask: Ask) -> None:
    """An id the cloud forgets between look and end is left out, and the others end."""
    gone, other = (one.id for one in driver.launch(ask(2)).launched)
    refusal = error("InvalidInstanceID.NotFound", 400, f"The instance IDs '{gone}' do not exist")
    proxy.order(Fault(is_action("TerminateInstances"), reply=refusal))
    driver.terminate([gone, other])
    assert {one.id: one.terminal for one in driver.instances()} == {gone: False, other: True}


def test_a_protected_one_keeps_no_other_alive(driver: CloudEndpoint, proxy: Ec2Proxy, ask: Ask) -> None:
    """One instance that may not be ended is left out and told; the others of the same call are ended."""
    first, *others = [instance.id for instance in driver.launch(ask(3)).launched]
    refusal = error("OperationNotPermitted", 400, f"The instance '{first}' may not be terminated. Modify it.")
    proxy.order(Fault(lambda call: first.encode() in call.body and b"=TerminateInstances" in call.body, reply=refusal))
    with pytest.raises(AuthFailed, match=f"(?s){first}.*protection"):
        driver.terminate([first, *others])
    assert {one.id for one in driver.instances() if one.terminal} == set(others)


def test_a_refusal_that_names_nobody_is_told(driver: CloudEndpoint, proxy: Ec2Proxy, ask: Ask) -> None:
    """Where the cloud does not say which id it does not know, nothing is tried for ever."""
    (one,) = driver.launch(ask(1)).launched
    proxy.order(Fault(is_action("TerminateInstances"), times=None, reply=error("InvalidInstanceID.NotFound", 400)))
    with pytest.raises(BadRequest):
        driver.terminate([one.id])


def test_a_console_is_read(driver: CloudEndpoint, ask: Ask) -> None:
    """The console's text is plain text."""
    (one,) = driver.launch(ask(1)).launched
    assert "Linux version" in driver.console(one.id)  # type: ignore[attr-defined]


def test_an_old_console_is_better_than_none(driver: CloudEndpoint, proxy: Ec2Proxy, ask: Ask) -> None:
    """Where the cloud cannot tell a flavor's console as it is now, it is asked for the one it kept."""
    (one,) = driver.launch(ask(1)).launched
    latest = lambda call: form_of(call).get("Latest") == "true"  # noqa: E731 -- a matcher
    proxy.order(Fault(latest, reply=error("UnsupportedOperation", 400)))
    assert "Linux version" in driver.console(one.id)  # type: ignore[attr-defined]


def test_an_account_tells_its_limit_only_where_it_is_trusted(driver: CloudEndpoint, proxy: Ec2Proxy) -> None:
    """Without being told to, no attribute is taken for a limit that may not be one."""
    assert driver.limits().max_vms is None
    assert "DescribeAccountAttributes" not in proxy.actions()


def test_spot_instances_are_asked_for_notices(driver: CloudEndpoint, proxy: Ec2Proxy, direct: Any, ask: Ask) -> None:
    """A spot pool gets spot instances, and their listing looks for announced interruptions; others do not."""
    driver.launch(ask(1))
    driver.instances()
    assert "DescribeSpotInstanceRequests" not in proxy.actions()
    (one,) = driver.launch(ask(1, spot=True, spot_max_price="0.05")).launched
    driver.instances()
    assert "DescribeSpotInstanceRequests" in proxy.actions()
    told = direct.describe_instances(InstanceIds=[one.id])["Reservations"][0]["Instances"][0]
    assert told["InstanceLifecycle"] == "spot"


def test_volumes_bear_the_mark(driver: CloudEndpoint, direct: Any, ask: Ask) -> None:
    """What an instance leaves behind could be told from what is somebody else's."""
    request = ask(1)
    driver.launch(request)
    (volume,) = direct.describe_volumes(Filters=[{"Name": "tag:vmdirac_batch", "Values": [request.mark.batch]}])[
        "Volumes"
    ]
    assert volume["Attachments"]


def test_what_a_pool_names_is_what_it_gets(driver: CloudEndpoint, direct: Any, ask: Ask, subnets: list[str]) -> None:
    """Key pair, security groups, subnet and template arrive at the instance."""
    direct.create_key_pair(KeyName="debug")
    group = direct.describe_security_groups()["SecurityGroups"][0]["GroupId"]
    direct.create_launch_template(LaunchTemplateName="worker", LaunchTemplateData={"EbsOptimized": True})
    given = {"key_pair": "debug", "security_groups": [group], "subnets": subnets[:1], "launch_template": "worker"}
    (one,) = driver.launch(ask(1, **given)).launched
    told = direct.describe_instances(InstanceIds=[one.id])["Reservations"][0]["Instances"][0]
    assert (told["KeyName"], told["SubnetId"]) == ("debug", subnets[0])
    assert [found["GroupId"] for found in told["SecurityGroups"]] == [group]
