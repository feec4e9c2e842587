"""The manager as a process: its ports, its end, its health."""

from __future__ import annotations

import json
import signal
import socket
import ssl
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.support.context import TestContext, add_vm, make_context
from tests.support.manager import BEAT, Client, client_of, running
from tests.support.wait import until
from vmdirac_py.base.clock import SystemClock
from vmdirac_py.manager import serve
from vmdirac_py.manager.serve import Ready
from vmdirac_py.model.vm import VmState
from vmdirac_py.worker import wire

SCRIPT = "tests.integration.manager.serve_home"


@pytest.fixture
def made(tmp_path: Path) -> Iterator[TestContext]:
    """Return an installation by the machine's clock, not served yet."""
    context = make_context(tmp_path, clock=SystemClock())
    yield context
    context.ledger.close()


@contextmanager
def process(ctx: TestContext, *ports: str) -> Iterator[subprocess.Popen[str]]:
    """Start the manager as a process; killed at the latest at the end of the block."""
    command = [sys.executable, "-m", SCRIPT, str(ctx.home.root), *ports]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as started:
        try:
            yield started
        finally:
            started.kill()


def ready_of(started: subprocess.Popen[str]) -> Ready:
    """Return where a process listens, once it does."""
    assert started.stdout
    line = started.stdout.readline().split()
    assert len(line) == 2, started.stderr and started.stderr.read()
    return Ready(*line)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_it_and_keeps_the_last_heartbeat(made: TestContext, number: signal.Signals) -> None:
    """Told to end, with connections open, it ends well and what it had buffered is in the ledger."""
    vm = add_vm(made, state=VmState.RUNNING)
    with process(made) as started:
        client = client_of(made, ready_of(started), vm)
        assert client.post("heartbeat", BEAT).status == 200
        started.send_signal(number)
        assert started.wait(20) == 0
    with made.ledger.read() as tx:
        kept = tx.observations.heartbeats()[vm.id].data
    assert {name: kept[name] for name in BEAT} == BEAT


def test_its_log_tells_where_it_listens_and_whom_it_refused(made: TestContext) -> None:
    """One line when it is ready, and one a refused request: status, path and VM; no body and no secret."""
    vm = add_vm(made, state=VmState.RUNNING)
    with process(made) as started:
        ready = ready_of(started)
        client = client_of(made, ready, vm)
        assert client.post("heartbeat", {"stdout": "hush"}).status == 422
        assert client.ask("GET", "/vm/postgresql://ann:hush@db/ledger").status == 404
        assert client.post("heartbeat", {"stdout": "hush" * wire.MAX_BODY}).status == 413
        started.send_signal(signal.SIGTERM)
        said = started.communicate(timeout=20)[1]
    lines = [json.loads(line) for line in said.splitlines()]
    assert ready.vms in lines[0]["event"]
    refused = [(line["status"], line["vm"]) for line in lines if line["event"] == "refused"]
    assert refused == [(422, vm.id), (404, vm.id), (413, vm.id)]
    assert lines[1]["path"].endswith("/heartbeat")
    assert "hush" not in said


@pytest.mark.parametrize("setting", ["vm_port", "people_port"])
def test_a_port_in_use_is_named_with_its_setting(made: TestContext, setting: str) -> None:
    """The error says which port is taken and which setting changes it."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with process(made, f"{setting}={port}") as started:
            assert started.wait(20) == 3
            assert started.stderr
            said = started.stderr.read()
    assert f"port {port} on 127.0.0.1 is in use" in said
    assert f"set another {setting}" in said


def test_the_port_is_free_again_after_the_end(made: TestContext) -> None:
    """A manager starts again at once on the port its predecessor was killed on."""
    with process(made) as started:
        port = ready_of(started).vms.rpartition(":")[2]
        client = client_of(made, ready_of_port(port), add_vm(made, state=VmState.RUNNING))
        assert client.post("heartbeat", BEAT).status == 200
    with process(made, f"vm_port={port}") as again:
        assert ready_of(again).vms.endswith(f":{port}")


def ready_of_port(port: str) -> Ready:
    """Return the place of a listener for VMs by its port."""
    return Ready(f"https://127.0.0.1:{port}", "")


def test_health_tells_version_and_ledger(ctx: TestContext, where: Ready) -> None:
    """People need no certificate to ask whether all is well."""
    answer = Client(where.people, authority=ctx.authority.pem).ask("GET", "/health")
    assert answer.status == 200
    assert answer.json == {"ok": True, "version": answer.json["version"], "ledger": "reachable", "plan_age": None}


def test_health_tells_when_the_ledger_is_lost(ctx: TestContext, where: Ready) -> None:
    """Without its ledger the manager says so, and its VMs are asked to come again later."""
    client = client_of(ctx, where, add_vm(ctx, state=VmState.RUNNING))
    ctx.ledger.close()
    for path in ctx.home.root.glob("ledger.db*"):
        path.unlink()
    answer = Client(where.people, authority=ctx.authority.pem).ask("GET", "/health")
    assert (answer.status, answer.json["ok"], answer.json["ledger"]) == (503, False, "unreachable")
    assert client.post("heartbeat", BEAT).status >= 500


def test_people_reach_no_path_of_vms(ctx: TestContext, where: Ready) -> None:
    """The two listeners serve two applications."""
    assert Client(where.people, authority=ctx.authority.pem).post("enrol", {}).status == 404
    assert Client(where.vms, authority=ctx.authority.pem).ask("GET", "/health").status == 404


def test_a_new_server_certificate_is_served_without_a_restart(
    ctx: TestContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    """When the listeners' certificate is made anew, new connections see it while the manager runs on."""
    monkeypatch.setattr(serve, "CERTIFICATE_SECONDS", 0.1)
    with running(ctx) as where:
        port = int(where.vms.rpartition(":")[2])
        first = ssl.get_server_certificate(("127.0.0.1", port))
        (ctx.home.ca / "server.key").unlink()
        until(lambda: ssl.get_server_certificate(("127.0.0.1", port)) != first, what="another certificate")
