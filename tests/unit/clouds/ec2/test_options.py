"""Options of the inventory."""

from __future__ import annotations

from typing import Any

import pytest

from vmdirac_py.clouds import ec2
from vmdirac_py.model.inventory import Endpoint, Pool
from vmdirac_py.model.resources import Resources

GOOD = {
    "region": "here-1",
    "endpoint_url": "https://ec2.example.org",
    "access_key": "file:/etc/vmdirac/ec2-id",
    "secret_access_key": "file:/etc/vmdirac/ec2-secret",
}


def endpoint(**changes: Any) -> Endpoint:
    """Return an endpoint with these options; None leaves one out."""
    return Endpoint("aws", "ec2", "site", options={k: v for k, v in (GOOD | changes).items() if v is not None})


def pool(**options: Any) -> Pool:
    """Return a pool with these options."""
    return Pool("pool-1", "aws", "vo-1", "site", "t2.micro", "ami-1", Resources(cores=1), options=options)


def test_what_is_right_has_no_problems() -> None:
    """A whole endpoint with all a pool may say is fine, and warns of nothing."""
    full = pool(
        launch_template="lt-1",
        subnets=["a", "b"],
        security_groups=["sg"],
        key_pair="k",
        spot=True,
        spot_max_price="0.1",
    )
    assert ec2.problems(endpoint(session_token="file:/x"), [full, pool()]) == []
    assert ec2.warnings(endpoint()) == []


@pytest.mark.parametrize("key", ["region", "access_key", "secret_access_key"])
def test_what_is_needed_is_missed_by_its_key(key: str) -> None:
    """A key left out is named."""
    assert [f"endpoint_options.{key}" in problem for problem in ec2.problems(endpoint(**{key: None}), [])] == [True]


@pytest.mark.parametrize(
    ("options", "named"),
    [
        ({"subnet": ["a"]}, "did you mean 'subnets'?"),
        ({"subnets": "a"}, "pool_options.subnets"),
        ({"subnets": ["a", "a"]}, "named twice"),
        ({"spot_max_price": "0.1"}, "without spot"),
        ({"spot": True, "spot_max_price": "cheap"}, "pool_options.spot_max_price"),
    ],
)
def test_a_wrong_pool_option_is_told(options: dict[str, Any], named: str) -> None:
    """Each problem says what is wrong with which option, and of which pool."""
    (problem,) = ec2.problems(endpoint(), [pool(**options)])
    assert named in problem
    assert "pool-1" in problem


def test_an_url_must_be_one() -> None:
    """An address without http or https is refused by its key."""
    (problem,) = ec2.problems(endpoint(endpoint_url="ec2.example.org"), [])
    assert "endpoint_options.endpoint_url" in problem


@pytest.mark.parametrize(
    ("changes", "word"),
    [({"insecure_skip_tls_verify": True}, "not verified"), ({"endpoint_url": "http://ec2.example.org"}, "is http")],
)
def test_what_is_unwise_is_warned_of(changes: dict[str, Any], word: str) -> None:
    """No verification, or no TLS at all, is told again and again."""
    (warning,) = ec2.warnings(endpoint(**changes))
    assert word in warning


def test_what_is_wrong_is_no_warning() -> None:
    """Options that cannot be read are a problem, told elsewhere, and break nothing here."""
    assert ec2.warnings(endpoint(region=None)) == []
