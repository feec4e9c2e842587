"""What is asked of the cloud."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vmdirac_py.clouds.api import BadRequest, LaunchRequest, Mark
from vmdirac_py.clouds.ec2.options import PoolOptions
from vmdirac_py.clouds.ec2.orders import MAX_USER_DATA, check_user_data, client_token, parameters
from vmdirac_py.model.inventory import Pool
from vmdirac_py.model.resources import Resources

MARK = Mark("inst-1", "b-1", "vo-1", "pool-1")
POOL = Pool("pool-1", "ec2", "vo-1", "site", "t2.micro", "ami-1", Resources(cores=1))
NAMES = st.text(min_size=1, max_size=80)


def asked(options: dict[str, Any] | None = None, *, count: int = 3, turn: int = 0, subnet: str = "") -> dict[str, Any]:
    """Return the parameters of a request for `count` VMs."""
    request = LaunchRequest(MARK, POOL, [f"vm-{n}" for n in range(count)], b"data")
    return parameters(request, PoolOptions(**(options or {})), count=count, turn=turn, subnet=subnet)


@given(NAMES, NAMES, st.integers(0, 20))
def test_a_token_is_taken_by_the_api(installation: str, batch: str, turn: int) -> None:
    """A token has 64 plain characters at most, whatever ids are made of, and is the same each time."""
    mark = Mark(installation, batch, "vo", "pool")
    token = client_token(mark, turn)
    assert token == client_token(mark, turn)
    assert len(token) <= 64
    assert token.isascii()
    assert token.isalnum()


def test_tokens_differ_by_installation_batch_and_turn() -> None:
    """Two requests that are not repeats of each other never share a token."""
    marks = [Mark(installation, batch, "vo", "pool") for installation in ("i-1", "i-2") for batch in ("b-1", "b-2")]
    assert len({client_token(mark, turn) for mark in marks for turn in range(3)}) == 12


def test_as_many_as_there_is_room_for() -> None:
    """The cloud may give fewer than wanted, but one at least."""
    assert {key: asked(count=7)[key] for key in ("MinCount", "MaxCount")} == {"MinCount": 1, "MaxCount": 7}


def test_what_is_made_is_marked_as_it_is_made() -> None:
    """Instances and volumes bear the mark from their first moment on."""
    tags = {
        spec["ResourceType"]: {tag["Key"]: tag["Value"] for tag in spec["Tags"]}
        for spec in asked()["TagSpecifications"]
    }
    mark = {"vmdirac_installation": "inst-1", "vmdirac_batch": "b-1", "vmdirac_vo": "vo-1", "vmdirac_pool": "pool-1"}
    assert tags == {"instance": mark, "volume": mark}


def test_one_that_powers_off_is_terminated() -> None:
    """A VM that ends by itself leaves no stopped instance behind."""
    assert asked()["InstanceInitiatedShutdownBehavior"] == "terminate"


def test_what_is_not_given_is_not_sent() -> None:
    """Options left out are left to template and cloud."""
    assert (
        asked()
        .keys()
        .isdisjoint(
            {"SubnetId", "SecurityGroupIds", "KeyName", "LaunchTemplate", "IamInstanceProfile", "InstanceMarketOptions"}
        )
    )


@pytest.mark.parametrize(
    ("options", "sent"),
    [
        ({"security_groups": ["sg-1", "sg-2"]}, {"SecurityGroupIds": ["sg-1", "sg-2"]}),
        ({"key_pair": "debug"}, {"KeyName": "debug"}),
        ({"instance_profile": "worker"}, {"IamInstanceProfile": {"Name": "worker"}}),
        (
            {"instance_profile": "arn:x:iam::1:instance-profile/w"},
            {"IamInstanceProfile": {"Arn": "arn:x:iam::1:instance-profile/w"}},
        ),
        ({"launch_template": "lt-1"}, {"LaunchTemplate": {"LaunchTemplateId": "lt-1", "Version": "$Default"}}),
        (
            {"launch_template": "worker", "launch_template_version": "7"},
            {"LaunchTemplate": {"LaunchTemplateName": "worker", "Version": "7"}},
        ),
    ],
)
def test_an_option_becomes_its_parameter(options: dict[str, Any], sent: dict[str, Any]) -> None:
    """Each option of a pool is sent as the API calls it."""
    assert sent.items() <= asked(options).items()


@pytest.mark.parametrize(("price", "more"), [("", {}), ("0.05", {"MaxPrice": "0.05"})])
def test_spot_is_asked_for_once_and_ends_for_good(price: str, more: dict[str, str]) -> None:
    """An interrupted spot instance is terminated, and no request of it lives on to make another one."""
    market = asked({"spot": True, "spot_max_price": price})["InstanceMarketOptions"]
    options = {"SpotInstanceType": "one-time", "InstanceInterruptionBehavior": "terminate", **more}
    assert market == {"MarketType": "spot", "SpotOptions": options}


def test_user_data_may_have_exactly_its_limit() -> None:
    """The limit counts raw bytes; one more is refused before any call, naming the pool."""
    check_user_data(b"x" * MAX_USER_DATA, "pool-1")
    with pytest.raises(BadRequest, match="pool-1: 16385 bytes"):
        check_user_data(b"x" * (MAX_USER_DATA + 1), "pool-1")
