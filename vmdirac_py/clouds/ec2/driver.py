"""The driver of EC2: one account in one region, as one installation sees it."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from pathlib import Path

from vmdirac_py.clouds.api import (
    CloudError,
    CloudLimits,
    Finding,
    Instance,
    LaunchRequest,
    LaunchResult,
    Resolve,
    Unavailable,
)
from vmdirac_py.model.inventory import Endpoint, Pool

from . import ending, inspection
from .client import Client
from .launching import Launch
from .limits import limits
from .listing import listed
from .options import endpoint_options, pool_options
from .orders import MAX_USER_DATA, check_user_data

NO_LATEST = "UnsupportedOperation"


class Ec2Endpoint:
    """One installation's view of an account in a region.

    Args:
        endpoint: its description.
        installation: our installation's id; nothing else's instances are touched.
        resolve: turns a reference into a secret.
        home: where relative paths of options begin.
    """

    instance_id_file = "/var/lib/cloud/data/instance-id"
    max_user_data = MAX_USER_DATA

    def __init__(self, endpoint: Endpoint, *, installation: str, resolve: Resolve, home: Path) -> None:
        self.name = endpoint.name
        self._installation = installation
        self._options = endpoint_options(endpoint)
        self._client = Client(
            self._options, name=self.name, timeout=endpoint.client_timeout, resolve=resolve, home=home
        )
        self._cores: dict[str, int] = {}

    def launch(self, request: LaunchRequest) -> LaunchResult:
        """Ask for instances; a repeat of a batch never gives more. Raises CloudError."""
        check_user_data(request.user_data, request.pool.name)
        return Launch(self._client, request, pool_options(request.pool)).result()

    def instances(self) -> tuple[Instance, ...]:
        """Return one complete listing of ours. Raises CloudError."""
        return listed(self._client, self._installation)

    def terminate(self, instance_ids: Collection[str]) -> None:
        """Terminate instances of ours. Raises CloudError; AuthFailed for another installation's, and touches none."""
        ending.terminate(self._client, self._installation, instance_ids)

    def limits(self) -> CloudLimits:
        """Return what the cloud tells of limits, and everybody's use in the region. Raises CloudError."""
        return limits(self._client, trust_max_instances=self._options.trust_max_instances, known=self._cores)

    def console(self, instance_id: str) -> str:
        """Return the console text as it is now, or as the cloud last kept it. Raises CloudError."""
        try:
            answer = self._client.read("get_console_output", InstanceId=instance_id, Latest=True)
        except CloudError as error:
            if NO_LATEST not in error.what:
                raise
            answer = self._client.read("get_console_output", InstanceId=instance_id)
        if answer.get("InstanceId") != instance_id:
            raise Unavailable("get_console_output: an answer that cannot be read", where=self.name)
        return str(answer.get("Output") or "")

    def inspect(self, pools: Sequence[Pool]) -> Sequence[Finding]:
        """Look at login, quota, marks, and at all that the pools name; a finding for each. Never raises CloudError."""
        return inspection.inspect(self._client, self, pools)
