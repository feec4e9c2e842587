"""Instances as the EC2 API describes them, read into ours."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from vmdirac_py.clouds.api import Instance, Mark
from vmdirac_py.clouds.marks import from_labels

TERMINAL = "terminated"
HOLDING = ("pending", "running", "stopping", "shutting-down")
"""States in which an instance holds cores of the account's quota; one that is stopped holds its disk alone."""

TAKEN_AWAY = frozenset({"Server.SpotInstanceTermination", "Server.SpotInstanceShutdown", "Server.ScheduledStop"})
"""Reasons (StateReason) of an instance the cloud itself is ending."""

AS_ASKED = frozenset(
    {"Client.UserInitiatedShutdown", "Client.InstanceInitiatedShutdown", "Client.UserInitiatedHibernate"}
)
"""Reasons of an end that somebody asked for: no fault."""

NOTICES = (
    "marked-for-termination",
    "marked-for-stop",
    "instance-terminated-by-price",
    "instance-terminated-no-capacity",
    "instance-terminated-capacity-oversubscribed",
    "instance-terminated-by-service",
    "instance-stopped-by-price",
    "instance-stopped-no-capacity",
)
"""Status codes of a spot request whose instance is or will be interrupted."""


def labels_of(item: Mapping[str, Any]) -> dict[str, str]:
    """Return an instance's tags."""
    return {tag["Key"]: tag["Value"] for tag in item.get("Tags") or ()}


def mark_of(item: Mapping[str, Any]) -> Mark | None:
    """Return the mark an instance bears, or None."""
    return from_labels(labels_of(item))


def state_of(item: Mapping[str, Any]) -> str:
    """Return the cloud's word for an instance's state. Raises KeyError."""
    return str(item["State"]["Name"])


def instance_of(item: Mapping[str, Any], mark: Mark, notice: str = "") -> Instance:
    """Return an instance as described; `notice` is what its spot request says of its end.

    Raises:
        KeyError, TypeError: it is not described as instances are.
    """
    state, reason = state_of(item), _reason(item)
    return Instance(
        id=str(item["InstanceId"]),
        mark=mark,
        state=state,
        terminal=state == TERMINAL,
        address=item.get("PublicIpAddress") or item.get("PrivateIpAddress") or "",
        created_at=_epoch(item["LaunchTime"]),
        fault="" if reason[0] in AS_ASKED else _words(reason),
        leaving="" if state == TERMINAL else notice or (_words(reason) if reason[0] in TAKEN_AWAY else ""),
    )


def is_living_spot(item: Mapping[str, Any]) -> bool:
    """Tell whether an instance may be interrupted. Raises KeyError."""
    return item.get("InstanceLifecycle") == "spot" and state_of(item) != TERMINAL


def notices_of(requests: list[Mapping[str, Any]]) -> dict[str, str]:
    """Return, by instance id, in the cloud's words why spot instances are or will be interrupted."""
    told = [(request.get("InstanceId") or "", request.get("Status") or {}) for request in requests]
    return {
        instance: _words((str(status["Code"]), str(status.get("Message") or "")))
        for instance, status in told
        if instance and status.get("Code") in NOTICES
    }


def cores_of(item: Mapping[str, Any]) -> int | None:
    """Return the cores (vCPU, as the quota counts them) of an instance; None where it is not described with them."""
    cpu = item.get("CpuOptions") or {}
    cores = int(cpu.get("CoreCount") or 0) * int(cpu.get("ThreadsPerCore") or 1)
    return cores or None


def _reason(item: Mapping[str, Any]) -> tuple[str, str]:
    told = item.get("StateReason") or {}
    return str(told.get("Code") or ""), str(told.get("Message") or "")


def _words(reason: tuple[str, str]) -> str:
    code, message = reason
    return message if message.startswith(code) else f"{code}: {message}"


def _epoch(moment: datetime) -> float:
    return float(moment.timestamp())
