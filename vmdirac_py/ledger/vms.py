"""The fleet: guarded transitions in bulk, each with its line of history."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from typing import Any

from sqlalchemy import ColumnElement, bindparam, func, insert, or_, select, update

from vmdirac_py.model.plan import SoftEnd
from vmdirac_py.model.reason import Reason
from vmdirac_py.model.vm import Move, Vm, VmState

from . import rows, schema
from .api import Transition
from .codec import encode
from .part import Part, chunks

_VMS = schema.vms
_MOVE = (
    update(_VMS)
    .where(_VMS.c.id == bindparam("moved"), _VMS.c.state == bindparam("left"))
    .values({name: bindparam(f"new_{name}") for name in ("state", "state_since", "deadline", "reason")})
)
_SOFTEN = (
    update(_VMS)
    .where(_VMS.c.id == bindparam("softened"), _VMS.c.soft_end != bindparam("until"))
    .values(soft_end=bindparam("until"))
)


class SqlVms(Part):
    """VM rows and their history."""

    def insert(self, vms: Sequence[Vm], *, actor: str, reason: Reason) -> None:
        """Insert rows and the first line of their history."""
        self.many(insert(_VMS), [rows.vm_columns(vm) for vm in vms])
        text = encode(reason)
        lines = [_line(vm.id, None, vm.state, at=vm.state_since, actor=actor, reason=text) for vm in vms]
        self.many(insert(schema.vm_transitions), lines)

    def get(self, vm_id: str) -> Vm | None:
        """Return a VM, or None."""
        return self._one(_VMS.c.id == vm_id)

    def get_many(self, ids: Collection[str]) -> list[Vm]:
        """Return the VMs there are of these, oldest first."""
        found = [vm for chunk in chunks(set(ids)) for vm in self._all(_VMS.c.id.in_(chunk))]
        return sorted(found, key=lambda vm: (vm.created_at, vm.id))

    def made_of(self, ids: Collection[str], *, image: str, profile: str) -> int:
        """Note what these VMs are made of; return how many there were."""
        return self._set(ids, image=image, profile=profile)

    def by_instance(self, endpoint: str, instance_id: str) -> Vm | None:
        """Return the VM bound to an instance, or None."""
        return self._one(_VMS.c.endpoint == endpoint, _VMS.c.instance_id == instance_id) if instance_id else None

    def of_batch(self, batch_id: str) -> list[Vm]:
        """Return the VMs a launch batch asked for."""
        return self._all(_VMS.c.batch == batch_id)

    def to_retire(self, batch_id: str) -> list[Vm]:
        """Return the VMs whose `retire_batch` is this."""
        return self._all(_VMS.c.retire_batch == batch_id)

    def in_states(self, states: Collection[VmState], *, endpoint: str = "", pool: str = "", vo: str = "") -> list[Vm]:
        """Return VMs in these states, oldest first."""
        wanted = {_VMS.c.endpoint: endpoint, _VMS.c.pool: pool, _VMS.c.vo: vo}
        return self._all(_VMS.c.state.in_(states), *(column == value for column, value in wanted.items() if value))

    def next_deadline(self) -> float:
        """Return the earliest deadline of a VM that is not Halted; infinity when there is none."""
        table = schema.vms
        found = self.connection.scalar(select(func.min(table.c.deadline)).where(table.c.state != VmState.HALTED))
        return float("inf") if found is None else float(found)

    def vos(self, states: Collection[VmState]) -> set[str]:
        """Return the VOs that have VMs in these states."""
        return set(self.connection.scalars(select(_VMS.c.vo).where(_VMS.c.state.in_(states)).distinct()))

    def counts(self) -> dict[tuple[str, str, VmState], int]:
        """Return the number of VMs by (VO, pool, state)."""
        keys = (_VMS.c.vo, _VMS.c.pool, _VMS.c.state)
        query = select(*keys, func.count()).group_by(*keys)
        return {(vo, pool, state): count for vo, pool, state, count in self.connection.execute(query)}

    def move(self, moves: Iterable[Move], *, actor: str, at: float) -> list[str]:
        """Apply guarded transitions in bulk with their history; return the ids that moved (the rest had before)."""
        wanted = list(moves)
        states = self._states_held({move.vm for move in wanted})
        changes, lines = [], []
        for move in wanted:
            if states.get(move.vm) is move.was:
                states[move.vm] = move.to
                text = encode(move.reason)
                changes.append(_change(move, text, at))
                lines.append(_line(move.vm, move.was, move.to, at=at, actor=actor, reason=text))
        self.many(_MOVE, changes)
        self.many(insert(schema.vm_transitions), lines)
        return list(dict.fromkeys(line["vm"] for line in lines))

    def bind(self, vm_id: str, instance_id: str, address: str) -> bool:
        """Join a VM row to its instance; False when the row already has another instance.

        Raises Conflict when another VM of this endpoint has this instance.
        """
        free = or_(_VMS.c.instance_id == "", _VMS.c.instance_id == instance_id)
        bound = {"instance_id": instance_id, **({"address": address} if address else {})}
        return self.changed(update(_VMS).where(_VMS.c.id == vm_id, free).values(bound)) == 1

    def mark_retire(self, ids: Collection[str], batch_id: str) -> int:
        """Note which batch will terminate these VMs; return how many there were."""
        return self._set(ids, retire_batch=batch_id)

    def soften(self, ends: Sequence[SoftEnd]) -> int:
        """Set soft ends in bulk; return how many VMs have another one now."""
        in_order = sorted(ends, key=lambda end: end.vm)  # two writers never wait for each other
        given = [{"softened": end.vm, "until": end.until} for end in in_order]
        return int(self.connection.execute(_SOFTEN, given).rowcount) if given else 0

    def listed(self, endpoint: str, present: Collection[str], *, at: float) -> None:
        """Note a complete listing: rows whose instance is present get missed_listings = 0, live bound others +1.

        A VM that changed its state after `at` is not held against the listing: it may be older than the change.
        """
        here, there = (_VMS.c.endpoint == endpoint, _VMS.c.instance_id != ""), set(present)
        columns = (_VMS.c.id, _VMS.c.instance_id, _VMS.c.missed_listings, _VMS.c.state_since)
        live = self.rows(select(*columns).where(*here, _VMS.c.state != VmState.HALTED))
        back = [row["id"] for row in live if row["instance_id"] in there and row["missed_listings"]]
        missed = [row["id"] for row in live if row["instance_id"] not in there and row["state_since"] <= at]
        self._set(back, missed_listings=0)
        self._set(missed, missed_listings=_VMS.c.missed_listings + 1)

    def seen(self, vm_ids: Collection[str], *, at: float) -> None:
        """Note a sign of life."""
        self._set(vm_ids, last_seen=at)

    def worked(self, vm_id: str, *, at: float) -> bool:
        """Note that a VM was given a payload; tell whether it was its first."""
        first = update(_VMS).where(_VMS.c.id == vm_id, _VMS.c.worked_at == 0.0)
        return self.changed(first.values(worked_at=at)) == 1

    def unworked(self, ids: Collection[str]) -> dict[str, tuple[str, ...]]:
        """Return which of these VMs never had a payload, each with the shapes it was launched for, if any are known."""
        batches = schema.batches
        query = select(_VMS.c.id, batches.c.shapes).join_from(_VMS, batches, batches.c.id == _VMS.c.batch)
        query = query.where(_VMS.c.worked_at == 0.0, batches.c.shapes != ())
        found: dict[str, tuple[str, ...]] = {}
        for chunk in chunks(set(ids)):
            found.update((vm, shapes) for vm, shapes in self.connection.execute(query.where(_VMS.c.id.in_(chunk))))
        return found

    def history(self, vm_id: str) -> list[Transition]:
        """Return a VM's transitions, oldest first."""
        table = schema.vm_transitions
        return [
            rows.transition(row) for row in self.rows(select(table).where(table.c.vm == vm_id).order_by(table.c.seq))
        ]

    def _states_held(self, ids: Collection[str]) -> dict[str, VmState]:
        """Return the states of these rows, held as they are until the commit (in one order, against deadlocks)."""
        held: dict[str, VmState] = {}
        for chunk in chunks(sorted(ids)):
            query = select(_VMS.c.id, _VMS.c.state).where(_VMS.c.id.in_(chunk)).order_by(_VMS.c.id).with_for_update()
            held.update((vm, state) for vm, state in self.connection.execute(query))
        return held

    def _set(self, ids: Collection[str], **values: Any) -> int:
        return sum(self.changed(update(_VMS).where(_VMS.c.id.in_(chunk)).values(values)) for chunk in chunks(ids))

    def _all(self, *conditions: ColumnElement[bool]) -> list[Vm]:
        query = select(_VMS).where(*conditions).order_by(_VMS.c.created_at, _VMS.c.id)
        return [rows.vm(row) for row in self.rows(query)]

    def _one(self, *conditions: ColumnElement[bool]) -> Vm | None:
        row = self.first(select(_VMS).where(*conditions))
        return None if row is None else rows.vm(row)


def _change(move: Move, reason: str, at: float) -> dict[str, Any]:
    return {
        "moved": move.vm,
        "left": move.was,
        "new_state": move.to,
        "new_state_since": at,
        "new_deadline": move.deadline,
        "new_reason": reason,
    }


def _line(vm: str, was: VmState | None, state: VmState, *, at: float, actor: str, reason: str) -> dict[str, Any]:
    return {"vm": vm, "at": at, "was": was, "state": state, "actor": actor, "reason": reason}
