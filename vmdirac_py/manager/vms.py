"""The application VMs talk to: the paths of `worker.wire`, each a thin caller of one verb.

Handlers are async and short; whatever touches the ledger or the disk runs in a few threads. Only enrolment and the
bundle go without a certificate.
"""

from __future__ import annotations

import string
from collections.abc import Callable
from functools import partial
from typing import Any, Concatenate, ParamSpec, TypeVar

from anyio import CapacityLimiter, to_thread
from fastapi import APIRouter, FastAPI, Request
from fastapi.responses import FileResponse, JSONResponse
from starlette.types import ASGIApp, Scope

from vmdirac_py.base.blobs import Incoming
from vmdirac_py.base.errors import UnknownThing
from vmdirac_py.ledger.api import Heartbeat
from vmdirac_py.operations import enrolment, presence, work
from vmdirac_py.operations.api import Context
from vmdirac_py.queues.api import Match
from vmdirac_py.worker import wire

from . import errors
from .beats import Beats
from .identity import Peer, admit, peer
from .limits import BodyLimits
from .messages import plain, read

THREADS = 8  # the ledger takes one writer at a time; more threads would only wait for it
PIECE = 1_000_000  # bytes gathered before an output is written on
OUTPUT = f"/vm/v{wire.VERSION}/output/"
JOB_DIGITS = 18
NAME_LENGTH = 64  # of a SHA-256 in hex

P = ParamSpec("P")
T = TypeVar("T")

vm_routes = APIRouter(prefix=f"/vm/v{wire.VERSION}")
file_routes = APIRouter()


class Office:
    """What the handlers share: the context, the waiting heartbeats, and the threads for blocking work."""

    def __init__(self, ctx: Context, beats: Beats) -> None:
        self.ctx = ctx
        self.beats = beats
        self._threads = CapacityLimiter(THREADS)

    def caller(self, request: Request) -> Peer:
        """Return who is calling. Raises Unauthenticated."""
        return peer(request, at=self.ctx.clock.now())

    async def run(self, call: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Run something that blocks in a thread."""
        return await to_thread.run_sync(partial(call, *args, **kwargs), limiter=self._threads)

    async def ask(
        self, caller: Peer, verb: Callable[Concatenate[Context, str, P], T], *args: P.args, **kwargs: P.kwargs
    ) -> T:
        """Run a verb for a VM, once the ledger admits it."""

        def admitted() -> T:
            admit(self.ctx, caller)
            return verb(self.ctx, caller.vm, *args, **kwargs)

        return await self.run(admitted)


def build(ctx: Context, beats: Beats) -> ASGIApp:
    """Return the application for VMs, its bodies bounded."""
    app = FastAPI(openapi_url=None)
    app.state.office = Office(ctx, beats)
    app.include_router(vm_routes)
    app.include_router(file_routes)
    errors.install(app)
    return BodyLimits(app, body_limit)


def body_limit(scope: Scope) -> int:
    """Return how many bytes the body of a request may have."""
    return wire.MAX_OUTPUT if scope["method"] == "PUT" and scope["path"].startswith(OUTPUT) else wire.MAX_BODY


@vm_routes.post("/enrol")
async def enrol(request: Request) -> JSONResponse:
    """Give a VM its certificate, for a token."""
    office, message = _office(request), await read(request, wire.Enrol)
    address = request.client.host if request.client else ""
    outcome = await office.run(enrolment.enrol, office.ctx, **message._asdict(), address=address)
    if isinstance(outcome, enrolment.RetryAfter):
        return _answer(wire.RetryAfter(outcome.seconds), status=202)
    return _answer(_enrolled(outcome))


@vm_routes.post("/renew")
async def renew(request: Request) -> JSONResponse:
    """Give a VM its next certificate."""
    office = _office(request)
    caller = office.caller(request)
    message = await read(request, wire.Renew)
    return _answer(_enrolled(await office.ask(caller, enrolment.renew, message.csr)))


@vm_routes.post("/heartbeat")
async def heartbeat(request: Request) -> JSONResponse:
    """Answer a sign of life with orders; it reaches the ledger with the next flush."""
    office = _office(request)
    caller = office.caller(request)
    beat = plain(await read(request, wire.Beat))
    answer = await office.ask(caller, presence.heartbeat, beat)
    office.beats.note(Heartbeat(caller.vm, office.ctx.clock.now(), beat))
    orders = [wire.Order(order.id, order.verb, order.deadline) for order in answer.orders]
    return _answer(wire.Orders(orders, answer.heartbeat_seconds, answer.idle_seconds))


@vm_routes.post("/acknowledge")
async def acknowledge(request: Request) -> JSONResponse:
    """Note that an order is obeyed."""
    office = _office(request)
    caller = office.caller(request)
    message = await read(request, wire.Ack)
    await office.ask(caller, presence.acknowledge, message.verb, empty=message.empty)
    return JSONResponse({})


@vm_routes.post("/leave")
async def leave(request: Request) -> JSONResponse:
    """Tell a VM whether it may power off."""
    office = _office(request)
    caller = office.caller(request)
    message = await read(request, wire.Leave)
    return _answer(wire.Leaving(go=await office.ask(caller, presence.leave, message.reason, message.detail)))


@vm_routes.post("/match")
async def match(request: Request) -> JSONResponse:
    """Give a VM a job, or none."""
    office = _office(request)
    caller = office.caller(request)
    asked = (await read(request, wire.MatchAsk))._asdict()
    wishes = asked.pop("wishes")
    found = await office.ask(caller, work.match, work.Claim(**asked), wishes)
    return _answer(wire.MatchAnswer(_work(found) if found else None))


@vm_routes.post("/report")
async def report(request: Request) -> JSONResponse:
    """Take in what became of a job."""
    office = _office(request)
    caller = office.caller(request)
    told = (await read(request, wire.Report))._asdict()
    await office.ask(caller, work.report, told.pop("job"), told.pop("attempt"), **told)
    return JSONResponse({})


@vm_routes.get("/sandbox/{job}")
async def sandbox(request: Request, job: str) -> FileResponse:
    """Hand over the input sandbox of a job."""
    office = _office(request)
    path = await office.ask(office.caller(request), work.input_sandbox, _job_id(job))
    return FileResponse(path, media_type="application/gzip")


@vm_routes.put("/output/{job}")
async def output(request: Request, job: str) -> JSONResponse:
    """Take in the output of a job, piece by piece."""
    office = _office(request)
    incoming = await office.ask(office.caller(request), work.store_output, _job_id(job))
    with incoming:
        return JSONResponse({"blob": await _take_in(office, request, incoming)})


@file_routes.get("/static/{name}")
async def static(request: Request, name: str) -> FileResponse:
    """Hand over a bundle by its hash."""
    path = _office(request).ctx.home.static / name
    if len(name) != NAME_LENGTH or not set(name) <= set(string.hexdigits) or not path.is_file():
        raise UnknownThing("no such file", where=name[:NAME_LENGTH])
    return FileResponse(path, media_type="application/octet-stream")


async def _take_in(office: Office, request: Request, incoming: Incoming) -> str:
    gathered = bytearray()
    async for piece in request.stream():
        gathered += piece
        if len(gathered) >= PIECE:
            await office.run(incoming.write, bytes(gathered))
            gathered.clear()
    await office.run(incoming.write, bytes(gathered))
    return await office.run(incoming.keep)


def _office(request: Request) -> Office:
    office: Office = request.app.state.office
    return office


def _answer(message: Any, *, status: int = 200) -> JSONResponse:
    return JSONResponse(plain(message), status)


def _enrolled(done: enrolment.Enrolled) -> wire.Enrolled:
    signed = done.certificate
    return wire.Enrolled(done.vm, done.vo, signed.pem, signed.renew_at, signed.not_after)


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
        cpu_seconds=job.spec.shape.cpu_seconds,
    )


def _job_id(text: str) -> int:
    if not text.isascii() or not text.isdigit() or len(text) > JOB_DIGITS:
        raise UnknownThing("no such job", where=text[:JOB_DIGITS])
    return int(text)
