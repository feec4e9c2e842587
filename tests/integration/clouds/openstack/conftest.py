"""A real Nova for what only the OpenStack driver promises."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from tests.conformance.endpoints.openstack import OpenStackLab
from tests.conformance.endpoints.openstack import lab as made
from vmdirac_py.base.ids import new_id
from vmdirac_py.clouds.api import LaunchRequest, Mark
from vmdirac_py.clouds.openstack.driver import NovaEndpoint

OURS = "inst-ours"


@pytest.fixture
def lab(tmp_path: Path) -> Iterator[OpenStackLab]:
    """Return a project without servers."""
    with made(tmp_path) as found:
        yield found


@pytest.fixture
def ours(lab: OpenStackLab) -> NovaEndpoint:
    """Return our driver."""
    return lab.endpoint(OURS)


@pytest.fixture
def ask(lab: OpenStackLab) -> Callable[..., LaunchRequest]:
    """Return a maker of launch requests of the lab's pool, with changed options, flavor or image."""

    def make(vms: int = 1, *, flavor: str = "", image: str = "", **options: Any) -> LaunchRequest:
        pool = replace(
            lab.pool,
            flavor=flavor or lab.pool.flavor,
            image=image or lab.pool.image,
            options={**lab.pool.options, **options},
        )
        names = [f"vm-{number}" for number in range(vms)]
        return LaunchRequest(Mark(OURS, new_id("b"), pool.vo, pool.name), pool, names, b"#cloud-config\n")

    return make
