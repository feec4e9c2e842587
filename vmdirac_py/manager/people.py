"""The application people and their monitoring talk to: is the manager well?"""

from __future__ import annotations

from http import HTTPStatus

from anyio import to_thread
from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse
from starlette.types import ASGIApp

import vmdirac_py
from vmdirac_py.base.log import logger
from vmdirac_py.operations.api import Context

from . import errors
from .limits import BodyLimits

MAX_BODY = 1_000_000  # bytes

log = logger("manager")


def build(ctx: Context) -> ASGIApp:
    """Return the application for people, its bodies bounded."""
    app = FastAPI(openapi_url=None)
    app.state.ctx = ctx
    app.add_api_route("/health", health, methods=["GET"])
    errors.install(app)
    return BodyLimits(app, lambda _scope: MAX_BODY)


async def health(request: Request) -> JSONResponse:
    """Tell version, whether the ledger answers, and the age (seconds) of the newest plan that was kept, if any."""
    ctx: Context = request.app.state.ctx
    try:
        age = await to_thread.run_sync(_plan_age, ctx)
    except Exception:  # whatever a database throws, the answer is the same
        log.warning("the ledger cannot be reached", exc_info=True)
        body = {"ok": False, "version": vmdirac_py.__version__, "ledger": "unreachable", "plan_age": None}
        return JSONResponse(body, HTTPStatus.SERVICE_UNAVAILABLE)
    return JSONResponse({"ok": True, "version": vmdirac_py.__version__, "ledger": "reachable", "plan_age": age})


def _plan_age(ctx: Context) -> float | None:
    with ctx.ledger.read() as tx:
        newest = tx.plans.latest()
    return max(0.0, ctx.clock.now() - newest[1].at) if newest else None
