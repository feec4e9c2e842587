"""TLS for both listeners, and the peer's certificate handed to the application.

The clock of the handshake is not used for client certificates: a connection outlives its handshake, so validity is
judged on every request, by one clock, in `identity.peer`.
"""

from __future__ import annotations

import asyncio
import ssl
from pathlib import Path
from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from vmdirac_py.base.errors import BadInput
from vmdirac_py.credentials.signing import VmIdentity, vm_identity

NO_CHECK_TIME = 0x200000  # X509_V_FLAG_NO_CHECK_TIME of OpenSSL, which the ssl module does not name
HEAD_SECONDS = 30.0  # a connection that has not sent the head of a request by then is closed


def server_context(certificate: Path, key: Path) -> ssl.SSLContext:
    """Return a TLS 1.3 context that asks nobody for a certificate."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    context.load_cert_chain(certificate, key)
    return context


def mutual_context(certificate: Path, key: Path, *, authority: str) -> ssl.SSLContext:
    """Return a TLS 1.3 context that takes client certificates of `authority` (PEM) alone, and clients without."""
    context = server_context(certificate, key)
    context.verify_mode = ssl.CERT_OPTIONAL
    context.verify_flags |= NO_CHECK_TIME
    context.load_verify_locations(cadata=authority)
    return context


class PeerProtocol(HttpToolsProtocol):
    """HTTP/1.1 that tells the application who is at the other end, and waits for no head for ever.

    `request.state.peer` is a `VmIdentity`, or None where the client showed no certificate of a VM.
    """

    _patience: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn's own
        """Take the peer's certificate from the TLS object, once a connection."""
        super().connection_made(transport)
        self.app_state = {**self.app_state, "peer": _peer_of(transport)}
        self._wait()

    def on_message_begin(self) -> None:
        """Start to wait for the head of the next request."""
        super().on_message_begin()
        self._wait()

    def on_headers_complete(self) -> None:
        """Stop waiting: the head is there."""
        self._stop_waiting()
        super().on_headers_complete()

    def connection_lost(self, exc: Exception | None) -> None:
        """Stop waiting: nobody is there."""
        self._stop_waiting()
        super().connection_lost(exc)

    def shutdown(self) -> None:
        """End at once where no request is in flight: a resting client does not answer a polite TLS farewell."""
        super().shutdown()
        if self.cycle is None or self.cycle.response_complete:
            self.transport.abort()

    def _wait(self) -> None:
        if self._patience is None:
            self._patience = self.loop.call_later(HEAD_SECONDS, self.transport.close)

    def _stop_waiting(self) -> None:
        if self._patience is not None:
            self._patience.cancel()
            self._patience = None


def _peer_of(transport: asyncio.Transport) -> VmIdentity | None:
    tls: Any = transport.get_extra_info("ssl_object")
    der: bytes | None = tls.getpeercert(binary_form=True) if tls else None
    try:
        return vm_identity(der) if der else None
    except BadInput:
        return None
