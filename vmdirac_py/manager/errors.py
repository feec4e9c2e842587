"""Errors as answers: a status for each branch of the tree, and JSON that says what, where and how to mend it.

Unauthenticated(NotAllowed)     401    no certificate, or one that no longer holds
TooBig(BadInput)                413    the body is bigger than its path allows
TooSlow(BadInput)               408    the body stopped coming
Misworded(BadInput)             422    the message is not as `worker.wire` draws it
"""

from __future__ import annotations

from http import HTTPStatus

from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse, Response
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect
from starlette.types import Scope

from vmdirac_py.base.errors import BadInput, Conflict, NotAllowed, TryAgain, UnknownThing, Unusable, VmdiracError
from vmdirac_py.base.log import logger
from vmdirac_py.operations.callers import VmGone

log = logger("manager")


class Unauthenticated(NotAllowed):
    """No certificate, or one that no longer holds."""


class TooBig(BadInput):
    """The body is bigger than its path allows."""


class TooSlow(BadInput):
    """The body stopped coming."""


class Misworded(BadInput):
    """The message is not as the wire format draws it."""


# The first class that fits gives the status: children stand before their parents.
STATUS: tuple[tuple[type[VmdiracError], HTTPStatus], ...] = (
    (Unauthenticated, HTTPStatus.UNAUTHORIZED),
    (VmGone, HTTPStatus.GONE),
    (NotAllowed, HTTPStatus.FORBIDDEN),
    (UnknownThing, HTTPStatus.NOT_FOUND),
    (TooBig, HTTPStatus.REQUEST_ENTITY_TOO_LARGE),
    (TooSlow, HTTPStatus.REQUEST_TIMEOUT),
    (Misworded, HTTPStatus.UNPROCESSABLE_ENTITY),
    (BadInput, HTTPStatus.BAD_REQUEST),
    (TryAgain, HTTPStatus.SERVICE_UNAVAILABLE),  # a worker keeps its report and repeats it
    (Conflict, HTTPStatus.CONFLICT),
    (Unusable, HTTPStatus.SERVICE_UNAVAILABLE),
    (VmdiracError, HTTPStatus.INTERNAL_SERVER_ERROR),
)
# After these the rest of a body may still be on its way: the connection is of no more use.
CLOSING = frozenset({HTTPStatus.REQUEST_ENTITY_TOO_LARGE, HTTPStatus.REQUEST_TIMEOUT})


def status_of(error: VmdiracError) -> HTTPStatus:
    """Return the HTTP status of an error."""
    return next(status for kind, status in STATUS if isinstance(error, kind))


def answer(error: VmdiracError) -> JSONResponse:
    """Return an error as an answer."""
    status = status_of(error)
    headers = {"connection": "close"} if status in CLOSING else None
    return JSONResponse({"what": error.what, "where": error.where, "mend": error.mend}, status, headers)


def tell(scope: Scope, status: int, why: object) -> None:
    """Log a refused request: one line, and never its body."""
    who = getattr(scope.get("state", {}).get("peer"), "vm", None)
    known = {"vm": who} if who else {}
    log.info("refused", status=int(status), method=scope["method"], path=scope["path"], why=str(why), **known)


def install(app: FastAPI) -> None:
    """Make an application answer every error in this form."""
    app.add_exception_handler(VmdiracError, _known)
    app.add_exception_handler(HTTPException, _of_the_framework)
    app.add_exception_handler(ClientDisconnect, _hung_up)
    app.add_exception_handler(Exception, _unknown)


async def _known(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, VmdiracError)
    response = answer(error)
    tell(request.scope, response.status_code, error)
    return response


async def _of_the_framework(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, HTTPException)
    tell(request.scope, error.status_code, error.detail)
    return JSONResponse({"what": error.detail, "where": request.url.path, "mend": ""}, error.status_code, error.headers)


async def _hung_up(request: Request, _error: Exception) -> Response:
    tell(request.scope, HTTPStatus.BAD_REQUEST, "hung up before its body was complete")
    return Response(status_code=HTTPStatus.BAD_REQUEST)  # nobody reads it


async def _unknown(request: Request, error: Exception) -> JSONResponse:
    log.error("failed", method=request.method, path=request.url.path, exc_info=error)
    body = {"what": "the manager failed on this request", "where": request.url.path, "mend": "its log says why"}
    return JSONResponse(body, HTTPStatus.INTERNAL_SERVER_ERROR)
