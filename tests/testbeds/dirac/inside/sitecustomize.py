"""Keeps the services on loopback: DIRAC has no option for the address they listen on."""

import socket
from typing import Any

EVERYWHERE = ("", "0.0.0.0", "::")
LOOPBACK = {socket.AF_INET: "127.0.0.1", socket.AF_INET6: "::ffff:127.0.0.1"}
_bind = socket.socket.bind


def bind(self: socket.socket, address: Any) -> None:
    """Bind to loopback where every interface was asked for."""
    if self.family in LOOPBACK and address[0] in EVERYWHERE:
        address = (LOOPBACK[self.family], *address[1:])
    _bind(self, address)


socket.socket.bind = bind
