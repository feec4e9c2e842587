"""`status`, `why`: what is, and why."""

from __future__ import annotations

from collections.abc import Sequence
from math import inf
from typing import TYPE_CHECKING, Annotated

import typer

from vmdirac_py.base.errors import BadInput

from .common import Json, opened
from .moments import moment
from .output import clock_time, console, print_json, span, table

if TYPE_CHECKING:
    from vmdirac_py.operations.provenance import Line
    from vmdirac_py.reports.status import Status

MOMENTS = "2026-11-22 14:30, seconds since 1970, or how long ago, such as 2h"


def register(app: typer.Typer) -> None:
    """Add the commands of this file."""
    app.command()(status)
    app.command()(why)


def status(json: Json = False) -> None:
    """Show queues, VMs and jobs by state, clouds, and who plans and acts."""
    from vmdirac_py.reports.status import status as read_status

    with opened() as ctx, ctx.ledger.read() as tx:
        now = read_status(tx, at=ctx.clock.now())
    if json:
        print_json(now)
    else:
        _show_status(now)


def _show_status(now: Status) -> None:
    vms = [(vo, state, count) for (vo, state), count in sorted(now.vms.items())]
    jobs = [(vo, state, count) for (vo, state), count in sorted(now.jobs.items())]
    queues = [(q.id, q.vo, q.owner, q.waiting, q.shape.min_cores, span(now.at - q.oldest)) for q in now.queues]
    clouds = [(li.endpoint, li.count, clock_time(li.complete_at), li.error) for li in now.listings]
    leases = [(lease.name, lease.owner, clock_time(lease.expires_at)) for lease in now.leases]
    console.print(table("Jobs", ("VO", "STATE", "JOBS"), jobs))
    console.print(table("Queues", ("QUEUE", "VO", "OWNER", "WAITING", "CORES", "OLDEST"), queues))
    console.print(table("VMs", ("VO", "STATE", "VMS"), vms))
    console.print(table("Endpoints", ("ENDPOINT", "INSTANCES", "LISTED", "ERROR"), clouds))
    console.print(table("Leases", ("LEASE", "HELD BY", "UNTIL"), leases))
    for warning in now.warnings:
        console.print(f"warning: {warning}", markup=False)


def why(
    subject: Annotated[str, typer.Argument(help="A VM's id, a job's number, a queue's id or a pool's name.")],
    at: Annotated[str, typer.Option(help=f"Only what was so then: {MOMENTS}.")] = "",
    since: Annotated[str, typer.Option(help="Only what was so or happened from then on.")] = "",
    until: Annotated[str, typer.Option(help="Only what was so or happened until then.")] = "",
    json: Json = False,
) -> None:
    """Explain what became of something, from the ledger, oldest first: who decided it, and why it waits or waited."""
    from vmdirac_py.operations import explain

    if at and (since or until):
        raise typer.BadParameter("give one moment, or a time from --since to --until", param_hint="--at")
    with opened() as ctx:
        now = ctx.clock.now()
        first = moment(at or since, now=now) if at or since else 0.0
        last = moment(at or until, now=now) if at or until else inf
        if last < first:
            raise BadInput("the time ends before it begins", where="--until", mend="make it later than --since")
        lines = explain.why(ctx, subject, since=first, until=last)
    if json:
        print_json(lines)
    else:
        _show_lines(lines)


def _show_lines(lines: Sequence[Line]) -> None:
    if not lines:
        console.print("Nothing happened then, and no reason was noted.")
    for line in lines:
        until = f" until {clock_time(line.until)}" if line.until else " (still)" if line.holds and line.at else ""
        console.print(f"{clock_time(line.at)} {line.text}{until}".strip(), highlight=False, markup=False)
