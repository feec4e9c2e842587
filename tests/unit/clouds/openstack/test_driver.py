"""What a launch's answers mean, where a real Nova does not give them to order."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.doubles.keystone import Asked, Keystone, keystone
from vmdirac_py.clouds.api import AnswerLost, LaunchRequest, Mark
from vmdirac_py.clouds.openstack import connect
from vmdirac_py.model.inventory import Endpoint, Pool
from vmdirac_py.model.resources import Resources

IMAGE, FLAVOR = "00000000-0000-0000-0000-000000000001", "m1"
REQUEST = LaunchRequest(
    Mark("inst-ours", "b-1", "vo-1", "pool-1"),
    Pool("pool-1", "cloud", "vo-1", "site", FLAVOR, IMAGE, Resources(cores=1)),
    ["vm-1", "vm-2"],
    b"#cloud-config\n",
)


@pytest.fixture
def cloud() -> Iterator[Keystone]:
    """Return a stand-in that takes a launch, and lists nothing of it."""

    def answer(asked: Asked) -> tuple[int, Any, dict[str, str]]:
        if asked.method == "POST":
            return 202, {"reservation_id": "r-1"}, {}
        flavors = {"flavors": [{"id": "1", "name": FLAVOR}]}
        return 200, flavors if "/flavors/" in asked.path else {"servers": []}, {}

    with keystone() as made:
        made.answer = answer
        yield made


def test_a_launch_nova_took_and_shows_nothing_of_is_lost(cloud: Keystone) -> None:
    """Nova makes one server at least of what it takes: where it shows none, that is no refusal."""
    login = {"auth_method": "password", "username": "u", "password": "secret", "project": "p"}
    endpoint = Endpoint("cloud", "openstack", "s", options={"auth_url": cloud.url, **login})
    ours = connect(endpoint, installation_id="inst-ours", resolve=str, home=Path("/"))
    with pytest.raises(AnswerLost, match="reservation"):
        ours.launch(REQUEST)
