"""The paths of `worker.wire` that are about jobs: match, report, sandboxes."""

from __future__ import annotations

from fastapi import APIRouter, Request
from fastapi.responses import FileResponse, JSONResponse

from vmdirac_py.base.errors import UnknownThing
from vmdirac_py.operations import job_credentials, work
from vmdirac_py.queues.api import Match
from vmdirac_py.worker import wire

from .messages import read
from .office import answer, office_of, take_in

JOB_DIGITS = 18
MB_OF_GB = 1000

job_routes = APIRouter()


@job_routes.post("/match")
async def match(request: Request) -> JSONResponse:
    """Give a VM a job, or none."""
    office = office_of(request)
    caller = office.caller(request)
    asked = (await read(request, wire.MatchAsk))._asdict()
    wishes = asked.pop("wishes")
    found = await office.ask(caller, work.match, work.Claim(**asked), wishes)
    return answer(wire.MatchAnswer(_work(found) if found else None))


@job_routes.post("/report")
async def report(request: Request) -> JSONResponse:
    """Take in what became of a job."""
    office = office_of(request)
    caller = office.caller(request)
    told = (await read(request, wire.Report))._asdict()
    await office.ask(caller, work.report, told.pop("job"), told.pop("attempt"), work.Told(**told))
    return JSONResponse({})


@job_routes.post("/credential")
async def credential(request: Request) -> JSONResponse:
    """Hand over the credential of a job's owner, to the VM that has the job alone."""
    office = office_of(request)
    caller = office.caller(request)
    asked = await read(request, wire.CredentialAsk)
    owned = await office.ask(caller, job_credentials.hand_over, asked.job, asked.attempt)
    if asked.version == owned.version:
        return answer(wire.Credential(owned.version, "", ""))
    return answer(wire.Credential(owned.version, owned.proxy, owned.token))


@job_routes.get("/sandbox/{job}")
async def sandbox(request: Request, job: str) -> FileResponse:
    """Hand over the input sandbox of a job."""
    office = office_of(request)
    path = await office.ask(office.caller(request), work.input_sandbox, _job_id(job))
    return FileResponse(path, media_type="application/gzip")


@job_routes.put("/output/{job}")
async def output(request: Request, job: str) -> JSONResponse:
    """Take in the output of a job, piece by piece."""
    office = office_of(request)
    incoming = await office.ask(office.caller(request), work.store_output, _job_id(job))
    with incoming:
        await take_in(office, request, incoming)
        return JSONResponse({"blob": await office.run(incoming.keep)})


def _work(found: Match) -> wire.Work:
    job, payload = found.job, found.job.spec.payload
    return wire.Work(
        job=job.id,
        attempt=job.attempt,
        cores=found.cores,
        executable=payload.executable,
        arguments=payload.arguments,
        stdout=payload.stdout,
        stderr=payload.stderr,
        input_sandbox=bool(payload.input_sandbox),
        output_sandbox=list(payload.output_sandbox),
        environment=dict(payload.environment),
        cpu_seconds=found.most_seconds,
        ram_mb=job.spec.shape.ram_mb,
        gpus=job.spec.shape.gpus,
        disk_mb=job.spec.shape.disk_gb * MB_OF_GB,
        image=payload.image,
        credential=payload.credential,
    )


def _job_id(text: str) -> int:
    if not text.isascii() or not text.isdigit() or len(text) > JOB_DIGITS:
        raise UnknownThing("no such job", where=text[:JOB_DIGITS])
    return int(text)
