"""The worker's messages, read strictly: exactly the fields of `worker.wire`, of exactly their types."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar

from fastapi import Request
from pydantic import ConfigDict, TypeAdapter, ValidationError

from vmdirac_py.worker import wire

from .errors import Misworded

STRICT = ConfigDict(strict=True, extra="forbid", allow_inf_nan=False)
NUL = b"\\u0000"  # PostgreSQL keeps no text with it, and no message needs it

T = TypeVar("T")

_KINDS = (wire.Enrol, wire.Renew, wire.Beat, wire.Ack, wire.MatchAsk, wire.CredentialAsk, wire.Report, wire.Leave)
_READERS: Mapping[Any, TypeAdapter[Any]] = {kind: TypeAdapter(kind, config=STRICT) for kind in _KINDS}


async def read(request: Request, kind: type[T]) -> T:
    """Return the body of a request as a message.

    Raises:
        Misworded: it is not JSON, or a field is missing, unknown or of a wrong type; names the field.
    """
    return parse(await request.body(), kind)


def parse(body: bytes, kind: type[T]) -> T:
    """Return `body` as a message of this kind. Raises Misworded."""
    if NUL in body:
        raise Misworded("a text with a NUL character", where=kind.__name__, mend="send text without NUL")
    try:
        message: T = _READERS[kind].validate_json(body)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        field = ".".join([kind.__name__, *map(str, first["loc"])])
        raise Misworded(first["msg"], where=field, mend="see vmdirac_py/worker/wire.py") from None
    return message


def plain(message: Any) -> Any:
    """Return a message as JSON takes it: tuples with names become objects."""
    if isinstance(message, tuple) and hasattr(message, "_asdict"):
        return {name: plain(value) for name, value in message._asdict().items()}
    return [plain(value) for value in message] if isinstance(message, list) else message
