"""A VM's life over the wire: every path of the wire format, answered from a real ledger."""

from __future__ import annotations

import hashlib

import pytest

from tests.doubles.vm import tar_of
from tests.support.context import TOKEN, TestContext, add_batch, add_vm, bring, events, job_of, row_of, submit
from tests.support.keys import key_pem, make_key, make_request
from tests.support.manager import ASK, BEAT, Client, client_of
from tests.support.wait import until
from vmdirac_py.base.clock import ManualClock
from vmdirac_py.manager.serve import Ready
from vmdirac_py.model.job import JobState
from vmdirac_py.model.vm import VmState
from vmdirac_py.operations import vm_logs


def stranger(ctx: TestContext, where: Ready) -> Client:
    """Return a client without a certificate."""
    return Client(where.vms, authority=ctx.authority.pem)


def enrol_message(instance: str, token: str = TOKEN) -> dict[str, str]:
    """Return a good enrolment."""
    return {"token": token, "instance_id": instance, "csr": make_request()}


def test_a_whole_life(ctx: TestContext, where: Ready) -> None:
    """Enrol, beat, match, fetch, run, store, report, leave: each step over the wire, each seen in the ledger."""
    vm = add_vm(ctx, batch=add_batch(ctx), instance="i-1")
    job = submit(ctx, cores=2, input_sandbox=ctx.blobs.put(b"inputs"), environment=(("A", "1"),)).id
    key = make_key()
    message = {**enrol_message("i-1"), "csr": make_request(key)}
    enrolled = stranger(ctx, where).post("enrol", message).json
    assert (enrolled["vm"], enrolled["vo"], enrolled["dead_man_seconds"]) == (vm.id, "astro", 48 * 3600)
    client = Client(where.vms, authority=ctx.authority.pem, certificate=enrolled["certificate"], key=key_pem(key))
    nobodys = [slot["job"] for slot in BEAT["slots"]]
    quiet = {"orders": [], "kill": nobodys, "heartbeat_seconds": 60.0, "idle_seconds": 600.0}
    assert client.post("heartbeat", BEAT).json.items() >= quiet.items()
    assert row_of(ctx, vm.id).state is VmState.RUNNING
    work = client.post("match", ASK).json["work"]
    assert (work["job"], work["attempt"], work["cores"], work["environment"]) == (job, 1, 2, {"A": "1"})
    assert client.ask("GET", f"/vm/v1/sandbox/{job}").data == b"inputs"
    report = {"job": job, "attempt": 1, "state": "Running", "minor": "", "exit_code": None, "output": ""}
    assert client.post("report", report).json == {}
    blob = client.ask("PUT", f"/vm/v1/output/{job}", b"o" * 3_000_000).json["blob"]
    assert blob == hashlib.sha256(b"o" * 3_000_000).hexdigest()
    assert client.post("report", {**report, "state": "Done", "exit_code": 0, "output": blob}).status == 200
    assert (job_of(ctx, job).state, job_of(ctx, job).output) == (JobState.DONE, blob)
    assert client.post("match", ASK).json == {"work": None}
    assert client.post("leave", {"reason": "idle", "detail": "", "code": 200}).json == {"go": True}
    assert row_of(ctx, vm.id).state is VmState.STOPPING
    assert client.ask("PUT", "/vm/v1/log", tar_of({"worker.log": "went\n"})).json == {}
    assert vm_logs.read(ctx, vm.id) == {"worker.log": "went\n"}


def test_a_drained_vm_over_the_wire(ctx: TestContext, where: Ready) -> None:
    """An order comes with the heartbeat; acknowledged as empty the VM is Stopping."""
    vm = add_vm(ctx, state=VmState.RUNNING)
    with ctx.ledger.write() as tx:
        tx.commands.give([vm.id], "drain", at=1.0, deadline={vm.id: 99.0}, actor="unix:ann")
    bring(ctx, vm, VmState.DRAINING)
    client = client_of(ctx, where, vm)
    (order,) = client.post("heartbeat", BEAT).json["orders"]
    assert (order["verb"], order["deadline"]) == ("drain", 99.0)
    assert client.post("acknowledge", {"verb": "drain", "empty": True}).json == {}
    assert row_of(ctx, vm.id).state is VmState.STOPPING


def test_a_vm_renews_over_the_wire(ctx: TestContext, where: Ready) -> None:
    """The new certificate, with a new key, serves on a new connection."""
    vm, key = add_vm(ctx, state=VmState.RUNNING), make_key()
    renewed = client_of(ctx, where, vm).post("renew", {"csr": make_request(key)}).json
    client = Client(where.vms, authority=ctx.authority.pem, certificate=renewed["certificate"], key=key_pem(key))
    assert client.post("heartbeat", BEAT).status == 200


def test_heartbeats_reach_the_ledger_with_the_next_flush(ctx: TestContext, where: Ready) -> None:
    """What a VM says of itself is in the ledger soon after, as it said it, the last one winning."""
    vm = add_vm(ctx, state=VmState.RUNNING)
    client = client_of(ctx, where, vm)
    for load in (0.1, 0.2, 0.3):
        client.post("heartbeat", {**BEAT, "load": load})

    def kept() -> object:
        with ctx.ledger.read() as tx:
            beat = tx.observations.heartbeats().get(vm.id)
        return beat and beat.data.items() >= {**BEAT, "load": 0.3}.items()

    until(kept, what="the last heartbeat in the ledger")
    assert row_of(ctx, vm.id).last_seen == ctx.clock.now()


def test_an_instance_not_known_yet_gets_202(ctx: TestContext, where: Ready) -> None:
    """Before the listing knows it, an instance is asked to come again."""
    add_batch(ctx)
    answer = stranger(ctx, where).post("enrol", enrol_message("i-1"))
    assert (answer.status, answer.json) == (202, {"retry_after": 0.3})


def test_an_enrolment_token_that_is_used_up_gets_403(ctx: TestContext, where: Ready) -> None:
    """A second instance of a batch of one is refused."""
    add_vm(ctx, batch=add_batch(ctx), instance="i-1")
    assert stranger(ctx, where).post("enrol", enrol_message("i-1")).status == 200
    assert stranger(ctx, where).post("enrol", enrol_message("i-2")).status == 403


def test_an_expired_enrolment_token_gets_403(ctx: TestContext, where: Ready) -> None:
    """After its deadline a token opens nothing."""
    add_vm(ctx, batch=add_batch(ctx), instance="i-1")
    assert isinstance(ctx.clock, ManualClock)
    ctx.clock.advance(1801)
    assert stranger(ctx, where).post("enrol", enrol_message("i-1")).status == 403


def test_another_batchs_instance_gets_403(ctx: TestContext, where: Ready) -> None:
    """A token of one VO's batch does not make another VO's instance a VM, and an alarm says who tried."""
    add_batch(ctx)
    add_vm(ctx, pool="bio-8", instance="i-9")
    answer = stranger(ctx, where).post("enrol", enrol_message("i-9"))
    assert answer.status == 403
    assert TOKEN not in answer.data.decode()
    (alarm,) = events(ctx, "alarm.enrolment")
    assert (alarm.data["instance"], alarm.data["address"]) == ("i-9", "127.0.0.1")


def test_a_late_report_gets_409(ctx: TestContext, where: Ready) -> None:
    """The VM that lost its job to another hears that its report comes too late."""
    vm, job = add_vm(ctx, state=VmState.RUNNING), submit(ctx).id
    client = client_of(ctx, where, vm)
    client.post("match", ASK)
    with ctx.ledger.write() as tx:
        tx.jobs.requeue(job, at=1.0, minor="stalled")
    report = {"job": job, "attempt": 1, "state": "Done", "minor": "", "exit_code": 0, "output": ""}
    assert client.post("report", report).status == 409


def test_a_bundle_is_served_by_its_hash(ctx: TestContext, where: Ready) -> None:
    """Without a certificate, a file of the static folder is served under its hash and nothing else is."""
    name = hashlib.sha256(b"bundle").hexdigest()
    (ctx.home.static / name).write_bytes(b"bundle")
    client = stranger(ctx, where)
    assert client.ask("GET", f"/static/{name}").data == b"bundle"


@pytest.mark.parametrize("name", ["0" * 64, "..%2fca%2froot.key", "%2e%2e/ca/root.key", "../ca/root.key", ""])
def test_nothing_else_is_served(ctx: TestContext, where: Ready, name: str) -> None:
    """No path leads out of the static folder."""
    answer = stranger(ctx, where).ask("GET", f"/static/{name}")
    assert answer.status == 404
    assert b"PRIVATE" not in answer.data
