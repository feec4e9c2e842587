"""Bodies the manager does not accept: too big, too slow, wrongly worded."""

from __future__ import annotations

import json
import ssl
from pathlib import Path
from typing import Any

import pytest

from tests.support.context import TestContext, add_vm, job_of, submit
from tests.support.manager import ASK, BEAT, Client, client_of
from tests.support.wait import until
from vmdirac_py.manager import tls
from vmdirac_py.manager.serve import Ready
from vmdirac_py.model.vm import VmState

TEN_MB = 10_000_000


@pytest.fixture
def client(ctx: TestContext, where: Ready) -> Client:
    """Return the client of a Running VM."""
    return client_of(ctx, where, add_vm(ctx, state=VmState.RUNNING))


def files_of(ctx: TestContext) -> list[Path]:
    """Return the files in the blob store, whole or half."""
    return [path for path in ctx.blobs.root.rglob("*") if path.is_file()]


def without(message: dict[str, Any], name: str) -> dict[str, Any]:
    """Return a message that lacks a field."""
    return {key: value for key, value in message.items() if key != name}


def test_a_heartbeat_of_ten_megabytes_is_refused_unread(client: Client) -> None:
    """The announced length is enough: 413 comes before a single byte of the body was sent."""
    client.connection.putrequest("POST", "/vm/v1/heartbeat")
    client.connection.putheader("content-length", str(TEN_MB))
    client.connection.endheaders()
    answer = client.answer()
    assert answer.status == 413
    assert "1000000 bytes" in answer.json["mend"]


def test_a_stream_of_ten_megabytes_is_cut_off(client: Client) -> None:
    """Without an announced length the bytes are counted: 413 comes long before the whole was read."""
    client.connection.putrequest("POST", "/vm/v1/heartbeat")
    client.connection.putheader("transfer-encoding", "chunked")
    client.connection.endheaders()
    for _ in range(11):  # 1.1 MB of the ten
        client.connection.send(b"186a0\r\n" + b" " * 100_000 + b"\r\n")
    assert client.answer().status == 413


def test_the_manager_serves_on_after_a_flood(ctx: TestContext, where: Ready, client: Client) -> None:
    """A refused body costs only its own connection."""
    client.connection.putrequest("POST", "/vm/v1/heartbeat")
    client.connection.putheader("content-length", str(TEN_MB))
    client.connection.endheaders()
    client.answer()
    assert client_of(ctx, where, add_vm(ctx, state=VmState.RUNNING)).post("heartbeat", BEAT).status == 200


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({**BEAT, "cores": "eight"}, "Beat.cores"),
        ({**BEAT, "cores": 8.5}, "Beat.cores"),
        ({**BEAT, "load": None}, "Beat.load"),
        ({**BEAT, "slots": [{"job": "1", "cores": 1, "started_at": 1.0}]}, "Beat.slots.0.job"),
        ({**BEAT, "slots": {}}, "Beat.slots"),
        ({**BEAT, "colour": "red", "cores": "eight"}, "Beat.cores"),
        (without(BEAT, "version"), "Beat.version"),
        (json.dumps(BEAT).replace("0.5", "NaN").encode(), "Beat.load"),
        (json.dumps({**BEAT, "version": "1\0"}).encode(), "Beat"),
        ([], "Beat"),
        (b"", "Beat"),
        (b"{", "Beat"),
        (b"\xff\xfe", "Beat"),
        (b"[" * 100_000, "Beat"),
    ],
)
def test_wrong_types_name_the_field(client: Client, body: Any, field: str) -> None:
    """A message that is not exactly as the wire format says gets 422 with the field, and the connection lives on."""
    answer = client.post("heartbeat", body)
    assert answer.status == 422
    assert answer.json["where"].startswith(field)
    assert client.post("heartbeat", BEAT).status == 200


def test_fields_of_a_newer_vm_are_left_out(client: Client) -> None:
    """A message with fields that this manager does not know, also inside others, counts for the rest of it."""
    slot = {"job": 1, "cores": 1, "started_at": 1.0, "mood": {"colour": "red"}}
    answer = client.post("heartbeat", {**BEAT, "slots": [slot], "colour": "red"})
    assert (answer.status, answer.json["kill"]) == (200, [1])
    assert client.post("match", {**ASK, "later": None}).status == 200
    assert client.post("leave", {"reason": "idle", "detail": "", "code": 0, "later": []}).json == {"go": True}


@pytest.mark.parametrize("wish", ["", "ALL", "\ud83d\ude00"])
def test_a_wish_that_does_not_exist_is_bad_input(client: Client, wish: str) -> None:
    """What is well-typed and still means nothing gets 400 and what could be said instead."""
    answer = client.post("match", {**ASK, "wishes": [wish]})
    assert answer.status == 400
    assert "WholeNode" in answer.json["mend"]


@pytest.mark.parametrize("path", ["sandbox/x", "sandbox/-1", "sandbox/" + "9" * 5000, "sandbox/%00", "sandbox/%D9%A1"])
def test_a_job_that_is_no_number_does_not_exist(client: Client, path: str) -> None:
    """Whatever stands in the path of a job, the answer is 404."""
    assert client.ask("GET", f"/vm/v1/{path}").status == 404


def test_a_path_that_does_not_exist_is_answered_in_the_same_form(client: Client) -> None:
    """Also the framework's own errors say what and where."""
    answer = client.ask("GET", "/vm/v2/heartbeat")
    assert (answer.status, answer.json["where"]) == (404, "/vm/v2/heartbeat")


def test_a_connection_that_asks_nothing_is_closed(
    ctx: TestContext, where: Ready, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Half a head, or none, does not hold a connection for ever."""
    monkeypatch.setattr(tls, "HEAD_SECONDS", 0.2)
    for head in (b"", b"POST /vm/v1/heartbeat HTTP/1.1\r\nhost: x\r\n"):
        client = Client(where.vms, authority=ctx.authority.pem)
        client.connection.connect()
        assert isinstance(client.connection.sock, ssl.SSLSocket)
        client.connection.sock.sendall(head)
        assert client.connection.sock.recv(1) == b""


def test_a_client_that_hangs_up_leaves_nothing(ctx: TestContext, where: Ready) -> None:
    """An upload that breaks off leaves no file behind, and no job changes."""
    vm = add_vm(ctx, state=VmState.RUNNING)
    job = submit(ctx)
    client = client_of(ctx, where, vm)
    assert client.post("match", ASK).json["work"]["job"] == job.id
    client.connection.putrequest("PUT", f"/vm/v1/output/{job.id}")
    client.connection.putheader("content-length", "5000000")
    client.connection.endheaders()
    client.connection.send(b"x" * 2_000_000)
    until(lambda: files_of(ctx), what="the first piece on disk")
    client.close()
    until(lambda: not files_of(ctx), what="the half output gone")
    assert job_of(ctx, job.id).output == ""
