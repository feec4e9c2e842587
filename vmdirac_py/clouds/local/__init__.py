"""The embedded cloud: VMs as namespaces of this machine, so that everything runs without a cloud.

The driver (`connect`, `problems`) is a thin client of a server (`python -m vmdirac_py.clouds.local`), which
`start_server` and `stop_server` control.
"""

from __future__ import annotations

from pathlib import Path

from vmdirac_py.clouds.api import UNBOUNDED, Resolve
from vmdirac_py.model.inventory import Endpoint

from .control import set_faults, start_server, stop_server
from .driver import LocalEndpoint
from .options import problems, state_of, warnings

__all__ = [
    "LISTS_AT_MOST",
    "LocalEndpoint",
    "connect",
    "problems",
    "set_faults",
    "start_server",
    "state_of",
    "stop_server",
    "warnings",
]

LISTS_AT_MOST = UNBOUNDED


def connect(endpoint: Endpoint, *, installation_id: str, resolve: Resolve, home: Path) -> LocalEndpoint:
    """Make the driver of an endpoint; it needs no secret, the socket's file rights are the gate."""
    del resolve
    state = state_of(endpoint, home)
    return LocalEndpoint(endpoint.name, state, installation=installation_id, timeout=endpoint.client_timeout)
