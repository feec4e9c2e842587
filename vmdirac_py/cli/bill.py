"""The end of a quickstart: what became of the jobs, what the VMs cost, and what to type next."""

from __future__ import annotations

import shutil
import sys
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from vmdirac_py.installation import Installation
from vmdirac_py.model.job import Job, JobState
from vmdirac_py.reports.accounts import Account, account

from .output import console, print_json, table
from .watch import View


def print_bill(ctx: Installation, view: View, *, json: bool, seconds: float) -> None:
    """Print the bill of the VMs and jobs in view; `seconds` is how long it all took."""
    with ctx.ledger.read() as tx:
        bill = account(tx, view.vms, view.jobs, at=view.at)
    first = min((job.started_at - job.submitted_at for job in view.jobs if job.started_at), default=0.0)
    if json:
        print_json({"jobs": _by_vo(view.jobs), "bill": bill, "first_payload_seconds": first, "seconds": seconds})
    else:
        _print_summary(ctx, view, bill, first, seconds)


def _by_vo(jobs: Sequence[Job]) -> dict[str, dict[str, int]]:
    return {
        vo: dict(Counter(str(job.state) for job in jobs if job.spec.vo == vo))
        for vo in sorted({job.spec.vo for job in jobs})
    }


def _print_summary(ctx: Installation, view: View, bill: Account, first: float, seconds: float) -> None:
    rows = [(vo, state, count) for vo, states in _by_vo(view.jobs).items() for state, count in sorted(states.items())]
    console.print(table("Jobs", ("VO", "STATE", "JOBS"), rows))
    for note in view.notes:
        console.print(f"still waiting, queue {note}", highlight=False)
    used = f"{bill.used / bill.paid:.0%}" if bill.paid else "nothing"
    console.print(f"VMs started: {bill.vms}, all of them gone again")
    console.print(f"core-hours: {bill.paid:.3f} paid, {bill.used:.3f} used by jobs ({used})")
    console.print(f"submission to first payload: {first:.1f} s; the whole run: {seconds:.0f} s")
    job = next((job.id for job in view.jobs if job.state is JobState.DONE), 1)
    vmdirac = f"{_program()} --home {_short(ctx.home.root)}"
    console.print("\nWhat to type next:")
    for line in (f"job output {job} --print", f"why {job}", "vm list --all", "batch list --all", "up"):
        console.print(f"  {vmdirac} {line}", highlight=False)


def _program() -> str:
    """Return what a person types to run this very program."""
    beside = Path(sys.executable).parent / "vmdirac"
    found = shutil.which("vmdirac")
    return "vmdirac" if found and Path(found).samefile(beside) else str(_short(beside))


def _short(path: Path) -> Path:
    """Return a path relative to where we are, when it lies below."""
    return path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path
