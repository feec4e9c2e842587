"""Time passing: deadlines of VMs and of batches. Nothing here calls a cloud."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from vmdirac_py.ledger.api import Transaction
from vmdirac_py.lifecycle.overdue import Alarm, overdue
from vmdirac_py.lifecycle.states import move_by, rules_for
from vmdirac_py.model.batch import Batch, BatchKind, BatchState, ErrorClass
from vmdirac_py.model.inventory import Inventory
from vmdirac_py.model.reason import Reason
from vmdirac_py.model.vm import Move, VmState

from . import pulse, purpose, retirements, stillbirth
from .api import Context
from .busy import slots_of
from .fleet import tell_drains
from .launches import UNSENT
from .listings import LIVE
from .rescheduling import give_back
from .settling import OPEN_BATCHES, settle

ACTOR = "aging"
LOST = Reason.of("batch.lost")
NOTHING_LEFT = Reason.of("stop.no_instance")
HOPING = frozenset({VmState.NEW, VmState.STOPPING})
"""States in which a VM without an instance may still get one, while its batch is not settled."""


@dataclass(frozen=True, slots=True)
class AgingReport:
    """VMs that moved, alarms that hold, batches that were settled."""

    moved: tuple[str, ...]
    alarms: tuple[str, ...]
    batches: tuple[str, ...]


def advance(ctx: Context, *, actor: str = ACTOR) -> AgingReport:
    """Apply every deadline that has passed, in one transaction; a second call right after changes nothing."""
    inventory, at = ctx.inventory(), ctx.clock.now()
    with ctx.ledger.write() as tx:
        batches = _settle_batches(tx, inventory, at)
        verdicts = list(_verdicts(tx, inventory, at))
        moves = [verdict for verdict in verdicts if isinstance(verdict, Move)]
        alarms = [verdict for verdict in verdicts if isinstance(verdict, Alarm)]
        moved = tx.vms.move(moves, actor=actor, at=at)
        really = set(moved)
        gone = [change.vm for change in moves if change.to is VmState.HALTED and change.vm in really]
        for vm_id in gone:
            give_back(tx, vm_id, minor="its VM is gone", max_attempts=ctx.settings.max_attempts, actor=actor, at=at)
        stillbirth.tell(tx, moves, moved, actor=actor)
        purpose.missed_by(tx, inventory, moves, moved, actor=actor, at=at)
        tell_drains(tx, moves, moved, actor=actor, at=at)
        _raise(tx, alarms, actor, at)
        if moved:
            tx.events.append("vm.moved", actor=actor, data={"vms": moved[:100]})
    return AgingReport(tuple(moved), tuple(alarm.vm for alarm in alarms), tuple(batches))


def next_deadline(ctx: Context) -> float:
    """Return when (epoch) the next deadline of a VM or batch falls due; infinity when none is set."""
    with ctx.ledger.read() as tx:
        deadlines = [tx.vms.next_deadline()]
        deadlines += [batch.deadline for batch in tx.batches.in_states(OPEN_BATCHES)]
        leaving = [vm for vm in tx.vms.in_states((VmState.STOPPING,)) if not vm.retire_batch]
        deadlines += [retirements.due_at(tx, vm, ctx.settings) for vm in leaving]
    return min(deadlines)


def _verdicts(tx: Transaction, inventory: Inventory, at: float) -> Iterable[Move | Alarm | None]:
    living = tx.vms.in_states(LIVE)
    ids = [vm.id for vm in living]
    used, beats = tx.jobs.used_cores(ids), tx.observations.heartbeats(ids)
    listening = pulse.heard_since(tx, at=at)
    pending = {batch.id for batch in tx.batches.in_states(OPEN_BATCHES, kind=BatchKind.LAUNCH)}
    for vm in living:
        if not vm.instance_id and vm.state in HOPING and vm.batch in pending:
            continue  # its batch is not settled yet: the cloud may still have it
        if not vm.instance_id and vm.state is VmState.STOPPING:
            yield move_by(inventory, vm, VmState.HALTED, NOTHING_LEFT, at=at)
            continue
        rules = rules_for(vm, inventory)
        # A silence counts from when somebody began to listen; while nobody does there is none.
        heard_from = at if listening is None else listening
        if vm.state is VmState.STALLED and at - heard_from < rules.pool.stalled_after:
            continue
        last_beat = max(beats[vm.id].at if vm.id in beats else 0.0, heard_from)
        yield overdue(
            vm,
            at=at,
            pool=rules.pool,
            endpoint=rules.endpoint,
            busy_slots=slots_of(vm, inventory, used, beats, at=at),
            last_heartbeat=last_beat,
        )


def _settle_batches(tx: Transaction, inventory: Inventory, at: float) -> list[str]:
    overdue_batches = [batch for batch in tx.batches.in_states(OPEN_BATCHES) if batch.deadline <= at]
    return [batch.id for batch in overdue_batches if _settle(tx, inventory, batch, at)]


def _settle(tx: Transaction, inventory: Inventory, batch: Batch, at: float) -> bool:
    """Close a batch nobody sent; doubt one whose answer is late; close a doubtful one once listings have told."""
    if batch.state is BatchState.WRITTEN:
        return _close(tx, inventory, batch, UNSENT, None, at)
    if batch.state is BatchState.CLAIMED:
        endpoint = inventory.endpoints.get(batch.endpoint)
        lag = endpoint.listing_lag if endpoint else 0.0
        tx.batches.settle(batch.id, (BatchState.CLAIMED,), BatchState.UNKNOWN, at=at, deadline=at + lag)
        tx.events.append("listing.wanted", subject=batch.endpoint, actor=ACTOR)
        return True
    listing = tx.observations.listings().get(batch.endpoint)
    if listing is None or listing.complete_at < batch.deadline:
        return False  # no complete listing since the window closed: it stays doubtful
    return _close(tx, inventory, batch, LOST, ErrorClass.LOST, at)


def _close(
    tx: Transaction, inventory: Inventory, batch: Batch, reason: Reason, error_class: ErrorClass | None, at: float
) -> bool:
    if batch.kind is BatchKind.RETIRE:
        return tx.batches.settle(batch.id, OPEN_BATCHES, BatchState.CLOSED, at=at)
    return settle(tx, inventory, batch, BatchState.CLOSED, reason, error_class=error_class, actor=ACTOR, at=at)


def _raise(tx: Transaction, alarms: Iterable[Alarm], actor: str, at: float) -> None:
    """Note which alarms hold, and tell each once when it begins."""
    before = {span.subject for span in tx.reasons.holding()}
    current = {f"vm:{alarm.vm}": [alarm.reason] for alarm in alarms}
    tx.reasons.record(current, at=at, kinds=("vm",))
    for subject, reasons in current.items():
        if subject not in before:
            data = {"code": reasons[0].code, **reasons[0].as_dict}
            tx.events.append("alarm.vm", subject=subject.removeprefix("vm:"), actor=actor, data=data)
