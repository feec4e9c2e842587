"""Free ports on loopback that no outgoing connection will take before their server does."""

from __future__ import annotations

import contextlib
import random
import socket
from collections.abc import Iterator, Sequence
from pathlib import Path

from .errors import Cannot

LOWEST = 10_000
EPHEMERAL = Path("/proc/sys/net/ipv4/ip_local_port_range")


def free(servers: Sequence[str]) -> dict[str, int]:
    """Return a free port for each server.

    They lie below the range the kernel takes outgoing ports from: there the many connections that the servers
    make themselves could sit on a port before its server listens.
    """
    below = int(EPHEMERAL.read_text().split()[0])
    candidates = list(range(LOWEST, max(below, LOWEST + 5_000)))
    random.shuffle(candidates)
    found = [port for port, _ in zip(_those_free(candidates), servers, strict=False)]
    if len(found) < len(servers):
        raise Cannot(f"fewer than {len(servers)} free ports between {LOWEST} and {below}")
    return dict(zip(servers, found, strict=True))


def _those_free(candidates: list[int]) -> Iterator[int]:
    for port in candidates:
        with contextlib.suppress(OSError), socket.socket() as tried:
            tried.bind(("127.0.0.1", port))
            yield port


def listens(port: int) -> bool:
    """Say whether somebody accepts connections on this port."""
    with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
        return True
    return False
