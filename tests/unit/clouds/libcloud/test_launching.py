"""A launch that makes VM after VM ends within its time."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import pytest
from libcloud.compute.base import Node
from libcloud.compute.types import NodeState

from tests.unit.clouds.libcloud.conftest import request_of
from vmdirac_py.clouds.api import CloudLimits
from vmdirac_py.clouds.libcloud.forms import Named
from vmdirac_py.clouds.libcloud.launching import Launching
from vmdirac_py.clouds.libcloud.providers import OPENSTACK
from vmdirac_py.clouds.libcloud.wire import Wire
from vmdirac_py.model.batch import ErrorClass


class Clockwork(Wire):
    """A line whose time passes only where a test says so."""

    def __init__(self, seconds: float) -> None:
        super().__init__(seconds, verify=True)
        self.seconds = seconds

    def remaining(self) -> float:
        """Return what is left."""
        return self.seconds


class Taking:
    """A cloud each of whose creates takes so many seconds."""

    region = "R"

    def __init__(self, wire: Clockwork, seconds: float) -> None:
        self._wire, self._seconds, self.made = wire, seconds, 0

    def create(self, arguments: Mapping[str, Any]) -> Sequence[Node]:
        """Make one."""
        self._wire.seconds -= self._seconds
        self.made += 1
        extra = {"metadata": arguments["ex_metadata"], "vm_state": "building"}
        when = datetime(2026, 11, 1, tzinfo=UTC)
        return [
            Node(f"i-{self.made}", arguments["name"], NodeState.PENDING, [], [], None, extra=extra, created_at=when)
        ]

    def listed(self, installation: str) -> Sequence[Node]:
        """Not asked here."""
        raise NotImplementedError(installation)

    def found(self, instance_ids: Collection[str]) -> Sequence[Node]:
        """Not asked here."""
        raise NotImplementedError(instance_ids)

    def destroy(self, node: Node) -> None:
        """Not asked here."""
        raise NotImplementedError(node)

    def limits(self) -> CloudLimits:
        """Not asked here."""
        raise NotImplementedError

    def console(self, node: Node) -> str:
        """Not asked here."""
        raise NotImplementedError(node)

    def known(self, kind: str, name: str) -> None:
        """Not asked here."""
        raise NotImplementedError(kind, name)

    def find(self, kind: str, name: str) -> Named:
        """Return a thing by its id."""
        del kind
        return Named(name, name)


@pytest.mark.parametrize(("each", "made"), [(1.0, 8), (4.0, 2), (6.0, 1), (30.0, 1)])
def test_nothing_is_begun_that_would_not_end_in_time(each: float, made: int) -> None:
    """With less time left than the slowest create took no further one is begun; the rest is refused as too much."""
    wire = Clockwork(10.0)
    cloud = Taking(wire, each)
    result = Launching(request_of(8), OPENSTACK, cloud, wire, "here").run()
    assert len(result.launched) == cloud.made == made
    rest = [(8 - made, ErrorClass.THROTTLED)] if made < 8 else []
    assert [(refusal.count, refusal.error_class) for refusal in result.refused] == rest
