"""The live picture of a running installation: queues, last plan, VMs and jobs by state."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from rich.console import Console, Group, RenderableType
from rich.live import Live

from vmdirac_py.model.job import Job
from vmdirac_py.model.plan import Plan
from vmdirac_py.model.queue import TaskQueue
from vmdirac_py.model.vm import Vm, VmState
from vmdirac_py.model.words import words
from vmdirac_py.operations.api import Context

from .output import span, table


@dataclass(frozen=True, slots=True)
class View:
    """What is shown: some jobs, all VMs, the queues, and the last plan that acted."""

    at: float
    jobs: tuple[Job, ...]
    vms: tuple[Vm, ...]
    queues: tuple[TaskQueue, ...]
    plan: Plan | None
    notes: tuple[str, ...]

    @property
    def line(self) -> str:
        """Return the whole in one line."""
        jobs = Counter(str(job.state) for job in self.jobs)
        vms = Counter(str(vm.state) for vm in self.vms)
        return f"jobs: {_counts(jobs)} | VMs: {_counts(vms)} | waiting in {len(self.queues)} queues"


def _counts(counter: Counter[str]) -> str:
    return ", ".join(f"{count} {state}" for state, count in sorted(counter.items())) or "none"


def look(ctx: Context, job_ids: Collection[int]) -> View:
    """Read the present view."""
    with ctx.ledger.read() as tx:
        latest = tx.plans.latest()
        queues = tuple(tx.jobs.queues())
        held = {q.id: tx.reasons.holding(f"queue:{q.id}") for q in queues}
        notes = [f"{queue_id}: {words(s.reason)}" for queue_id, spans in held.items() for s in spans]
        return View(
            at=ctx.clock.now(),
            jobs=tuple(tx.jobs.find(ids=job_ids)),
            vms=tuple(tx.vms.in_states(list(VmState))),
            queues=queues,
            plan=latest[1] if latest else None,
            notes=tuple(notes),
        )


def picture(view: View) -> RenderableType:
    """Return the view as tables."""
    queues = [(q.id, q.vo, q.waiting, q.shape.min_cores, span(view.at - q.oldest)) for q in view.queues]
    by_state = Counter((vm.vo, vm.pool, str(vm.state)) for vm in view.vms)
    vms = [(*key, count) for key, count in sorted(by_state.items())]
    jobs = [(job.id, job.spec.vo, job.spec.name, job.state, job.cores or "", job.vm, job.minor) for job in view.jobs]
    decisions = view.plan.decisions if view.plan else ()
    planned = [(d.action, d.count, d.pool, words(d.reason)) for d in decisions]
    return Group(
        table("Queues", ("QUEUE", "VO", "WAITING", "CORES", "OLDEST"), queues),
        table("Last plan", ("DO", "VMS", "POOL", "WHY"), planned),
        *view.notes,
        table("VMs", ("VO", "POOL", "STATE", "VMS"), vms),
        table("Jobs", ("ID", "VO", "NAME", "STATE", "CORES", "VM", "DETAIL"), jobs),
    )


@contextmanager
def screen(console: Console) -> Iterator[Screen]:
    """Show views: live on a terminal, a line for every change elsewhere."""
    if not console.is_terminal:
        yield Screen(console, None)
        return
    with Live(console=console, refresh_per_second=4, transient=True) as live:
        yield Screen(console, live)


class Screen:
    """Where views are shown."""

    def __init__(self, console: Console, live: Live | None) -> None:
        self.console = console
        self.live = live
        self._last: tuple[str, ...] = ()

    def show(self, view: View) -> None:
        """Show a view."""
        if self.live:
            self.live.update(picture(view))
            return
        decisions = view.plan.decisions if view.plan else ()
        plan = [f"plan: {d.action} {d.count} x {d.pool}, because {words(d.reason)}" for d in decisions]
        lines = (*plan, view.line, *view.notes)
        for line in lines:
            if line not in self._last:
                self.console.print(line, highlight=False)
        self._last = lines
