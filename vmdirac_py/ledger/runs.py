"""What runs and what ran: payloads by VM, for the planner."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Collection

from sqlalchemy import case, func, select

from vmdirac_py.model.job import BUSY_JOB_STATES
from vmdirac_py.model.plan import Finished
from vmdirac_py.model.vm import Run

from . import rows, schema
from .api import ENDED
from .part import Part, chunks

_JOBS, _QUEUES, _EVENTS = schema.jobs, schema.task_queues, schema.events
_SINCE = case((_JOBS.c.started_at > 0, _JOBS.c.started_at), else_=_JOBS.c.matched_at)
_RUNS = (
    select(_JOBS.c.vm, _QUEUES.c.owner, _QUEUES.c.owner_group, _SINCE, _JOBS.c.cores, _QUEUES.c.shape)
    .join_from(_JOBS, _QUEUES)
    .where(_JOBS.c.state.in_(BUSY_JOB_STATES))
    .order_by(_JOBS.c.id)
)
FEW = 100
"""So many VMs are asked for by name; of more, all that runs is read."""
_RAN = '"seconds":'  # JSON escapes quotes in texts: this is the key, and nothing else


class SqlRuns(Part):
    """Payloads, seen from their VMs."""

    def used_cores(self, vm_ids: Collection[str]) -> dict[str, tuple[int, int, int, int]]:
        """Return per VM (busy slots, cores, ram_mb, gpus) of its Matched and Running jobs; VMs without are absent."""
        sums = (func.sum(_JOBS.c.cores), func.sum(_QUEUES.c.ram_mb), func.sum(_QUEUES.c.gpus))
        query = select(_JOBS.c.vm, func.count(), *sums).join_from(_JOBS, _QUEUES).group_by(_JOBS.c.vm)
        query = query.where(_JOBS.c.state.in_(BUSY_JOB_STATES))
        used: dict[str, tuple[int, int, int, int]] = {}
        for chunk in chunks(set(vm_ids)):
            for vm, slots, cores, ram_mb, gpus in self.connection.execute(query.where(_JOBS.c.vm.in_(chunk))):
                used[vm] = (slots, int(cores), int(ram_mb), int(gpus))
        return used

    def runs(self, vm_ids: Collection[str]) -> dict[str, tuple[Run, ...]]:
        """Return the Matched and Running jobs of these VMs by number; VMs without are absent."""
        wanted, found = set(vm_ids), defaultdict[str, list[Run]](list)
        query = _RUNS.where(_JOBS.c.vm.in_(wanted)) if len(wanted) <= FEW else _RUNS
        for vm, owner, group, since, cores, shape in self.connection.execute(query):
            if vm in wanted:
                asked = rows.shape(shape)
                found[vm].append(Run(owner, group, since, cores, asked.cpu_seconds, asked.disk_gb))
        return {vm: tuple(runs) for vm, runs in found.items()}

    def last_ended(self, vm_ids: Collection[str]) -> dict[str, float]:
        """Return when the last job of each of these VMs ended; VMs that never had one end are absent."""
        query = select(_JOBS.c.vm, func.max(_JOBS.c.ended_at)).where(_JOBS.c.ended_at > 0).group_by(_JOBS.c.vm)
        ended: dict[str, float] = {}
        for chunk in chunks(set(vm_ids)):
            ended.update((vm, at) for vm, at in self.connection.execute(query.where(_JOBS.c.vm.in_(chunk))))
        return ended

    def finished(self, after_seq: int, limit: int = 10_000) -> list[Finished]:
        """Return the payloads that ran and ended by themselves since, oldest first."""
        query = select(_EVENTS.c.seq, _EVENTS.c.data).where(_EVENTS.c.topic.in_(ENDED), _EVENTS.c.seq > after_seq)
        query = query.where(_EVENTS.c.data.contains(_RAN)).order_by(_EVENTS.c.seq).limit(limit)
        return [_finished(seq, data) for seq, data in self.connection.execute(query)]


def _finished(seq: int, data: str) -> Finished:
    told = json.loads(data)
    about = {name: told[name] for name in ("vo", "owner", "group", "cpu_seconds")}
    return Finished(seq, seconds=max(0.0, told["seconds"]), **about)
