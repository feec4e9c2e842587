"""The driver of OpenNebula: each operation of the contract, within one deadline over all its calls."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TypeVar

from vmdirac_py.clouds.api import (
    AnswerLost,
    AuthFailed,
    BadRequest,
    CloudError,
    CloudLimits,
    Finding,
    Instance,
    LaunchRequest,
    LaunchResult,
    Refusal,
    Unavailable,
)
from vmdirac_py.model.inventory import Endpoint, Pool

from . import quotas
from .catalogue import Catalogue
from .connection import Connections
from .deadline import Deadline
from .ending import end_each
from .errors import refusal
from .inspection import findings
from .options import EndpointOptions, pool_options
from .paging import everything
from .reading import Sighted, Template, Unreadable, instance_id, vm_page
from .rpc import Rpc
from .template import MAX_USER_DATA, attributes, write
from .tls import context

T = TypeVar("T")
VISIBLE, NOT_DONE = -2, -1
"""Listings hold all VMs the user may see: those an earlier user of the same group made must not seem gone."""


def open_endpoint(
    endpoint: Endpoint, options: EndpointOptions, *, session: str, installation: str, home: Path
) -> OpenNebulaEndpoint:
    """Make the driver; nothing is sent. Raises Unusable."""
    connections = Connections(options.url, context(options, home, endpoint.name), endpoint.name)
    return OpenNebulaEndpoint(
        Rpc(connections, session, endpoint.name), installation=installation, timeout=endpoint.client_timeout
    )


class OpenNebulaEndpoint:
    """One installation's view of one user of an OpenNebula cloud.

    Args:
        rpc: the front end's methods.
        installation: our installation's id; nothing else's instances are touched.
        timeout: seconds an operation may take, however many calls it makes.
    """

    instance_id_file = "/etc/hostname"
    max_user_data = MAX_USER_DATA
    """Its host name, `one-N` by SET_HOSTNAME: cloud-init gives all VMs of OpenNebula one and the same instance id."""

    def __init__(self, rpc: Rpc, *, installation: str, timeout: float) -> None:
        self.name = rpc.where
        self._rpc = rpc
        self._catalogue = Catalogue(rpc)
        self._installation = installation
        self._timeout = timeout

    def launch(self, request: LaunchRequest) -> LaunchResult:
        """Ask for each VM by a call of its own, until one is refused; the mark holds our id of the VM.

        Raises:
            AnswerLost: an answer did not come; nothing more was asked for, and what came to be is in the listing.
            CloudError: the first VM was refused.
        """
        if len(request.user_data) > MAX_USER_DATA:
            what = f"user data of {len(request.user_data)} bytes, and OpenNebula's images take {MAX_USER_DATA}"
            raise BadRequest(what, where=f"{self.name}, pool {request.pool.name}")
        deadline = Deadline(self._timeout)
        template = self._catalogue.template(request.pool, deadline)
        return _until_refused(request.vms, lambda vm: self._instantiate(request, vm, template, deadline))

    def _instantiate(self, request: LaunchRequest, vm: str, template: Template, deadline: Deadline) -> Instance:
        mark = replace(request.mark, vm=vm)
        resized = request.pool if pool_options(request.pool).resize else None
        extra = write(attributes(template.context, mark, request.user_data, resized))
        asked = (template.number, vm, False, extra, False)  # neither held nor persistent
        answer = self._rpc.change(deadline, "one.template.instantiate", *asked)
        if answer.code:
            raise refusal(answer, f"{self.name}, pool {request.pool.name}", otherwise=BadRequest)
        if not isinstance(answer.value, int):
            raise AnswerLost("an answer to launch that cannot be read", where=self.name)
        return Instance(instance_id(answer.value), mark, "PENDING")

    def instances(self) -> tuple[Instance, ...]:
        """Return one complete listing of ours. Raises CloudError."""
        seen = (vm.instance for vm in self._everything(Deadline(self._timeout)))
        return tuple(one for one in seen if one and one.mark.installation == self._installation)

    def _everything(self, deadline: Deadline) -> list[Sighted]:
        def fetch(offset: int, size: int) -> list[Sighted]:
            # A negative size makes a page of what would be a range of numbers.
            return vm_page(self._rpc.read(deadline, "one.vmpool.infoextended", VISIBLE, offset, -size, NOT_DONE))

        return self._readable(lambda: everything(fetch))

    def terminate(self, instance_ids: Collection[str]) -> None:
        """End instances of ours; what is not listed is gone already.

        Raises:
            AuthFailed: one is not ours; none was touched.
            CloudError: not all of them could be ended.
        """
        if not instance_ids:
            return
        deadline, wanted = Deadline(self._timeout), set(instance_ids)
        there = [vm for vm in self._everything(deadline) if instance_id(vm.number) in wanted]
        foreign = [instance_id(vm.number) for vm in there if not self._ours(vm)]
        if foreign:
            what = f"not this installation's: {', '.join(sorted(foreign))}"
            raise AuthFailed(what, where=self.name, mend="nothing was terminated; end them where they belong")
        end_each(self._rpc, deadline, there)

    def _ours(self, vm: Sighted) -> bool:
        return vm.instance is not None and vm.instance.mark.installation == self._installation

    def limits(self) -> CloudLimits:
        """Return the tighter of the user's and its group's quotas; use is in units of CPU. Raises CloudError."""
        deadline = Deadline(self._timeout)
        user = self._rpc.read(deadline, "one.user.info", -1)
        group = self._rpc.read(deadline, "one.group.info", -1)
        return self._readable(lambda: quotas.limits(user, group))

    def inspect(self, pools: Sequence[Pool]) -> Sequence[Finding]:
        """Look at login, quota, marks, and at what each pool is made of. Never raises CloudError."""
        return findings(self, self._catalogue, pools, self._timeout)

    def _readable(self, read: Callable[[], T]) -> T:
        try:
            return read()
        except Unreadable as error:
            raise Unavailable(f"an answer that cannot be read: {error}", where=self.name) from error


def _until_refused(vms: Sequence[str], one: Callable[[str], Instance]) -> LaunchResult:
    """Ask for one after the other; the rest is refused for what the first refusal says. Raises CloudError."""
    launched: list[Instance] = []
    for vm in vms:
        try:
            launched.append(one(vm))
        except AnswerLost:
            raise
        except CloudError as error:
            if not launched:
                raise
            left = Refusal(len(vms) - len(launched), error.error_class, str(error))
            return LaunchResult(tuple(launched), (left,))
    return LaunchResult(tuple(launched))
