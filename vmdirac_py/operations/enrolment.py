"""How a VM gets its service certificate, and a new one in time.

User data is readable by every process on a VM, so its token proves little: it is good for one batch, for as many
instances as the batch wanted, each once, until its deadline. Whatever looks like a second use raises an alarm.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from vmdirac_py.base.errors import BadInput, NotAllowed
from vmdirac_py.base.ids import token_hash
from vmdirac_py.credentials.ca import Certificate, key_hash_of
from vmdirac_py.ledger.api import Enrolment, Transaction
from vmdirac_py.model.batch import Batch
from vmdirac_py.model.inventory import Inventory
from vmdirac_py.model.reason import Reason
from vmdirac_py.model.vm import Vm, VmState

from .api import Context
from .callers import LIVING, actor_of, caller, step

ALARM = "alarm.enrolment"
WANTED = "listing.wanted"
ENROLLABLE = frozenset({VmState.NEW, VmState.SUBMITTED})  # New: it enrols before the answer is committed
YOUNG_BATCH = 10.0  # seconds in which an instance is usually not in the ledger yet
SOON, LATER = 0.3, 2.0  # seconds to ask again after, for a young and an older batch
ALARM_PACE, LISTING_PACE = 10.0, 2.0  # seconds between two equal events
PACE = "enrolment.pace"  # the document that remembers them
MAX_ID = 255
MEND_TOKEN = "a token serves one batch until its boot deadline; retire this VM, the next plan starts another"  # noqa: S105 words about tokens


@dataclass(frozen=True, slots=True)
class Enrolled:
    """A VM with its service certificate, its age, and how long it shall bear that nobody answers (seconds)."""

    vm: str
    vo: str
    certificate: Certificate
    lived: float
    dead_man_seconds: float


@dataclass(frozen=True, slots=True)
class RetryAfter:
    """The ledger does not know this instance yet; ask again after so many seconds."""

    seconds: float


@dataclass(frozen=True, slots=True)
class _Request:
    """One enrolment as asked for."""

    instance_id: str
    key_hash: str
    address: str
    at: float


@dataclass(frozen=True, slots=True)
class _Refusal:
    """Why an enrolment is refused, and the batch its token belongs to (empty: none)."""

    code: str
    what: str
    batch: str = ""


def enrol(ctx: Context, *, token: str, instance_id: str, csr: str, address: str = "") -> Enrolled | RetryAfter:
    """Bind an instance's key to its VM and sign a certificate for it.

    The same instance with the same key again is the same enrolment: its reply was lost.

    Raises:
        BadInput: the signing request or instance id cannot be used.
        NotAllowed: the token does not allow it, and an alarm was written; or the VM is being stopped.
        VmGone: the VM's life is over.
    """
    if not 0 < len(instance_id) <= MAX_ID or not instance_id.isprintable():
        raise BadInput("not an instance id", where="instance_id", mend="send the id the cloud gave this instance")
    request = _Request(instance_id, key_hash_of(csr), address, ctx.clock.now())
    inventory = ctx.inventory()
    with ctx.ledger.write() as tx:
        outcome = _decide(inventory, tx, tx.batches.by_token(token_hash(token)), request)
        if isinstance(outcome, _Refusal):
            _alarm(tx, outcome, request)
    if isinstance(outcome, _Refusal):
        raise NotAllowed(outcome.what, where="token", mend=MEND_TOKEN)
    return outcome if isinstance(outcome, RetryAfter) else _signed(ctx, outcome, csr)


def renew(ctx: Context, vm_id: str, csr: str) -> Enrolled:
    """Sign a new certificate for a VM that still holds a valid one.

    Raises:
        BadInput: the signing request cannot be used. UnknownThing: no such VM.
        NotAllowed: the VM is being stopped. VmGone: its life is over.
    """
    key_hash = key_hash_of(csr)
    with ctx.ledger.write() as tx:
        vm = _in(LIVING, caller(tx, vm_id))
        tx.events.append("vm.renewed", subject=vm_id, actor=actor_of(vm_id), data={"key_hash": key_hash})
    return _signed(ctx, vm, csr)


def _signed(ctx: Context, vm: Vm, csr: str) -> Enrolled:
    at, hours = ctx.clock.now(), ctx.settings.certificate_hours
    certificate = ctx.authority.sign_vm(csr, vm=vm.id, vo=vm.vo, hours=hours, at=at)
    return Enrolled(vm.id, vm.vo, certificate, max(0.0, at - vm.created_at), ctx.settings.dead_man_seconds)


def _decide(
    inventory: Inventory, tx: Transaction, batch: Batch | None, request: _Request
) -> Vm | RetryAfter | _Refusal:
    if batch is None or request.at > batch.token_deadline:
        return _bad_token(batch)
    before = tx.enrolments.get(batch.id, request.instance_id)
    if before is not None:
        return _again(tx, before, request)
    if tx.enrolments.count(batch.id) >= batch.wanted:
        return _Refusal("token_used_up", "the enrolment token is used up", batch.id)
    vm = tx.vms.by_instance(batch.endpoint, request.instance_id)
    if vm is None:
        return _not_yet(tx, batch, request)
    return _first(inventory, tx, vm, batch, request)


def _bad_token(batch: Batch | None) -> _Refusal:
    if batch is None:
        return _Refusal("token_unknown", "no batch has this enrolment token")
    return _Refusal("token_expired", "the enrolment token has expired", batch.id)


def _again(tx: Transaction, before: Enrolment, request: _Request) -> Vm | _Refusal:
    if before.key_hash != request.key_hash:
        return _Refusal("second_key", "this instance has enrolled before, with another key", before.batch)
    return _in(LIVING, caller(tx, before.vm))


def _first(
    inventory: Inventory, tx: Transaction, vm: Vm, batch: Batch, request: _Request
) -> Vm | RetryAfter | _Refusal:
    if vm.batch != batch.id:
        return _Refusal("other_batch", "this instance belongs to another batch", batch.id)
    _in(ENROLLABLE, caller(tx, vm.id))
    if request.address and not vm.address:
        tx.vms.bind(vm.id, request.instance_id, request.address)
    if not tx.enrolments.add(Enrolment(vm.batch, request.instance_id, vm.id, request.key_hash, request.at)):
        return RetryAfter(SOON)  # another try of the same instance is being written at this moment
    reason = Reason.of("vm.enrolled", instance=request.instance_id)
    actor = actor_of(vm.id)
    step(tx, inventory, vm, VmState.CONTEXTUALISING, reason, topic="vm.enrolled", actor=actor, at=request.at)
    return vm


def _in(states: Collection[VmState], vm: Vm) -> Vm:
    if vm.state not in states:
        raise NotAllowed(f"a VM that is {vm.state} gets no certificate", where=vm.id)
    return vm


def _not_yet(tx: Transaction, batch: Batch, request: _Request) -> RetryAfter:
    if _due(tx, f"{WANTED}:{batch.endpoint}", LISTING_PACE, request.at):
        tx.events.append(WANTED, subject=batch.endpoint, data={"instance": request.instance_id, "batch": batch.id})
    return RetryAfter(SOON if request.at - batch.created_at < YOUNG_BATCH else LATER)


def _alarm(tx: Transaction, refusal: _Refusal, request: _Request) -> None:
    if _due(tx, f"{refusal.code}:{refusal.batch}", ALARM_PACE, request.at):
        data = {"code": refusal.code, "instance": request.instance_id, "address": request.address}
        tx.events.append(ALARM, subject=refusal.batch, data=data)


def _due(tx: Transaction, name: str, pace: float, at: float) -> bool:
    """Tell whether `name` was not written for `pace` seconds, and remember it: a flood of tries is one line."""
    recent: Mapping[str, float] = tx.documents.load(PACE) or {}
    if 0 <= at - recent.get(name, float("-inf")) < pace:
        return False
    kept = {key: then for key, then in recent.items() if 0 <= at - then < ALARM_PACE}
    tx.documents.save(PACE, {**kept, name: at})
    return True
