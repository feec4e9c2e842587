"""Instances bearing our mark that no VM explains: remembered, and adopted, swept or let be, each with its reason.

A ledger that does not know the batches of most living instances of an endpoint is a restored (or an empty) copy. It is
kept from ending anything there by itself, until enough is explained again or a person names what to end.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from msgspec.structs import replace

from vmdirac_py.clouds.api import Instance
from vmdirac_py.ledger.api import ReasonSpan, Sighting, Transaction
from vmdirac_py.lifecycle.leaks import KNOWN_BEFORE_DELETE, Fate, Stranger, Verdict, verdicts
from vmdirac_py.lifecycle.states import deadline, rules_for
from vmdirac_py.model.inventory import Endpoint, Inventory
from vmdirac_py.model.reason import Reason
from vmdirac_py.model.vm import Vm, VmState

from .launches import new_vm

ACTOR = "listing"
FATES = {Fate.ADOPT: VmState.SUBMITTED, Fate.DELETE: VmState.FAILED}
ASKED_FOR = frozenset(
    {"retire.by_hand", "halt.by_hand", "drain.by_hand", "vm.left", "vm.taken", "vm.drained", "vm.unfit"}
)
"""Reasons by which a person, or the VM itself, wanted its end."""


def judge(
    tx: Transaction, inventory: Inventory, endpoint: Endpoint, found: Sequence[Instance], *, living: int, at: float
) -> None:
    """Take the strangers of one complete listing in, or note why not; `living` counts all it showed alive."""
    tx.observations.sight(endpoint.name, {instance.id: instance.mark.batch for instance in found}, at=at)
    by_id = {instance.id: instance for instance in found}
    known = _known_share(tx, found, living)
    judged = _verdicts(tx, endpoint.name, by_id, known, at)
    kind = _kind(endpoint.name)
    tx.reasons.record({f"{kind}:{one.instance_id}": [one.reason] for one in judged}, at=at, kinds=(kind,))
    _note_blindness(tx, endpoint.name, known, at)
    for verdict in judged:
        if state := FATES.get(verdict.fate):
            _take_in(tx, inventory, by_id[verdict.instance_id], state, verdict.reason, at)


def history(tx: Transaction, endpoint: str, instance_id: str) -> list[ReasonSpan]:
    """Return what was ever thought of an unexplained instance."""
    return tx.reasons.history(f"{_kind(endpoint)}:{instance_id}")


def spared(tx: Transaction, vm: Vm) -> bool:
    """Tell whether a VM must not be terminated by a plan: its endpoint is not understood, and nobody asked for it."""
    if not blind(tx, vm.endpoint):
        return False
    return not any(step.reason.code in ASKED_FOR for step in tx.vms.history(vm.id))


def blind(tx: Transaction, endpoint: str) -> bool:
    """Tell whether the ledger does not know most of what lives on an endpoint, and so may end nothing there."""
    return bool(tx.documents.load(_blind(endpoint)))


def _kind(endpoint: str) -> str:
    # Reasons are recorded by kind, all at once; a listing knows those of its own endpoint only.
    return f"instance@{endpoint}"


def _blind(endpoint: str) -> str:
    return f"blind:{endpoint}"


def _known_share(tx: Transaction, found: Collection[Instance], living: int) -> float:
    """Return the part of a listing whose batches the ledger knows: with a VM row, or as a late arrival without one."""
    unknown = sum(1 for instance in found if tx.batches.get(instance.mark.batch) is None)
    return 1 - unknown / living if living else 1.0


def _note_blindness(tx: Transaction, endpoint: str, known: float, at: float) -> None:
    now_blind = known < KNOWN_BEFORE_DELETE
    if now_blind != blind(tx, endpoint):
        tx.documents.save(_blind(endpoint), at if now_blind else None)
        topic = "alarm.blind" if now_blind else "listing.understood"
        tx.events.append(topic, subject=endpoint, actor=ACTOR, data={"known_percent": int(100 * known)})


def _verdicts(tx: Transaction, endpoint: str, by_id: Mapping[str, Instance], known: float, at: float) -> list[Verdict]:
    sightings = [one for one in tx.observations.sightings(endpoint) if one.instance_id in by_id]
    strangers = [_stranger(tx, sighting, by_id[sighting.instance_id]) for sighting in sightings]
    created_at = float(tx.meta.get("created_at") or at)
    return verdicts(strangers, at=at, known_fraction=known, ledger_created_at=created_at)


def _stranger(tx: Transaction, sighting: Sighting, instance: Instance) -> Stranger:
    batch = tx.batches.get(sighting.batch)
    return Stranger(
        instance_id=sighting.instance_id,
        first_seen=sighting.first_seen,
        last_seen=sighting.last_seen,
        listings=sighting.listings,
        created_at=instance.created_at,
        enrolled=tx.enrolments.get(sighting.batch, sighting.instance_id) is not None,
        batch_deadline=batch.token_deadline if batch else None,
    )


def _take_in(
    tx: Transaction, inventory: Inventory, instance: Instance, state: VmState, reason: Reason, at: float
) -> None:
    batch = tx.batches.get(instance.mark.batch)
    siblings = tx.vms.of_batch(instance.mark.batch)
    if batch is None or not siblings:
        return
    rules = rules_for(siblings[0], inventory)
    vm = replace(
        new_vm(batch, rules.pool, rules.endpoint, at=at),
        state=state,
        instance_id=instance.id,
        address=instance.address,
        image=siblings[0].image,
        profile=siblings[0].profile,
    )
    until = deadline(vm, state, pool=rules.pool, endpoint=rules.endpoint, at=at) if state is VmState.SUBMITTED else at
    tx.vms.insert([replace(vm, deadline=until)], actor=ACTOR, reason=reason)
    tx.events.append("vm.adopted", subject=vm.id, actor=ACTOR, data={"state": str(state)})
