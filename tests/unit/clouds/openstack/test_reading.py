"""What Nova says of servers."""

from __future__ import annotations

from typing import Any

import pytest

from vmdirac_py.clouds.api import CloudLimits, Mark
from vmdirac_py.clouds.marks import to_labels
from vmdirac_py.clouds.openstack.reading import instance_of, limits_of
from vmdirac_py.model.batch import ErrorClass

MARK = Mark("inst-1", "b-1", "vo-1", "pool-1")
FIXED = {"addr": "10.0.0.5", "version": 4, "OS-EXT-IPS:type": "fixed"}
SIX = {"addr": "2001:db8::5", "version": 6, "OS-EXT-IPS:type": "fixed"}
FLOATING = {"addr": "192.0.2.7", "version": 4, "OS-EXT-IPS:type": "floating"}


def server(**changes: Any) -> dict[str, Any]:
    """Return a server as listed."""
    made = {
        "id": "s-1",
        "status": "ACTIVE",
        "metadata": to_labels(MARK),
        "created": "2026-11-22T17:39:15Z",
        "addresses": {"net": [FIXED]},
    }
    return made | changes


def test_a_server_of_ours() -> None:
    """A server with our mark is an instance with all that is told of it."""
    found = instance_of(server())
    assert found is not None
    assert (found.id, found.mark, found.state, found.address) == ("s-1", MARK, "ACTIVE", "10.0.0.5")
    assert found.created_at == 1795369155.0
    assert (found.terminal, found.fault, found.error_class) == (False, "", None)


@pytest.mark.parametrize("metadata", [{}, {"owner": "jane"}, {"vmdirac_installation": "inst-1"}])
def test_a_server_of_others(metadata: dict[str, str]) -> None:
    """A server without our mark, or with a part of it, is none of ours."""
    assert instance_of(server(metadata=metadata)) is None


@pytest.mark.parametrize(
    ("state", "terminal"), [("DELETED", True), ("SOFT_DELETED", True), ("SHUTOFF", False), ("ERROR", False)]
)
def test_what_holds_nothing_any_more(state: str, terminal: bool) -> None:  # noqa: FBT001
    """Only deleted servers hold nothing; one that is shut off or in ERROR holds its quota."""
    found = instance_of(server(status=state))
    assert found is not None
    assert found.terminal is terminal


def test_an_error_has_its_class() -> None:
    """A server that Nova took and could not build says why, in Nova's words and in ours."""
    found = instance_of(server(status="ERROR", fault={"code": 500, "message": "No valid host was found. "}))
    assert found is not None
    assert (found.fault, found.error_class) == ("No valid host was found.", ErrorClass.NO_CAPACITY)


def test_an_error_without_a_fault() -> None:
    """ERROR without a fault (an administrator's reset) is the cloud's own."""
    found = instance_of(server(status="ERROR"))
    assert found is not None
    assert found.error_class is ErrorClass.UNAVAILABLE


@pytest.mark.parametrize(
    ("addresses", "address"),
    [
        ({}, ""),
        ({"a": [SIX, FIXED]}, "10.0.0.5"),
        ({"a": [FIXED], "b": [FLOATING]}, "192.0.2.7"),
        ({"a": [SIX]}, "2001:db8::5"),
    ],
)
def test_the_address_that_is_told(addresses: dict[str, Any], address: str) -> None:
    """A floating address comes before a fixed one, IPv4 before IPv6."""
    found = instance_of(server(addresses=addresses))
    assert found is not None
    assert found.address == address


@pytest.mark.parametrize("lacking", ["id", "status", "metadata", "created"])
def test_half_a_server_is_none(lacking: str) -> None:
    """A server in outline raises instead of becoming something half known."""
    given = server()
    del given[lacking]
    with pytest.raises(KeyError):
        instance_of(given)


def test_limits() -> None:
    """-1 is no limit; use counts everybody's."""
    told = {"maxTotalInstances": 10, "maxTotalCores": -1, "totalInstancesUsed": 3, "totalCoresUsed": 12}
    assert limits_of({"limits": {"absolute": told}}) == CloudLimits(10, None, 3, 12)
