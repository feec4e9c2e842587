"""Requests whose whole answers come within their time, or not at all."""

from __future__ import annotations

import io
import time
from typing import Any

import requests
from requests.adapters import HTTPAdapter
from urllib3.exceptions import HTTPError, ReadTimeoutError

PIECE = 1 << 16


class Bounded(HTTPAdapter):
    """Carries requests; the read timeout of one is the time for all of its answer.

    The timeout of `requests` itself starts anew with every byte that drips in.
    """

    def send(
        self,
        request: Any,
        stream: Any = False,  # noqa: FBT002 - as `requests` has it
        timeout: Any = None,
        *args: Any,
        **rest: Any,
    ) -> requests.Response:
        """Make a request. Raises what `requests` raises."""
        del stream  # all of the answer is read here
        longest = timeout[1] if isinstance(timeout, tuple) else timeout
        until = time.monotonic() + longest
        reply = super().send(request, True, timeout, *args, **rest)
        try:
            reply.raw = io.BytesIO(_whole(reply.raw, until))
        except requests.RequestException:
            reply.close()
            raise
        return reply


def _whole(raw: Any, until: float) -> bytes:
    pieces = []
    try:
        while piece := raw.read1(PIECE, decode_content=True):
            pieces.append(piece)
            if time.monotonic() > until:
                raise requests.ReadTimeout("no whole answer in time")
    except ReadTimeoutError as error:
        raise requests.ReadTimeout(error) from error
    except HTTPError as error:
        raise requests.exceptions.ChunkedEncodingError(error) from error
    return b"".join(pieces)
