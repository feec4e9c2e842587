"""The worker's messages, read strictly: the fields of `worker.wire`, of exactly their types.

Fields nobody here knows are left out: a VM may be newer than its manager. The people's API knows no such mercy.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any, TypeVar

from fastapi import Request
from pydantic import ConfigDict, TypeAdapter, ValidationError

from vmdirac_py.worker import wire

from .errors import Misworded

STRICT = ConfigDict(strict=True, allow_inf_nan=False)
_UNKNOWN = frozenset({"extra_forbidden", "unexpected_keyword_argument"})  # `extra` does not count for named tuples
NUL = b"\\u0000"  # PostgreSQL keeps no text with it, and no message needs it

T = TypeVar("T")

_KINDS = (wire.Enrol, wire.Renew, wire.Beat, wire.Ack, wire.MatchAsk, wire.CredentialAsk, wire.Report, wire.Leave)
_READERS: Mapping[Any, TypeAdapter[Any]] = {kind: TypeAdapter(kind, config=STRICT) for kind in _KINDS}


async def read(request: Request, kind: type[T]) -> T:
    """Return the body of a request as a message.

    Raises:
        Misworded: it is not JSON, or a field is missing or of a wrong type; names the field.
    """
    return parse(await request.body(), kind)


def parse(body: bytes, kind: type[T]) -> T:
    """Return `body` as a message of this kind. Raises Misworded."""
    if NUL in body:
        raise Misworded("a text with a NUL character", where=kind.__name__, mend="send text without NUL")
    try:
        return _read(body, kind)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        field = ".".join([kind.__name__, *map(str, first["loc"])])
        raise Misworded(first["msg"], where=field, mend="see vmdirac_py/worker/wire.py") from None


def _read(body: bytes, kind: type[T]) -> T:
    """Validate; a message with fields that are not known is read again without them (rare, so only then)."""
    message: T
    try:
        message = _READERS[kind].validate_json(body)
    except ValidationError as error:
        told = error.errors(include_url=False, include_input=False, include_context=False)
        if not (unknown := [one["loc"] for one in told if one["type"] in _UNKNOWN]):
            raise
        message = _READERS[kind].validate_json(_without(body, unknown))
    return message


def _without(body: bytes, unknown: Iterable[tuple[int | str, ...]]) -> bytes:
    """Return JSON without the fields at these places."""
    document = json.loads(body)
    for *path, name in unknown:
        parent = document
        for step in path:
            parent = parent[step]
        parent.pop(name, None)
    return json.dumps(document).encode()


def plain(message: Any) -> Any:
    """Return a message as JSON takes it: tuples with names become objects."""
    if isinstance(message, tuple) and hasattr(message, "_asdict"):
        return {name: plain(value) for name, value in message._asdict().items()}
    return [plain(value) for value in message] if isinstance(message, list) else message
