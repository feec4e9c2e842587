"""Who may talk to the manager: certificates over a real TLS connection, held against the ledger."""

from __future__ import annotations

import http.client
import ssl
from pathlib import Path

import pytest
from msgspec.structs import replace

from tests.support.context import TOKEN, TestContext, add_batch, add_vm, bring, events, row_of, submit
from tests.support.keys import make_request
from tests.support.manager import ASK, BEAT, Client, client_of
from vmdirac_py.base.clock import ManualClock
from vmdirac_py.credentials.ca import Authority
from vmdirac_py.manager.serve import Ready
from vmdirac_py.model.vm import VmState

PATHS = [
    ("POST", "heartbeat"),
    ("POST", "match"),
    ("POST", "report"),
    ("POST", "acknowledge"),
    ("POST", "leave"),
    ("POST", "renew"),
    ("GET", "sandbox/1"),
    ("PUT", "output/1"),
]


@pytest.mark.parametrize(("method", "path"), PATHS)
def test_without_a_certificate_nothing_is_done(ctx: TestContext, where: Ready, method: str, path: str) -> None:
    """Every path but enrolment and bundles answers 401 to a client that shows no certificate."""
    answer = Client(where.vms, authority=ctx.authority.pem).ask(method, f"/vm/v1/{path}", b"{}")
    assert answer.status == 401
    assert set(answer.json) == {"what", "where", "mend"}


@pytest.mark.parametrize("header", ["x-ssl-client-cert", "x-peer", "x-forwarded-client-cert"])
def test_no_header_makes_a_vm(ctx: TestContext, where: Ready, header: str) -> None:
    """Identity is the TLS connection's: a header that claims one is worth nothing."""
    vm = add_vm(ctx, state=VmState.RUNNING)
    client = Client(where.vms, authority=ctx.authority.pem)
    assert client.ask("POST", "/vm/v1/heartbeat", BEAT, {header: vm.id}).status == 401


def test_another_authoritys_certificate_ends_the_handshake(ctx: TestContext, where: Ready, tmp_path: Path) -> None:
    """A certificate for our VM's name, signed by somebody else, gets no answer at all."""
    vm = add_vm(ctx, state=VmState.RUNNING)
    client = client_of(ctx, where, vm, signer=Authority.create(tmp_path / "other"))
    with pytest.raises((ssl.SSLError, ConnectionError, http.client.HTTPException)):
        client.post("heartbeat", BEAT)


def test_the_managers_own_certificate_is_no_vms(ctx: TestContext, where: Ready) -> None:
    """A server certificate of our own authority does not pass as a client's."""
    certificate, key = ctx.authority.server("127.0.0.1")
    client = Client(where.vms, authority=ctx.authority.pem, certificate=certificate.read_text(), key=key.read_text())
    with pytest.raises((ssl.SSLError, ConnectionError, http.client.HTTPException)):
        client.post("heartbeat", BEAT)


def test_old_tls_is_refused(ctx: TestContext, where: Ready) -> None:
    """Clients that speak no TLS 1.3 are not served."""
    client = Client(where.vms, authority=ctx.authority.pem)
    client.context.maximum_version = ssl.TLSVersion.TLSv1_2
    with pytest.raises((ssl.SSLError, ConnectionError)):
        client.post("heartbeat", BEAT)


def test_an_expired_certificate_is_told_so(ctx: TestContext, where: Ready) -> None:
    """A certificate that had expired before the connection was made gets 401 and the way out."""
    vm = add_vm(ctx, state=VmState.RUNNING)
    answer = client_of(ctx, where, vm, at=ctx.clock.now() - 7200).post("heartbeat", BEAT)
    assert (answer.status, answer.json["what"]) == (401, "the certificate has expired")


def test_a_certificate_expires_on_an_open_connection(ctx: TestContext, where: Ready) -> None:
    """A connection does not outlive its certificate: the request after the expiry gets 401."""
    client = client_of(ctx, where, add_vm(ctx, state=VmState.RUNNING), hours=1)
    assert client.post("heartbeat", BEAT).status == 200
    assert isinstance(ctx.clock, ManualClock)
    ctx.clock.advance(3601)
    assert client.post("heartbeat", BEAT).status == 401


@pytest.mark.parametrize(("name", "message"), [("heartbeat", BEAT), ("match", ASK), ("renew", {"csr": ""})])
def test_a_halted_vm_is_gone_on_an_open_connection(
    ctx: TestContext, where: Ready, name: str, message: dict[str, object]
) -> None:
    """Revocation is ledger state: from the moment a VM is Halted its certificate gets 410."""
    vm = add_vm(ctx, state=VmState.STOPPING)
    client = client_of(ctx, where, vm)
    assert client.post("heartbeat", BEAT).status == 200
    bring(ctx, vm, VmState.HALTED)
    assert client.post(name, message).status == 410


def test_a_vm_the_ledger_does_not_know_is_not_judged(ctx: TestContext, where: Ready) -> None:
    """After a restore the ledger may not know a running VM: 401, not 410, so that it works on."""
    vm = add_vm(ctx, state=VmState.RUNNING)
    assert client_of(ctx, where, replace(vm, id="vm-none")).post("heartbeat", BEAT).status == 401


def test_a_certificate_of_another_vo_than_the_ledgers_is_refused(ctx: TestContext, where: Ready) -> None:
    """VM and VO of a certificate belong together."""
    vm = add_vm(ctx, state=VmState.RUNNING)
    assert client_of(ctx, where, replace(vm, vo="bio")).post("heartbeat", BEAT).status == 403


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("GET", "sandbox/{job}", None),
        ("PUT", "output/{job}", b"stolen"),
        ("POST", "report", {"attempt": 1, "state": "Done", "minor": "", "exit_code": 0, "output": ""}),
    ],
)
def test_another_vos_job_is_out_of_reach(
    ctx: TestContext, where: Ready, method: str, path: str, body: dict[str, object] | bytes | None
) -> None:
    """The certificate of a VM of VO astro gets 403 for a job of VO bio, whatever it asks, and nothing is stored."""
    job = submit(ctx, vo="bio", input_sandbox=ctx.blobs.put(b"secret of bio")).id
    client = client_of(ctx, where, add_vm(ctx, state=VmState.RUNNING))
    body = {**body, "job": job} if isinstance(body, dict) else body
    answer = client.ask(method, f"/vm/v1/{path.format(job=job)}", body)
    assert answer.status == 403
    assert b"secret" not in answer.data
    assert len([path for path in ctx.blobs.root.rglob("*") if path.is_file()]) == 1


def test_a_forged_address_is_not_believed(ctx: TestContext, where: Ready) -> None:
    """A VM's address is where its connection comes from, not what a proxy header says."""
    vm = add_vm(ctx, batch=add_batch(ctx), instance="i-1")
    message = {"token": TOKEN, "instance_id": "i-1", "csr": make_request()}
    client = Client(where.vms, authority=ctx.authority.pem)
    assert client.ask("POST", "/vm/v1/enrol", message, {"X-Forwarded-For": "10.9.8.7"}).status == 200
    assert row_of(ctx, vm.id).address == "127.0.0.1"
    assert len(events(ctx, "vm.enrolled")) == 1
