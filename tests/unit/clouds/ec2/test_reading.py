"""What the cloud's descriptions become."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from vmdirac_py.clouds.api import Mark
from vmdirac_py.clouds.ec2.reading import cores_of, instance_of, is_living_spot, mark_of, notices_of
from vmdirac_py.clouds.marks import to_labels

MARK = Mark("inst-1", "b-1", "vo-1", "pool-1")
AT = datetime(2026, 5, 1, tzinfo=UTC)


def described(state: str = "running", **more: Any) -> dict[str, Any]:
    """Return an instance as the library gives it."""
    tags = [{"Key": key, "Value": value} for key, value in to_labels(MARK).items()]
    return {"InstanceId": "i-1", "State": {"Name": state}, "LaunchTime": AT, "Tags": tags, **more}


def test_an_instance_is_read() -> None:
    """Id, mark, the cloud's own word, address and time come from the description."""
    item = described(PrivateIpAddress="10.0.0.1")
    instance = instance_of(item, MARK)
    assert (instance.id, instance.state, instance.address) == ("i-1", "running", "10.0.0.1")
    assert instance.created_at == AT.timestamp()
    assert mark_of(item) == MARK


@pytest.mark.parametrize(
    ("state", "terminal"),
    [
        ("pending", False),
        ("running", False),
        ("stopping", False),
        ("stopped", False),
        ("shutting-down", False),
        ("terminated", True),
    ],
)
def test_only_terminated_is_terminal(state: str, terminal: bool) -> None:  # noqa: FBT001 -- a table's column
    """What is stopped still holds its disk and may run again; what is terminated is listed a while and gone."""
    assert instance_of(described(state), MARK).terminal is terminal


@pytest.mark.parametrize(
    ("code", "message", "fault"),
    [
        ("", "", ""),
        ("Client.UserInitiatedShutdown", "Client.UserInitiatedShutdown: User initiated shutdown", ""),
        ("Client.VolumeLimitExceeded", "Volume limit exceeded", "Client.VolumeLimitExceeded: Volume limit exceeded"),
        ("Server.InternalError", "Server.InternalError: on launch", "Server.InternalError: on launch"),
    ],
)
def test_a_fault_is_why_it_ended_unasked(code: str, message: str, fault: str) -> None:
    """An end nobody asked for is told in the cloud's words, one that was asked for is no fault."""
    item = described("terminated", StateReason={"Code": code, "Message": message})
    assert instance_of(item, MARK).fault == fault


def test_an_interruption_under_way_is_leaving() -> None:
    """An instance the cloud is ending leaves; once it has ended it is past that."""
    reason = {"Code": "Server.SpotInstanceTermination", "Message": "Spot instance termination"}
    assert "Spot instance termination" in instance_of(described("shutting-down", StateReason=reason), MARK).leaving
    assert not instance_of(described("terminated", StateReason=reason), MARK).leaving


def test_a_notice_is_leaving() -> None:
    """What the spot request says of its end is why the instance leaves."""
    assert instance_of(described(), MARK, "marked").leaving == "marked"


def test_notices_are_those_of_interruptions() -> None:
    """A request that is fulfilled, or bound to no instance, announces nothing."""
    requests: list[dict[str, Any]] = [
        {"InstanceId": "i-1", "Status": {"Code": "marked-for-termination", "Message": "in two minutes"}},
        {"InstanceId": "i-2", "Status": {"Code": "fulfilled", "Message": "ok"}},
        {"Status": {"Code": "marked-for-termination"}},
        {"InstanceId": "i-3"},
    ]
    assert notices_of(list(requests)) == {"i-1": "marked-for-termination: in two minutes"}


@pytest.mark.parametrize(
    ("item", "living"),
    [
        (described(InstanceLifecycle="spot"), True),
        (described("terminated", InstanceLifecycle="spot"), False),
        (described(), False),
    ],
)
def test_only_living_spot_instances_may_be_interrupted(item: dict[str, Any], living: bool) -> None:  # noqa: FBT001
    """Without one of them nobody need ask for notices."""
    assert is_living_spot(item) is living


@pytest.mark.parametrize(
    ("cpu", "cores"),
    [({"CoreCount": 2, "ThreadsPerCore": 2}, 4), ({"CoreCount": 2}, 2), ({}, None), (None, None)],
)
def test_cores_are_threads(cpu: dict[str, int] | None, cores: int | None) -> None:
    """A quota counts threads; where there is no word of them the flavor has to tell."""
    assert cores_of(described(CpuOptions=cpu)) == cores


@pytest.mark.parametrize("lacking", ["InstanceId", "State", "LaunchTime"])
def test_half_a_description_is_none(lacking: str) -> None:
    """What lacks id, state or time is not taken for an instance."""
    item = described()
    del item[lacking]
    with pytest.raises(KeyError):
        instance_of(item, MARK)


def test_another_label_is_no_mark() -> None:
    """An instance whose tags hold only a part of a mark bears none."""
    assert mark_of(described(Tags=[{"Key": "vmdirac_installation", "Value": "inst-1"}])) is None
