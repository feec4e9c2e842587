"""The driver of OpenStack: one installation's view of one project."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any

from vmdirac_py.clouds.api import (
    AnswerLost,
    CloudError,
    CloudLimits,
    Finding,
    Instance,
    LaunchRequest,
    LaunchResult,
    Refusal,
)
from vmdirac_py.clouds.options import read
from vmdirac_py.model.batch import ErrorClass
from vmdirac_py.model.inventory import Pool

from .client import Client
from .errors import NotNow, unreadable
from .floating import launch_each
from .inspection import inspect
from .launching import MAX_USER_DATA, body_of, check_user_data
from .listing import listed
from .options import POOL, PoolOptions
from .placing import place_of
from .reading import limits_of
from .sweep import sweep
from .terminating import terminate

CONSOLE_LINES = 5000


class NovaEndpoint:
    """One installation's view of a project.

    Args:
        name: the endpoint's name.
        client: speaks to the project's services.
        installation: our installation's id; nothing else's servers are seen or touched.
    """

    instance_id_file = "/var/lib/cloud/data/instance-id"
    max_user_data = MAX_USER_DATA

    def __init__(self, name: str, client: Client, *, installation: str) -> None:
        self.name = name
        self._client = client
        self._installation = installation

    def launch(self, request: LaunchRequest) -> LaunchResult:
        """Ask for servers in one call, once; Nova has no token that would make a repetition harmless.

        What was made is found by the reservation Nova answers with. Where the quota had room for fewer, Nova made
        those and said nothing; the rest are refused here. Raises CloudError.
        """
        check_user_data(request.user_data)
        options = read(PoolOptions, request.pool.options, f"{POOL} of {request.pool.name}")
        client = self._client.bounded()
        place = place_of(client, request.pool, options)
        if options.floating_network:
            return launch_each(client, request, options, place)
        answer = client.post("compute", "/servers", body_of(request, options, place))
        try:
            made = listed(client, reservation_id=_reservation(answer, self.name))
        except CloudError as error:
            raise AnswerLost(f"taken, but what came of it is not known: {error}", where=self.name) from error
        if not made:  # Nova makes one at least
            raise AnswerLost("taken, but nothing bears its reservation", where=self.name)
        return _result(request, made)

    def instances(self) -> tuple[Instance, ...]:
        """Return one complete listing of ours. Raises CloudError."""
        return tuple(each for each in listed(self._client) if each.mark.installation == self._installation)

    def terminate(self, instance_ids: Collection[str]) -> None:
        """Delete servers of ours, a few at a time; if one is not ours, none is touched. Raises CloudError."""
        terminate(self._client, self._installation, instance_ids)

    def limits(self) -> CloudLimits:
        """Return the project's limits and use, foreign servers included. Raises CloudError."""
        body = self._client.get("compute", "/limits")
        try:
            return limits_of(body)
        except (KeyError, TypeError, ValueError) as error:
            raise unreadable("no limits", where=f"{self.name}, limits", acts=False) from error

    def console(self, instance_id: str) -> str:
        """Return the end of the console text; none of a server that is not placed yet. Raises CloudError."""
        asked = {"os-getConsoleOutput": {"length": CONSOLE_LINES}}
        try:
            return str(self._client.post("compute", f"/servers/{instance_id}/action", asked, acts=False)["output"])
        except NotNow:
            return ""
        except (KeyError, TypeError) as error:
            raise unreadable("no console output", where=f"{self.name}, console", acts=False) from error

    def sweep(self) -> list[str]:
        """Delete addresses, ports and volumes of ours that no server has; return them in words. Raises CloudError."""
        living = {each.id for each in self.instances() if not each.terminal}
        return sweep(self._client, self._installation, living)

    def inspect(self, pools: Sequence[Pool]) -> list[Finding]:
        """Look at login, quota, and all that the pools name; a finding for each. Never raises CloudError."""
        return inspect(self._client, self._installation, pools)


def _reservation(answer: Any, where: str) -> str:
    """Return the reservation of an accepted request."""
    try:
        return str(answer["reservation_id"])
    except (KeyError, TypeError) as error:
        raise unreadable("no reservation_id", where=where, acts=True) from error


def _result(request: LaunchRequest, made: tuple[Instance, ...]) -> LaunchResult:
    short = len(request.vms) - len(made)
    if short <= 0:
        return LaunchResult(made)
    told = f"the quota had room for {len(made)} of {len(request.vms)}"
    return LaunchResult(made, (Refusal(short, ErrorClass.QUOTA, told),))
