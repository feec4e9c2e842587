"""`vmdirac job ...`: submit, watch, fetch output, kill, reschedule."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from vmdirac_py.base.errors import BadInput, UnknownThing

from .common import Json, actor, opened
from .output import clock_time, console, errors, print_json, span, table

if TYPE_CHECKING:
    from vmdirac_py.model.job import JobState, Used

app = typer.Typer(no_args_is_help=True, help="Jobs of the embedded queue.")
Ids = Annotated[list[int], typer.Argument(help="Job ids.")]


@app.command()
def submit(
    files: Annotated[list[Path], typer.Argument(help="JDL files; - reads one from standard input.")],
    vo: Annotated[str, typer.Option(help="The VO, if the JDL does not say.")] = "",
    group: Annotated[str, typer.Option(help="The DIRAC group, if the JDL does not say.")] = "",
    owner: Annotated[str, typer.Option(help="The owner [default: you].")] = "",
    count: Annotated[int, typer.Option("--count", "-n", help="How many copies of each.")] = 1,
    credential: Annotated[
        Path | None, typer.Option(help="The owner's proxy or token, a file; travels with the payloads.")
    ] = None,
    json: Json = False,
) -> None:
    """Submit the jobs of JDL files: all of them, or none when one is wrong."""
    from vmdirac_py.credentials.owners import read_file
    from vmdirac_py.operations import jobs

    sources = [jobs.Source(_read(path), _folder(path), str(path)) for path in files]
    submitter = jobs.Submitter(actor(), owner, group, vo, _warn, read_file(credential) if credential else None)
    with opened() as ctx:
        submitted = jobs.submit_all(ctx, sources, submitter, count=count)
    if json:
        print_json([{"id": job.id, "vo": job.spec.vo, "name": job.spec.name} for job in submitted])
    else:
        for job in submitted:
            console.print(f"job {job.id} submitted: {job.spec.name} ({job.spec.vo})")


def _folder(path: Path) -> Path | None:
    return None if str(path) == "-" else path.resolve().parent


def _warn(text: str) -> None:
    errors.print(f"warning: {text}", highlight=False, markup=False)


def _read(path: Path) -> str:
    try:
        return sys.stdin.read() if str(path) == "-" else path.read_text()
    except OSError as error:
        raise UnknownThing(f"cannot be read: {error.strerror}", where=str(path)) from error
    except UnicodeDecodeError as error:
        raise BadInput("not a text in UTF-8", where=str(path), mend="name JDL files") from error


def _states(name: str) -> list[JobState]:
    from vmdirac_py.model.job import JobState

    if name and name not in list(JobState):
        raise BadInput(f"no job is ever {name!r}", where="--state", mend="one of " + ", ".join(JobState))
    return [JobState(name)] if name else []


@app.command("list")
def list_jobs(
    vo: Annotated[str, typer.Option(help="Only this VO's.")] = "",
    state: Annotated[str, typer.Option(help="Only in this state.")] = "",
    limit: Annotated[int, typer.Option(help="At most so many, newest first.")] = 200,
    json: Json = False,
) -> None:
    """List jobs."""
    states = _states(state)
    with opened() as ctx, ctx.ledger.read() as tx:
        jobs = tx.jobs.find(states=states, vo=vo, limit=limit)
    if json:
        print_json(jobs)
        return
    rows = [
        (j.id, j.spec.vo, j.spec.name, j.state, j.cores or None, j.vm, clock_time(j.submitted_at), j.minor)
        for j in jobs
    ]
    console.print(table("", ("ID", "VO", "NAME", "STATE", "CORES", "VM", "SUBMITTED", "DETAIL"), rows))


@app.command()
def show(job_id: Annotated[int, typer.Argument(help="A job's id.")], json: Json = False) -> None:
    """Show one job, what it used, and its history."""
    with opened() as ctx, ctx.ledger.read() as tx:
        job = tx.jobs.get(job_id)
        if job is None:
            raise UnknownThing("no such job", where=str(job_id), mend="see `vmdirac job list`")
        history = tx.jobs.history(job_id)
    if json:
        print_json({"job": job, "history": history})
        return
    console.print(f"job {job.id} {job.spec.name} of {job.spec.owner} ({job.spec.vo}): {job.state} {job.minor}")
    if job.started_at and job.ended_at:
        console.print(
            f"ran {span(job.ended_at - job.started_at)} on {job.cores} cores of {job.vm}, exit {job.exit_code}"
        )
    if used := _used(job.used):
        console.print(f"used {used}")
    rows = [(clock_time(at), state, vm, minor) for at, state, vm, minor in history]
    console.print(table("", ("AT", "STATE", "VM", "DETAIL"), rows))


def _used(used: Used) -> str:
    cpu = f"{span(used.cpu_seconds)} of CPU" if used.cpu_seconds else ""
    memory = f"at most {used.peak_ram_mb} MiB of memory" if used.peak_ram_mb else ""
    return " and ".join(filter(None, [cpu, memory]))


@app.command()
def output(
    job_id: Annotated[int, typer.Argument(help="A job's id.")],
    folder: Annotated[Path | None, typer.Option("--folder", "-o", help="Where to put it [default: ./job-ID].")] = None,
    show_text: Annotated[bool, typer.Option("--print", "-p", help="Print the job's standard output instead.")] = False,
) -> None:
    """Fetch a job's output: standard output and error, and its output sandbox."""
    from vmdirac_py.operations import outputs

    with opened() as ctx:
        if show_text:
            sys.stdout.writelines(outputs.standard_output(ctx, job_id))
            return
        target = folder or Path(f"job-{job_id}")
        names = outputs.fetch(ctx, job_id, target)
    console.print(f"{target}: {', '.join(names)}")


@app.command()
def kill(ids: Ids) -> None:
    """Kill jobs; running payloads are stopped at their VM's next heartbeat."""
    from vmdirac_py.operations import jobs

    with opened() as ctx:
        killed = jobs.kill(ctx, ids, actor=actor())
    console.print(f"killed: {', '.join(map(str, killed)) or 'none (all had ended)'}")


@app.command()
def reschedule(ids: Ids) -> None:
    """Let Failed or Killed jobs run again."""
    from vmdirac_py.operations import jobs

    with opened() as ctx:
        done = jobs.reschedule(ctx, ids, actor=actor())
    console.print(f"waiting again: {', '.join(map(str, done))}")


@app.command()
def credential(
    job_id: Annotated[int, typer.Argument(help="A job's id.")],
    file: Annotated[Path, typer.Argument(help="The new proxy or token.")],
) -> None:
    """Renew the credential of a job that was submitted with one; a running payload gets it soon."""
    from vmdirac_py.credentials.owners import read_file
    from vmdirac_py.operations import job_credentials

    owned = read_file(file)
    with opened() as ctx:
        job_credentials.replace(ctx, job_id, owned, actor=actor())
    console.print(f"job {job_id} has a new credential")
