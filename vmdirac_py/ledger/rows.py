"""Rows to values and back; the only place that knows which column holds which field."""

from __future__ import annotations

import hashlib
import json
from functools import lru_cache
from typing import Any

from msgspec import Struct
from msgspec.structs import asdict
from sqlalchemy import RowMapping

from vmdirac_py.model.batch import Batch, ErrorClass
from vmdirac_py.model.job import Job, JobSpec, JobState, Payload, Used
from vmdirac_py.model.plan import Outcome
from vmdirac_py.model.queue import Shape, TaskQueue
from vmdirac_py.model.reason import Reason
from vmdirac_py.model.resources import Resources
from vmdirac_py.model.vm import Vm

from .api import RAN, STILLBORN, UNMATCHED, WORKED, Event, Heartbeat, ReasonSpan, Transition
from .codec import decode, decode_reason, encode

LIVES = {RAN: None, WORKED: None, STILLBORN: ErrorClass.STILLBORN, UNMATCHED: ErrorClass.NO_MATCH}
"""Topic of what a VM came to → the failure it is, if it is one."""

_VM_PLAIN = tuple(name for name in Vm.__struct_fields__ if name not in {"resources", "reason"})
_JOB_PLAIN = tuple(name for name in Job.__struct_fields__ if name not in {"spec", "used"})


def columns(value: Struct) -> dict[str, Any]:
    """Return a flat value's fields as a row."""
    return asdict(value)


def batch(row: RowMapping) -> Batch:
    """Return the batch of a row."""
    return Batch(**row)


def outcome(row: RowMapping) -> Outcome:
    """Return how a launch batch ended, from its row joined with its event."""
    names = ("endpoint", "pool", "launched", "refused", "error_class")
    return Outcome(row["seq"], row["answered_at"], **{name: row[name] for name in names})


def vm_outcome(row: RowMapping) -> Outcome:
    """Return what became of one VM, its boot or the work it was launched for, from its row joined with its event."""
    error = LIVES[row["topic"]]
    return Outcome(
        seq=row["seq"],
        at=row["told_at"],
        endpoint=row["endpoint"],
        pool=row["pool"],
        launched=int(error is None),
        refused=int(error is not None),
        error_class=error,
        booted=True,
        seconds=row["told_at"] - row["created_at"] if row["topic"] == RAN else 0.0,
        shapes=tuple(json.loads(row["data"]).get("shapes", ())),
    )


def vm(row: RowMapping) -> Vm:
    """Return the VM of a row."""
    return Vm(
        **{name: row[name] for name in _VM_PLAIN},
        resources=Resources(**{name: row[name] for name in Resources.__struct_fields__}),
        reason=None if row["reason"] is None else decode_reason(row["reason"]),
    )


def vm_columns(value: Vm) -> dict[str, Any]:
    """Return the row of a VM."""
    return {
        **{name: getattr(value, name) for name in _VM_PLAIN},
        **columns(value.resources),
        "reason": None if value.reason is None else encode(value.reason),
    }


def transition(row: RowMapping) -> Transition:
    """Return one line of a VM's history."""
    return Transition(row["vm"], row["at"], row["was"], row["state"], row["actor"], decode_reason(row["reason"]))


def event(row: RowMapping) -> Event:
    """Return the event of a row."""
    return Event(**{**row, "data": json.loads(row["data"])})


def heartbeat(row: RowMapping) -> Heartbeat:
    """Return the heartbeat of a row."""
    return Heartbeat(row["vm"], row["at"], json.loads(row["data"]))


def span(row: RowMapping) -> ReasonSpan:
    """Return the interval of a row."""
    return ReasonSpan(row["subject"], decode_reason(row["reason"]), row["since"], row["until"])


def span_columns(subject: str, reason: Reason, since: float) -> dict[str, Any]:
    """Return the row of a reason that begins to hold."""
    return {
        "kind": subject.partition(":")[0],
        "subject": subject,
        "reason": encode(reason),
        "since": since,
        "until": 0.0,
    }


def queue_columns(spec: JobSpec) -> dict[str, Any]:
    """Return the row of the task queue a job belongs to; jobs alike in all of it share its id."""
    row = {
        "vo": spec.vo,
        "owner": spec.owner,
        "owner_group": spec.group,
        "shape": encode(spec.shape),
        "ram_mb": spec.shape.ram_mb,
        "gpus": spec.shape.gpus,
        "priority": float(spec.priority),
    }
    return {"id": "tq-" + hashlib.sha256(encode(row).encode()).hexdigest()[:12], **row}


def task_queue(row: RowMapping) -> TaskQueue:
    """Return a task queue with its waiting jobs counted."""
    return TaskQueue(
        id=row["id"],
        vo=row["vo"],
        owner=row["owner"],
        group=row["owner_group"],
        shape=shape(row["shape"]),
        priority=row["priority"],
        waiting=row["waiting"],
        oldest=row["oldest"],
    )


def job_columns(spec: JobSpec, queue: str, at: float) -> dict[str, Any]:
    """Return the row of a freshly submitted job; its number comes from the database."""
    fresh = Job(id=0, spec=spec, queue=queue, state=JobState.WAITING, submitted_at=at)
    row = {name: getattr(fresh, name) for name in _JOB_PLAIN if name != "id"}
    row |= {"used_cpu_seconds": fresh.used.cpu_seconds, "peak_ram_mb": fresh.used.peak_ram_mb}
    return {**row, "name": spec.name, "payload": encode(spec.payload), "jdl": spec.jdl}


def job(row: RowMapping) -> Job:
    """Return the job of a row joined with its task queue."""
    spec = JobSpec(
        name=row["name"],
        vo=row["vo"],
        owner=row["owner"],
        group=row["owner_group"],
        shape=shape(row["shape"]),
        payload=decode(Payload, row["payload"]),
        priority=row["priority"],
        jdl=row["jdl"],
    )
    used = Used(row["used_cpu_seconds"], row["peak_ram_mb"])
    return Job(spec=spec, used=used, **{name: row[name] for name in _JOB_PLAIN})


@lru_cache(maxsize=4096)
def shape(text: str) -> Shape:
    """Return the shape `encode` made `text` from; the same few are read again and again."""
    return decode(Shape, text)
