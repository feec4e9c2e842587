"""Deleting many servers at once, and the volumes they leave."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.doubles.keystone import Asked, Keystone, keystone
from vmdirac_py.clouds.api import AnswerLost, AuthFailed, BadRequest, Throttled, Unavailable
from vmdirac_py.clouds.openstack import connect
from vmdirac_py.clouds.openstack.driver import NovaEndpoint
from vmdirac_py.clouds.openstack.terminating import each
from vmdirac_py.model.inventory import Endpoint

OURS = {"vmdirac_installation": "inst-ours", "vmdirac_volume": "boot"}
Reply = tuple[int, Any, dict[str, str]]


@pytest.fixture
def cloud() -> Iterator[Keystone]:
    """Return a stand-in."""
    with keystone() as made:
        yield made


@pytest.fixture
def ours(cloud: Keystone) -> NovaEndpoint:
    """Return our driver."""
    login = {"auth_method": "password", "username": "u", "password": "secret", "project": "p"}
    endpoint = Endpoint("cloud", "openstack", "s", options={"auth_url": cloud.url, **login})
    return connect(endpoint, installation_id="inst-ours", resolve=str, home=Path("/"))


def answers(replies: dict[str, Any]) -> Callable[[Asked], Reply]:
    """Return what is answered by `METHOD path` (without its query); 404 to all else."""

    def answer(asked: Asked) -> Reply:
        told = replies.get(f"{asked.method} {asked.path.partition('?')[0]}")
        return (404, {}, {}) if told is None else (200, told, {})

    return answer


def shown(metadata: dict[str, Any], **more: Any) -> dict[str, Any]:
    """Return what Nova tells of servers with this metadata."""
    return {
        f"GET /v2.1/servers/{name}": {"server": {"id": name, "metadata": told, **more}}
        for name, told in metadata.items()
    }


def test_after_an_error_nothing_more_is_begun() -> None:
    """Those at work end; those that wait are not begun."""
    begun, gate = [], threading.Event()

    def act(name: str) -> None:
        begun.append(name)
        if name == "000":
            gate.set()
            raise Throttled("slow down")
        gate.wait(10)

    with pytest.raises(Throttled):
        each(act, [f"{number:03d}" for number in range(100)])
    assert len(begun) < 100


def test_a_lost_answer_comes_before_other_errors() -> None:
    """Where one answer was lost and another call refused, what is not known is told."""
    both = threading.Barrier(2)

    def act(name: str) -> None:
        both.wait(10)
        raise Unavailable("no") if name == "a" else AnswerLost("who knows")

    with pytest.raises(AnswerLost):
        each(act, ["a", "b"])


def test_one_foreign_server_spares_all(cloud: Keystone, ours: NovaEndpoint) -> None:
    """Where one of them is not ours, none is deleted."""
    metadata = {"mine": OURS, "theirs": {"vmdirac_installation": "inst-theirs"}, "nobodys": {}}
    cloud.answer = answers(shown(metadata))
    with pytest.raises(AuthFailed, match="nobodys, theirs"):
        ours.terminate(["mine", "theirs", "nobodys"])
    assert not [path for path in cloud.paths() if path.startswith("DELETE")]


def test_a_locked_server_keeps_no_other_alive(cloud: Keystone, ours: NovaEndpoint) -> None:
    """Where Nova refuses to delete one, all others go all the same, and the error names the one."""
    replies = answers(shown({f"s-{number:02d}": OURS for number in range(40)}))
    locked = {"conflictingRequest": {"message": "Instance s-00 is locked"}}

    def answer(asked: Asked) -> Reply:
        return (409, locked, {}) if (asked.method, asked.path[-4:]) == ("DELETE", "s-00") else replies(asked)

    cloud.answer = answer
    with pytest.raises(BadRequest, match=r"server s-00.*locked"):
        ours.terminate([f"s-{number:02d}" for number in range(40)])
    assert len({path for path in cloud.paths() if path.startswith("DELETE")}) == 40


def test_a_boot_volume_is_marked_before_its_server_goes(cloud: Keystone, ours: NovaEndpoint) -> None:
    """Volumes that should go with their server bear our mark first; others do not."""
    attached = [{"id": "boot", "delete_on_termination": True}, {"id": "data", "delete_on_termination": False}]
    cloud.answer = answers(
        {
            **shown({"s-1": OURS}, **{"os-extended-volumes:volumes_attached": attached}),
            "POST /v3/project-1/volumes/boot/metadata": {"metadata": {}},
            "DELETE /v2.1/servers/s-1": {},
        }
    )
    ours.terminate(["s-1"])
    (marked,) = [each for each in cloud.asked if each.path.startswith("/v3/project-1")]
    assert marked.body == {"metadata": {"vmdirac_installation": "inst-ours"}}
    assert cloud.paths()[-1] == "DELETE /v2.1/servers/s-1"


def volume(name: str, **changes: Any) -> dict[str, Any]:
    """Return a volume of ours that nobody uses."""
    made = {"id": name, "status": "available", "attachments": [], "metadata": {"vmdirac_installation": "inst-ours"}}
    return made | changes


def test_only_loose_volumes_of_ours_are_swept(cloud: Keystone, ours: NovaEndpoint) -> None:
    """A volume goes if it bears our mark and nobody uses it; whatever the cloud lists beside it stays."""
    volumes = [
        volume("loose"),
        volume("used", status="in-use", attachments=[{"server_id": "s-1"}]),
        volume("theirs", metadata={"vmdirac_installation": "inst-theirs"}),
        volume("nobodys", metadata={}),
    ]
    cloud.answer = answers(
        {
            "GET /v2.1/servers/detail": {"servers": []},
            "GET /v2.0/ports": {"ports": []},
            "GET /v2.0/floatingips": {"floatingips": []},
            "GET /v3/project-1/volumes/detail": {"volumes": volumes},
            "DELETE /v3/project-1/volumes/loose": {},
        }
    )
    assert ours.sweep() == ["volume loose"]
    assert [path for path in cloud.paths() if path.startswith("DELETE")] == ["DELETE /v3/project-1/volumes/loose"]


def port(name: str, server: str) -> dict[str, Any]:
    """Return a port of ours that a server has, or had."""
    mark = "vmdirac_installation=inst-ours"
    return {"id": name, "device_id": server, "description": mark, "created_at": "2020-01-01T00:00:00Z"}


def test_a_port_of_a_server_that_is_there_is_not_swept(cloud: Keystone, ours: NovaEndpoint) -> None:
    """A server that a listing lacks is asked for itself before its port is deleted."""
    cloud.answer = answers(
        {
            **shown({"hidden": OURS}),
            "GET /v2.1/servers/detail": {"servers": []},
            "GET /v2.0/ports": {"ports": [port("kept", "hidden"), port("loose", ""), port("left", "gone")]},
            "GET /v2.0/floatingips": {"floatingips": []},
            "GET /v3/project-1/volumes/detail": {"volumes": []},
        }
    )
    assert ours.sweep() == ["port left", "port loose"]


def test_a_sweep_of_what_cannot_be_read(cloud: Keystone, ours: NovaEndpoint) -> None:
    """Where the cloud's words of a port say less than they should, nothing is deleted and nothing else leaves."""
    strange = {"id": "p", "description": "vmdirac_installation=inst-ours"}
    cloud.answer = answers({"GET /v2.1/servers/detail": {"servers": []}, "GET /v2.0/ports": {"ports": [strange]}})
    with pytest.raises(Unavailable, match="cannot be read"):
        ours.sweep()
