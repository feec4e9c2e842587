"""What Nova says of servers, as values of ours."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from vmdirac_py.clouds.api import CloudLimits, Instance
from vmdirac_py.clouds.marks import from_labels

from .errors import class_of_fault

TERMINAL = frozenset({"DELETED", "SOFT_DELETED"})
ERROR = "ERROR"
UNLIMITED = -1


def instance_of(server: Mapping[str, Any]) -> Instance | None:
    """Return a server as an instance; None where it does not bear a mark of this project.

    Raises:
        KeyError, TypeError, ValueError: this is no server in full.
    """
    mark = from_labels(server["metadata"])
    if mark is None:
        return None
    state = str(server["status"])
    fault = _fault(server) if state == ERROR else ""
    return Instance(
        id=str(server["id"]),
        mark=mark,
        state=state,
        terminal=state in TERMINAL,
        address=_address(server.get("addresses") or {}),
        created_at=datetime.fromisoformat(server["created"]).timestamp(),
        fault=fault,
        error_class=class_of_fault(fault) if state == ERROR else None,
    )


def limits_of(body: Mapping[str, Any]) -> CloudLimits:
    """Return what `GET /limits` tells of the project, whoever uses it.

    Raises:
        KeyError, TypeError, ValueError: it does not tell.
    """
    told = body["limits"]["absolute"]
    return CloudLimits(
        max_vms=_limit(told["maxTotalInstances"]),
        max_cores=_limit(told["maxTotalCores"]),
        used_vms=int(told["totalInstancesUsed"]),
        used_cores=int(told["totalCoresUsed"]),
    )


def _limit(value: Any) -> int | None:
    return None if int(value) == UNLIMITED else int(value)


def _fault(server: Mapping[str, Any]) -> str:
    fault = server.get("fault") or {}
    return str(fault.get("message", "")).strip() or "ERROR without a fault"


def _address(networks: Mapping[str, Any]) -> str:
    """Return one address: a floating one before a fixed one, IPv4 before IPv6."""
    found = [entry for entries in networks.values() for entry in entries]
    found.sort(key=lambda entry: (entry.get("OS-EXT-IPS:type") != "floating", entry.get("version") != 4))  # noqa: PLR2004 - IP's
    return str(found[0]["addr"]) if found else ""
