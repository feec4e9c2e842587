"""Launch batches: the intent, the one call to the cloud, and the answer, committed by whoever made the call."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from vmdirac_py.base.errors import BadInput, UnknownThing
from vmdirac_py.base.ids import new_id, new_token, token_hash
from vmdirac_py.base.processes import own_name
from vmdirac_py.clouds.api import AnswerLost, CloudError, Instance, LaunchRequest, LaunchResult, Mark
from vmdirac_py.ledger.api import Transaction
from vmdirac_py.lifecycle.states import move
from vmdirac_py.model.batch import Batch, BatchKind, BatchState, ErrorClass
from vmdirac_py.model.inventory import Endpoint, Pool
from vmdirac_py.model.reason import Reason
from vmdirac_py.model.vm import Vm, VmState

from .api import BatchReport, Context
from .user_data import user_data

UNSENT_SECONDS = 600.0  # a batch nobody claimed for so long is given up


def intend(ctx: Context, pool_name: str, count: int, *, actor: str) -> str:
    """Write the intent to launch `count` VMs of a pool, as a person does by hand; return the batch id.

    Raises:
        UnknownThing: no such pool.
        BadInput: the count is not between 1 and the endpoint's ramp.
    """
    inventory = ctx.inventory()
    pool = inventory.pools.get(pool_name)
    if pool is None:
        raise UnknownThing("no such pool", where=pool_name, mend="see `vmdirac inventory show`")
    endpoint = inventory.endpoints[pool.endpoint]
    if not 1 <= count <= endpoint.ramp:
        raise BadInput(f"cannot launch {count} VMs at once", where=pool_name, mend=f"ask for 1 to {endpoint.ramp}")
    reason = Reason.of("launch.by_hand", actor=actor)
    with ctx.ledger.write() as tx:
        return write(tx, pool, endpoint, count, plan="", actor=actor, reason=reason, at=ctx.clock.now())


def write(
    tx: Transaction, pool: Pool, endpoint: Endpoint, count: int, *, plan: str, actor: str, reason: Reason, at: float
) -> str:
    """Write one batch and its VMs in state New; return the batch id."""
    batch = Batch(
        id=new_id("b"),
        kind=BatchKind.LAUNCH,
        endpoint=endpoint.name,
        pool=pool.name,
        vo=pool.vo,
        wanted=count,
        plan=plan,
        actor=actor,
        created_at=at,
        deadline=at + UNSENT_SECONDS,
        updated_at=at,
    )
    tx.batches.insert([batch])
    tx.vms.insert([new_vm(batch, pool, endpoint, at=at) for _ in range(count)], actor=actor, reason=reason)
    tx.events.append("batch.written", subject=batch.id, actor=actor, data={"endpoint": endpoint.name})
    return batch.id


def new_vm(batch: Batch, pool: Pool, endpoint: Endpoint, *, at: float) -> Vm:
    """Return a VM of this batch in state New."""
    return Vm(
        id=new_id("vm"),
        batch=batch.id,
        endpoint=endpoint.name,
        pool=pool.name,
        vo=pool.vo,
        resources=pool.resources,
        state=VmState.NEW,
        state_since=at,
        created_at=at,
        deadline=batch.deadline + endpoint.client_timeout + endpoint.listing_lag,
    )


def launch(ctx: Context, batch_id: str, *, actor: str) -> BatchReport:
    """Claim a batch, ask the cloud once, commit what it answered.

    Whoever comes second, or comes again, is told what is true of the batch and sends nothing.

    Raises:
        UnknownThing: no such launch batch.
    """
    sending = _claim(ctx, batch_id, actor)
    if sending is None:
        return report(ctx, batch_id)
    try:
        result = sending.send(ctx)
    except AnswerLost as error:
        _commit_lost(ctx, sending, error)
    except CloudError as error:
        _commit_refused(ctx, sending, error.error_class, str(error), actor)
    else:
        _commit_answer(ctx, sending, result, actor)
    return report(ctx, batch_id, sent=True)


def report(ctx: Context, batch_id: str, *, sent: bool = False) -> BatchReport:
    """Return what is true of a batch now.

    Raises:
        UnknownThing: no such batch.
    """
    with ctx.ledger.read() as tx:
        batch = _get(tx, batch_id)
        vms = tx.vms.of_batch(batch_id) if batch.kind is BatchKind.LAUNCH else tx.vms.to_retire(batch_id)
    return BatchReport(
        batch=batch.id,
        kind=batch.kind,
        state=batch.state,
        endpoint=batch.endpoint,
        pool=batch.pool,
        wanted=batch.wanted,
        launched=batch.launched,
        refused=batch.refused,
        sent=sent,
        instances={vm.id: vm.instance_id for vm in vms},
        error_class=batch.error_class,
        error_text=batch.error_text,
    )


def _get(tx: Transaction, batch_id: str) -> Batch:
    batch = tx.batches.get(batch_id)
    if batch is None:
        raise UnknownThing("no such batch", where=batch_id, mend="see `vmdirac batch list`")
    return batch


@dataclass(frozen=True, slots=True)
class _Sending:
    """A claimed batch with all that is needed to send it."""

    batch: Batch
    pool: Pool
    endpoint: Endpoint
    vms: tuple[Vm, ...]
    token: str

    def send(self, ctx: Context) -> LaunchResult:
        driver = ctx.endpoint(self.endpoint.name)
        data = user_data(
            self.pool,
            token=self.token,
            manager=ctx.manager,
            bundle=ctx.bundle,
            instance_id_file=driver.instance_id_file,
        )
        mark = Mark(ctx.installation_id, self.batch.id, self.batch.vo, self.pool.name)
        return driver.launch(LaunchRequest(mark, self.pool, [vm.id for vm in self.vms], data))


def _claim(ctx: Context, batch_id: str, actor: str) -> _Sending | None:
    """Claim the batch for this process; None when it is not there to be claimed (any more)."""
    inventory, token, at = ctx.inventory(), new_token(), ctx.clock.now()
    with ctx.ledger.write() as tx:
        batch = _get(tx, batch_id)
        if batch.kind is not BatchKind.LAUNCH:
            raise UnknownThing("not a launch batch", where=batch_id, mend="retire batches belong to `retire`")
        pool, endpoint = inventory.pools.get(batch.pool), inventory.endpoints.get(batch.endpoint)
        if pool is None or endpoint is None:
            raise UnknownThing("its pool has left the inventory", where=f"batch {batch_id}, pool {batch.pool}")
        claimed = tx.batches.claim(
            batch_id,
            own_name(actor),
            token_hash=token_hash(token),
            token_deadline=at + endpoint.client_timeout + pool.boot_deadline,
            deadline=at + endpoint.client_timeout + endpoint.listing_lag,
            at=at,
        )
        vms = tuple(vm for vm in tx.vms.of_batch(batch_id) if vm.state is VmState.NEW)
        return _Sending(batch, pool, endpoint, vms, token) if claimed and vms else None


def _commit_answer(ctx: Context, sending: _Sending, result: LaunchResult, actor: str) -> None:
    at = ctx.clock.now()
    first = result.refused[0] if result.refused else None
    with ctx.ledger.write() as tx:
        bind(tx, sending.batch, result.launched, sending.pool, sending.endpoint, actor=actor, at=at)
        short = [vm for vm in tx.vms.of_batch(sending.batch.id) if vm.state is VmState.NEW and not vm.instance_id]
        error_class = first.error_class if first else ErrorClass.NO_CAPACITY
        _fail(tx, short, sending, error_class, actor, at)
        _settle(
            tx,
            sending.batch,
            launched=sending.batch.wanted - len(short),
            refused=len(short),
            error_class=error_class if short else None,
            error_text=first.text if first else ("the cloud gave fewer than asked for" if short else ""),
            at=at,
        )


def _commit_refused(ctx: Context, sending: _Sending, error_class: ErrorClass, text: str, actor: str) -> None:
    at = ctx.clock.now()
    with ctx.ledger.write() as tx:
        _fail(tx, sending.vms, sending, error_class, actor, at)
        _settle(
            tx, sending.batch, launched=0, refused=len(sending.vms), error_class=error_class, error_text=text, at=at
        )


def _commit_lost(ctx: Context, sending: _Sending, error: CloudError) -> None:
    at = ctx.clock.now()
    with ctx.ledger.write() as tx:
        tx.batches.settle(
            sending.batch.id,
            (BatchState.CLAIMED,),
            BatchState.UNKNOWN,
            at=at,
            error_class=ErrorClass.LOST,
            error_text=str(error),
            deadline=at + sending.endpoint.client_timeout + sending.endpoint.listing_lag,
        )
        tx.events.append("batch.unknown", subject=sending.batch.id, data={"endpoint": sending.endpoint.name})


def _fail(
    tx: Transaction, vms: Sequence[Vm], sending: _Sending, error_class: ErrorClass, actor: str, at: float
) -> None:
    reason = Reason.of("launch.refused", error_class=str(error_class), endpoint=sending.endpoint.name)
    moves = [move(vm, VmState.FAILED, reason, pool=sending.pool, endpoint=sending.endpoint, at=at) for vm in vms]
    tx.vms.move(moves, actor=actor, at=at)


def _settle(
    tx: Transaction,
    batch: Batch,
    *,
    launched: int,
    refused: int,
    error_class: ErrorClass | None,
    error_text: str,
    at: float,
) -> None:
    """Commit the answer; also over an Unknown batch, when the answer came after all."""
    tx.batches.settle(
        batch.id,
        (BatchState.CLAIMED, BatchState.UNKNOWN),
        BatchState.ANSWERED,
        at=at,
        launched=launched,
        refused=refused,
        error_class=error_class,
        error_text=error_text,
    )
    tx.events.append(
        "batch.answered",
        subject=batch.id,
        data={"endpoint": batch.endpoint, "launched": launched, "refused": refused},
    )


def bind(
    tx: Transaction,
    batch: Batch,
    instances: Sequence[Instance],
    pool: Pool,
    endpoint: Endpoint,
    *,
    actor: str,
    at: float,
) -> list[Instance]:
    """Join instances to VMs of their batch that have none yet (New → Submitted); return those left over."""
    known = {vm.instance_id for vm in tx.vms.of_batch(batch.id)}
    free = [vm for vm in tx.vms.of_batch(batch.id) if vm.state is VmState.NEW and not vm.instance_id]
    strangers = [instance for instance in instances if instance.id not in known]
    reason = Reason.of("launch.accepted", endpoint=endpoint.name)
    moves = []
    for vm, instance in zip(free, strangers, strict=False):
        tx.vms.bind(vm.id, instance.id, instance.address)
        moves.append(move(vm, VmState.SUBMITTED, reason, pool=pool, endpoint=endpoint, at=at))
    tx.vms.move(moves, actor=actor, at=at)
    return strangers[len(free) :]
