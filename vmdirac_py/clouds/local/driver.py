"""The driver of the embedded cloud: a thin client of its server."""

from __future__ import annotations

import base64
from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from vmdirac_py.clouds.api import (
    AnswerLost,
    CloudLimits,
    Finding,
    Instance,
    LaunchRequest,
    LaunchResult,
    Mark,
    Refusal,
    Unavailable,
)
from vmdirac_py.model.batch import ErrorClass
from vmdirac_py.model.inventory import Pool

from .client import Client
from .inspection import inspect
from .userdata import MAX_BYTES

TERMINAL = frozenset({"stopped", "terminated"})


class LocalEndpoint:
    """One installation's view of an embedded cloud.

    Args:
        name: the endpoint's name.
        state: the cloud's state directory.
        installation: our installation's id; nothing else's instances are seen or touched.
        timeout: seconds a call may take.
    """

    instance_id_file = "/var/lib/cloud/data/instance-id"
    max_user_data = MAX_BYTES

    def __init__(self, name: str, state: Path, *, installation: str, timeout: float) -> None:
        self.name = name
        self._installation = installation
        self._client = Client(state, timeout)

    def launch(self, request: LaunchRequest) -> LaunchResult:
        """Ask for instances; the batch id makes a repetition harmless. Raises CloudError."""
        pool = request.pool
        answer = self._client.call(
            "launch",
            installation=self._installation,
            token=request.mark.batch,
            count=len(request.vms),
            flavor=pool.flavor,
            cores=pool.resources.cores,
            ram_mb=pool.resources.ram_mb,
            mark=asdict(request.mark),
            user_data=base64.b64encode(request.user_data).decode(),
        )
        try:
            return LaunchResult(_instances(answer), tuple(_refused(item) for item in answer["refused"]))
        except (KeyError, TypeError, ValueError) as error:
            raise AnswerLost("an answer to launch that cannot be read", where=self.name) from error

    def instances(self) -> tuple[Instance, ...]:
        """Return one complete listing of ours. Raises CloudError."""
        answer = self._client.call("list", installation=self._installation)
        if not answer.get("complete"):
            raise Unavailable("the listing is not complete", where=self.name)
        try:
            return _instances(answer)
        except (KeyError, TypeError, ValueError) as error:
            raise Unavailable("a listing that cannot be read", where=self.name) from error

    def terminate(self, instance_ids: Collection[str]) -> None:
        """Delete instances of ours. Raises CloudError; AuthFailed for another installation's, and touches none."""
        self._client.call("terminate", installation=self._installation, instances=list(instance_ids))

    def limits(self) -> CloudLimits:
        """Return limits and use, of every installation. Raises CloudError."""
        answer = self._client.call("limits")
        try:
            return CloudLimits(answer["max_vms"], answer["max_cores"], answer["used_vms"], answer["used_cores"])
        except KeyError as error:
            raise Unavailable("limits that cannot be read", where=self.name) from error

    def console(self, instance_id: str) -> str:
        """Return the console text. Raises CloudError."""
        text: str = self._client.call("console", installation=self._installation, instance=instance_id)["text"]
        return text

    def user_data(self, instance_id: str) -> bytes:
        """Return the user data an instance was given. Raises CloudError."""
        answer = self._client.call("user_data", installation=self._installation, instance=instance_id)
        return base64.b64decode(answer["user_data"])

    def inspect(self, pools: Sequence[Pool]) -> Sequence[Finding]:
        """Look whether the server answers and has room, and how far it keeps VMs apart. Never raises CloudError."""
        return inspect(self._client, pools)

    def promises(self) -> str:
        """Return in words how far VMs are kept apart on this machine. Raises CloudError."""
        answer = self._client.call("limits")
        return f"{answer['isolation']}: {answer['promises']}"


def _instances(answer: Mapping[str, Any]) -> tuple[Instance, ...]:
    return tuple(_instance(item) for item in answer["instances"])


def _instance(item: Mapping[str, Any]) -> Instance:
    return Instance(
        id=item["id"],
        mark=Mark(**item["mark"]),
        state=item["state"],
        terminal=item["state"] in TERMINAL,
        address=item["address"],
        created_at=float(item["created_at"]),
        fault=item["fault"],
        leaving=item["leaving"],
    )


def _refused(item: Mapping[str, Any]) -> Refusal:
    return Refusal(int(item["count"]), ErrorClass(item["error_class"]), str(item["text"]))
