"""What is told of a pool's networks before anything is launched."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.doubles.keystone import Asked, Keystone, keystone
from vmdirac_py.clouds.openstack import connect
from vmdirac_py.model.inventory import Endpoint, Pool
from vmdirac_py.model.resources import Resources

NETWORKS = [
    {"id": "n-1", "name": "inner", "router:external": False, "shared": False},
    {"id": "n-2", "name": "outer", "router:external": True, "shared": False},
    {"id": "n-3", "name": "both", "router:external": True, "shared": True},
]


@pytest.fixture
def cloud() -> Iterator[Keystone]:
    """Return a stand-in with these networks."""

    def answer(asked: Asked) -> tuple[int, Any, dict[str, str]]:
        return (200, {"networks": NETWORKS}, {}) if "/networks" in asked.path else (404, {}, {})

    with keystone() as made:
        made.answer = answer
        yield made


@pytest.mark.parametrize(
    ("about", "options", "ok"),
    [
        ("network of p", {"networks": ["inner"]}, True),
        ("network of p", {"networks": ["outer"]}, False),
        ("network of p", {"networks": ["both"]}, True),
        ("network of p", {"networks": ["other"]}, False),
        ("outside network of p", {"networks": ["inner"], "floating_network": "outer"}, True),
        ("outside network of p", {"networks": ["inner"], "floating_network": "inner"}, False),
    ],
)
def test_networks_for_vms_and_networks_for_addresses(
    cloud: Keystone,
    about: str,
    options: dict[str, Any],
    ok: bool,  # noqa: FBT001
) -> None:
    """One that is there and of the wrong side is told with the option to mend: Nova would take it, and fail later."""
    login = {"auth_method": "password", "username": "u", "password": "secret", "project": "p"}
    endpoint = Endpoint("cloud", "openstack", "s", options={"auth_url": cloud.url, **login})
    ours = connect(endpoint, installation_id="inst-ours", resolve=str, home=Path("/"))
    pool = Pool("p", "cloud", "vo", "site", "m1", "debian", Resources(cores=1), options=options)
    (found,) = [each for each in ours.inspect([pool]) if each.about == about]
    assert found.ok is ok
    assert bool(found.mend) is not ok
