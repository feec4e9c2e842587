"""The application VMs talk to: the paths of `worker.wire`, each a thin caller of one verb.

Handlers are async and short; whatever touches the ledger or the disk runs in a few threads. Only enrolment and the
bundle go without a certificate.
"""

from __future__ import annotations

import string

from fastapi import APIRouter, FastAPI, Request
from fastapi.responses import FileResponse, JSONResponse
from starlette.types import ASGIApp, Scope

from vmdirac_py.base.errors import UnknownThing
from vmdirac_py.ledger.api import Heartbeat
from vmdirac_py.operations import enrolment, presence, vm_logs
from vmdirac_py.operations.api import Context
from vmdirac_py.worker import wire

from . import errors
from .beats import Beats
from .limits import BodyLimits
from .messages import plain, read
from .office import Office, answer, office_of, take_in
from .vm_jobs import job_routes

PREFIX = f"/vm/v{wire.VERSION}"
OUTPUT, LOG = f"{PREFIX}/output/", f"{PREFIX}/log"
NAME_LENGTH = 64  # of a SHA-256 in hex

vm_routes = APIRouter()
file_routes = APIRouter()


def build(ctx: Context, beats: Beats) -> ASGIApp:
    """Return the application for VMs, its bodies bounded."""
    app = FastAPI(openapi_url=None)
    app.state.office = Office(ctx, beats)
    app.include_router(vm_routes, prefix=PREFIX)
    app.include_router(job_routes, prefix=PREFIX)
    app.include_router(file_routes)
    errors.install(app)
    return BodyLimits(app, body_limit)


def body_limit(scope: Scope) -> int:
    """Return how many bytes the body of a request may have."""
    if scope["method"] != "PUT":
        return wire.MAX_BODY
    limits = {OUTPUT: wire.MAX_OUTPUT, LOG: wire.MAX_LOG}
    return next((limit for start, limit in limits.items() if scope["path"].startswith(start)), wire.MAX_BODY)


@vm_routes.post("/enrol")
async def enrol(request: Request) -> JSONResponse:
    """Give a VM its certificate, for a token."""
    office, message = office_of(request), await read(request, wire.Enrol)
    address = request.client.host if request.client else ""
    outcome = await office.run(enrolment.enrol, office.ctx, **message._asdict(), address=address)
    if isinstance(outcome, enrolment.RetryAfter):
        return answer(wire.RetryAfter(outcome.seconds), status=202)
    return answer(_enrolled(outcome))


@vm_routes.post("/renew")
async def renew(request: Request) -> JSONResponse:
    """Give a VM its next certificate."""
    office = office_of(request)
    caller = office.caller(request)
    message = await read(request, wire.Renew)
    return answer(_enrolled(await office.ask(caller, enrolment.renew, message.csr)))


@vm_routes.post("/time")
async def time(request: Request) -> JSONResponse:
    """Tell a VM what time it is; asking is no sign of life: a VM asks before it is ready for jobs."""
    office = office_of(request)
    return answer(wire.Time(await office.ask(office.caller(request), presence.time)))


@vm_routes.post("/heartbeat")
async def heartbeat(request: Request) -> JSONResponse:
    """Answer a sign of life with orders; it reaches the ledger with the next flush."""
    office = office_of(request)
    caller = office.caller(request)
    beat = plain(await read(request, wire.Beat))
    told = await office.ask(caller, presence.heartbeat, beat)
    office.beats.note(Heartbeat(caller.vm, office.ctx.clock.now(), beat))
    orders = [wire.Order(order.id, order.verb, order.deadline) for order in told.orders]
    stops = dict(told.stop_policies)
    return answer(wire.Orders(orders, list(told.kill), told.heartbeat_seconds, told.idle_seconds, stops))


@vm_routes.post("/acknowledge")
async def acknowledge(request: Request) -> JSONResponse:
    """Note that an order is obeyed."""
    office = office_of(request)
    caller = office.caller(request)
    message = await read(request, wire.Ack)
    await office.ask(caller, presence.acknowledge, message.verb, empty=message.empty)
    return JSONResponse({})


@vm_routes.post("/leave")
async def leave(request: Request) -> JSONResponse:
    """Tell a VM whether it may power off."""
    office = office_of(request)
    caller = office.caller(request)
    message = await read(request, wire.Leave)
    return answer(wire.Leaving(go=await office.ask(caller, presence.leave, **message._asdict())))


@vm_routes.put("/log")
async def log(request: Request) -> JSONResponse:
    """Take in what a VM leaves behind."""
    office = office_of(request)
    incoming, path = await office.ask(office.caller(request), vm_logs.store)
    with incoming:
        await take_in(office, request, incoming)
        await office.run(incoming.keep_as, path)
    return JSONResponse({})


@file_routes.get("/static/{name}")
async def static(request: Request, name: str) -> FileResponse:
    """Hand over a bundle by its hash."""
    path = office_of(request).ctx.home.static / name
    if len(name) != NAME_LENGTH or not set(name) <= set(string.hexdigits) or not path.is_file():
        raise UnknownThing("no such file", where=name[:NAME_LENGTH])
    return FileResponse(path, media_type="application/octet-stream")


def _enrolled(done: enrolment.Enrolled) -> wire.Enrolled:
    signed = done.certificate
    return wire.Enrolled(
        done.vm, done.vo, signed.pem, signed.renew_at, signed.not_after, done.lived, done.dead_man_seconds
    )
