"""The embedded queue: jobs, their task queues and their history."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any

from sqlalchemy import Select, func, insert, select, update

from vmdirac_py.model.job import BUSY_JOB_STATES, FINAL_JOB_STATES, Job, JobSpec, JobState, Used
from vmdirac_py.model.queue import TaskQueue

from . import rows, schema
from .runs import SqlRuns

_JOBS, _QUEUES = schema.jobs, schema.task_queues
_JOINED = select(_JOBS, *(_QUEUES.c[name] for name in ("vo", "owner", "owner_group", "shape", "priority"))).join_from(
    _JOBS, _QUEUES
)
_UNMATCHED = {
    "state": JobState.WAITING,
    "vm": "",
    "cores": 0,
    "matched_at": 0.0,
    "started_at": 0.0,
    "ended_at": 0.0,
    "exit_code": None,
    "output": "",
    "used_cpu_seconds": 0.0,
    "peak_ram_mb": 0,
}
_REQUEUED_FROM = BUSY_JOB_STATES | {JobState.FAILED, JobState.KILLED}


class SqlJobs(SqlRuns):
    """Jobs and task queues."""

    def insert(self, specs: Sequence[JobSpec], *, at: float) -> list[Job]:
        """Submit jobs; return them with their numbers, in order."""
        queues = [rows.queue_columns(spec) for spec in specs]
        known = list({queue["id"]: queue for queue in queues}.values())
        self.many(self.upsert(_QUEUES).on_conflict_do_nothing(), known)
        ids = self._insert([rows.job_columns(spec, queue["id"], at) for spec, queue in zip(specs, queues, strict=True)])
        self._note([{"job": job, "at": at, "state": JobState.WAITING, "vm": "", "minor": ""} for job in ids])
        return [
            Job(id=job, spec=spec, queue=queue["id"], state=JobState.WAITING, submitted_at=at)
            for job, spec, queue in zip(ids, specs, queues, strict=True)
        ]

    def get(self, job_id: int) -> Job | None:
        """Return a job, or None."""
        row = self.first(_JOINED.where(_JOBS.c.id == job_id))
        return None if row is None else rows.job(row)

    def find(
        self,
        *,
        states: Collection[JobState] = (),
        vo: str = "",
        vm: str = "",
        ids: Collection[int] | None = None,
        limit: int = 10_000,
    ) -> list[Job]:
        """Return jobs by number that meet all that is given; of more than `limit`, the newest."""
        query = _JOINED.order_by(_JOBS.c.id.desc()).limit(limit)
        if states:
            query = query.where(_JOBS.c.state.in_(states))
        if vo:
            query = query.where(_QUEUES.c.vo == vo)
        if vm:
            query = query.where(_JOBS.c.vm == vm)
        if ids is not None:
            query = query.where(_JOBS.c.id.in_(ids))
        return [rows.job(row) for row in self.rows(query)][::-1]

    def waiting_vos(self) -> set[str]:
        """Return the VOs that have jobs waiting; looks for one job a queue, however many wait in it."""
        one = select(_JOBS.c.id).where(_JOBS.c.state == JobState.WAITING, _JOBS.c.queue == _QUEUES.c.id)
        return set(self.connection.scalars(select(_QUEUES.c.vo).where(one.exists()).distinct()))

    def counts(self) -> dict[tuple[str, JobState], int]:
        """Return the number of jobs by (VO, state)."""
        query = select(_QUEUES.c.vo, _JOBS.c.state, func.count()).join_from(_JOBS, _QUEUES)
        found = self.connection.execute(query.group_by(_QUEUES.c.vo, _JOBS.c.state))
        return {(vo, JobState(state)): count for vo, state, count in found}

    def queues(self, *, vo: str = "") -> list[TaskQueue]:
        """Return the non-empty task queues, of a VO or of all; see the contract."""
        counted = (
            select(_JOBS.c.queue, func.count().label("waiting"), func.min(_JOBS.c.submitted_at).label("oldest"))
            .where(_JOBS.c.state == JobState.WAITING)
            .group_by(_JOBS.c.queue)
        )
        if vo:
            counted = counted.where(_JOBS.c.queue.in_(select(_QUEUES.c.id).where(_QUEUES.c.vo == vo)))
        waiting = counted.subquery()
        joined = select(_QUEUES, waiting.c.waiting, waiting.c.oldest).join(waiting, waiting.c.queue == _QUEUES.c.id)
        return [rows.task_queue(row) for row in self.rows(joined.order_by(waiting.c.oldest, _QUEUES.c.id))]

    def take(self, queue_id: str, vm: str, cores: int, *, at: float) -> Job | None:
        """Match the oldest waiting job of a queue to a VM: Waiting → Matched; None when it just emptied."""
        job_id = self.connection.scalar(_oldest(queue_id))
        if job_id is None:
            return None
        matched = {"state": JobState.MATCHED, "vm": vm, "cores": cores, "matched_at": at, "minor": ""}
        self._advance(job_id, {JobState.WAITING}, "", matched, at)
        return self.get(job_id)

    def move(
        self,
        job_id: int,
        was: Collection[JobState],
        to: JobState,
        *,
        at: float,
        vm: str = "",
        minor: str = "",
        exit_code: int | None = None,
        output: str = "",
        used: Used | None = None,
    ) -> bool:
        """Guarded transition with history (a non-empty `vm` also guards on the VM); sets started_at/ended_at."""
        changes: dict[str, Any] = {"state": to, "minor": minor}
        if to is JobState.RUNNING:
            changes["started_at"] = at
        if to in FINAL_JOB_STATES:
            changes["ended_at"] = at
        if exit_code is not None:
            changes["exit_code"] = exit_code
        if output:
            changes["output"] = output
        if used is not None:
            changes |= {"used_cpu_seconds": used.cpu_seconds, "peak_ram_mb": used.peak_ram_mb}
        return self._advance(job_id, was, vm, changes, at)

    def requeue(self, job_id: int, *, at: float, minor: str) -> bool:
        """Matched | Running | Failed | Killed → Waiting, attempt + 1, VM cleared."""
        changes = {**_UNMATCHED, "attempt": _JOBS.c.attempt + 1, "minor": minor}
        return self._advance(job_id, _REQUEUED_FROM, "", changes, at)

    def history(self, job_id: int) -> list[tuple[float, JobState, str, str]]:
        """Return (at, state, vm, minor), oldest first."""
        table = schema.job_transitions
        query = select(table.c.at, table.c.state, table.c.vm, table.c.minor).where(table.c.job == job_id)
        return [(at, state, vm, minor) for at, state, vm, minor in self.connection.execute(query.order_by(table.c.seq))]

    def _insert(self, new: Sequence[dict[str, Any]]) -> list[int]:
        if not new:
            return []
        returning = insert(_JOBS).returning(_JOBS.c.id, sort_by_parameter_order=True)
        return list(self.connection.scalars(returning, new))

    def _advance(self, job_id: int, was: Collection[JobState], vm: str, changes: dict[str, Any], at: float) -> bool:
        guarded = update(_JOBS).where(_JOBS.c.id == job_id, _JOBS.c.state.in_(was)).values(changes)
        if vm:
            guarded = guarded.where(_JOBS.c.vm == vm)
        moved = self.first(guarded.returning(_JOBS.c.state, _JOBS.c.vm, _JOBS.c.minor))
        if moved is None:
            return False
        self._note([{"job": job_id, "at": at, **moved}])
        return True

    def _note(self, lines: Sequence[dict[str, Any]]) -> None:
        self.many(insert(schema.job_transitions), lines)


def _oldest(queue_id: str) -> Select[Any]:
    """Two takers on PostgreSQL pass over each other's row; on SQLite there is one writer anyway."""
    waiting = (_JOBS.c.state == JobState.WAITING, _JOBS.c.queue == queue_id)
    oldest = select(_JOBS.c.id).where(*waiting).order_by(_JOBS.c.submitted_at, _JOBS.c.id).limit(1)
    return oldest.with_for_update(skip_locked=True)
