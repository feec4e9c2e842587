"""What `vmdirac endpoint check` learns."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from tests.doubles.ec2_proxy import Ec2Proxy, error, form_of
from tests.doubles.fault_proxy import Fault, Reply
from tests.integration.clouds.ec2.conftest import IMAGE, INSTALLATION, POOL
from vmdirac_py.clouds.api import AuthFailed, CloudEndpoint, Finding, LaunchRequest
from vmdirac_py.clouds.ec2 import connect
from vmdirac_py.model.inventory import Endpoint, Pool


@pytest.fixture
def there(direct: Any, subnets: list[str]) -> dict[str, Any]:
    """Return options that name what there is."""
    direct.create_key_pair(KeyName="debug-key")
    direct.create_launch_template(LaunchTemplateName="worker", LaunchTemplateData={"EbsOptimized": True})
    group = direct.describe_security_groups()["SecurityGroups"][0]["GroupId"]
    return {"subnets": subnets, "security_groups": [group], "key_pair": "debug-key", "launch_template": "worker"}


def connect_to(options: dict[str, Any]) -> CloudEndpoint:
    """Return the driver of an endpoint with these options."""
    return connect(
        Endpoint("ec2", "ec2", "site", options=options), installation_id=INSTALLATION, resolve=str, home=Path()
    )


def bad(findings: list[Finding]) -> dict[str, str]:
    """Return what is wrong, and what to mend."""
    return {one.about: one.mend for one in findings if not one.ok}


def test_what_is_right_is_said(driver: Any, there: dict[str, Any], proxy: Ec2Proxy) -> None:
    """A pool that would work gets a good word for each thing it names, and nothing is launched."""
    findings = driver.inspect([replace(POOL, options=there)])
    assert bad(findings) == {}
    assert [one.about.partition(" of ")[0] for one in findings] == [
        *(
            "login",
            "quota",
            "marks",
            "image",
            "flavor",
            "subnet",
            "subnet",
            "security group",
            "key pair",
            "launch template",
            "launch",
        )
    ]
    assert driver.instances() == ()
    assert all(form_of(call)["DryRun"] == "true" for call in proxy.calls if b"RunInstances" in call.body)


@pytest.mark.parametrize(
    ("option", "wrong", "about", "near"),
    [
        ("key_pair", "debug-kay", "key pair of pool-1", "did you mean 'debug-key'?"),
        ("launch_template", "wroker", "launch template of pool-1", "did you mean 'worker'?"),
        ("subnets", ["subnet-0"], "subnet of pool-1", "did you mean 'subnet-"),
        ("security_groups", ["default"], "security group of pool-1", "did you mean 'sg-"),
    ],
)
def test_a_wrong_name_has_a_closest(
    driver: Any, there: dict[str, Any], option: str, wrong: Any, about: str, near: str
) -> None:
    """What does not exist is told by its option, with the name that was probably meant."""
    findings = driver.inspect([replace(POOL, options={**there, option: wrong})])
    assert near in bad(findings)[about]
    assert option in bad(findings)[about]


def test_a_wrong_flavor(driver: Any) -> None:
    """Of all flavors of the cloud the nearest is named."""
    findings = driver.inspect([replace(POOL, flavor="t2.micor")])
    assert bad(findings)["flavor of pool-1"] == "pool_flavor: did you mean 't2.micro'?"


def test_an_image_by_its_name(driver: Any, direct: Any) -> None:
    """An image is named by its id; who writes its name is told the id."""
    instance = direct.run_instances(ImageId=IMAGE, InstanceType="t2.micro", MinCount=1, MaxCount=1)["Instances"][0]
    image = direct.create_image(InstanceId=instance["InstanceId"], Name="worker-2026")["ImageId"]
    findings = driver.inspect([replace(POOL, image="worker-2026")])
    assert bad(findings)["image of pool-1"] == f"pool_image: did you mean {image!r}?"


def test_the_account_is_told(driver: Any, ask: Callable[..., LaunchRequest], direct: Any) -> None:
    """Quota and marks count: everybody's instances, and those of them that are this installation's."""
    driver.launch(ask(2))
    direct.run_instances(ImageId=IMAGE, InstanceType="t2.micro", MinCount=1, MaxCount=1)
    told = {one.about: one.text for one in driver.inspect([])}
    assert told["quota"].startswith("3 VMs")
    assert told["marks"].startswith("2 ")


def test_a_full_account_is_told(options: dict[str, Any], proxy: Ec2Proxy, ask: Callable[..., LaunchRequest]) -> None:
    """Where the account's limit may be trusted and is reached, that is what to mend."""
    driver: Any = connect_to(options | {"trust_max_instances": True})
    proxy.max_vms = 2
    driver.launch(ask(2))
    assert bad(driver.inspect([])).keys() == {"quota"}


@pytest.mark.parametrize("status", [200, 401, 404])
def test_a_page_of_something_else_is_no_login(driver: Any, proxy: Ec2Proxy, status: int) -> None:
    """What answers like a web site took no credentials: the URL is to be mended, and no more is looked at."""
    proxy.order(Fault(times=None, reply=Reply(status, b"<html><body>Sign in</body></html>")))
    (finding,) = driver.inspect([POOL])
    assert (finding.about, finding.ok) == ("login", False)
    assert "endpoint_url" in finding.mend


def test_a_failed_login_is_all_there_is_to_say(driver: Any, proxy: Ec2Proxy) -> None:
    """With credentials nobody takes, one finding says so."""
    proxy.order(Fault(times=None, reply=error("AuthFailure", 401)))
    (finding,) = driver.inspect([POOL])
    assert (finding.about, finding.ok) == ("login", False)
    assert "access_key" in finding.mend


def test_a_secret_that_is_not_there_is_named(options: dict[str, Any], tmp_path: Path) -> None:
    """Where a secret cannot be read, the login tells which."""

    def resolve(reference: str) -> str:
        raise AuthFailed("cannot read the file", where=f"file:{reference}")

    described = Endpoint("ec2", "ec2", "site", options=options)
    driver: Any = connect(described, installation_id=INSTALLATION, resolve=resolve, home=tmp_path)
    (finding,) = driver.inspect([POOL])
    assert (finding.about, finding.ok) == ("login", False)
    assert f"file:{options['access_key']}" in finding.text


def test_a_policy_that_forbids_launches(driver: Any, proxy: Ec2Proxy) -> None:
    """The cloud itself is asked whether it would launch, so that a policy is known before it matters."""
    dry = Fault(lambda call: b"DryRun=true" in call.body, reply=error("UnauthorizedOperation", 403))
    proxy.order(dry)
    assert "policy" in bad(driver.inspect([POOL]))["launch of pool-1"]


def test_pools_are_told_apart(driver: Any) -> None:
    """Each pool has its own findings."""
    other: Pool = replace(POOL, name="pool-2", flavor="none.such")
    assert bad(driver.inspect([POOL, other])).keys() == {"flavor of pool-2"}
