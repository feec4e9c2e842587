"""Something payloads wait for."""

from __future__ import annotations

import contextlib
import socket
import threading
from typing import Self


class Gate:
    """A port of this machine, which payloads can reach, and behind which they wait until it is opened.

    Only its word lets them pass: a connection alone proves nothing, a socket may even connect to itself.
    """

    def __init__(self) -> None:
        self._socket = socket.socket()
        self._socket.bind(("127.0.0.1", 0))
        port = self._socket.getsockname()[1]
        ask = f"exec 3<>/dev/tcp/127.0.0.1/{port} && head -n 1 <&3"
        self.wait = f'until [ "$(timeout 2 bash -c "{ask}" 2>/dev/null)" = open ]; do sleep 0.2; done'
        """What a payload says to wait here."""

    def open(self) -> None:
        """Let all payloads pass, now and later."""
        self._socket.listen(64)
        threading.Thread(target=self._greet, daemon=True).start()

    def _greet(self) -> None:
        with contextlib.suppress(OSError):  # closed: nobody waits any more
            while True:
                guest, _ = self._socket.accept()
                with guest, contextlib.suppress(OSError):
                    guest.sendall(b"open\n")

    def __enter__(self) -> Self:
        """Return the closed gate."""
        return self

    def __exit__(self, *_: object) -> None:
        """Give the port back."""
        self._socket.close()
