"""The driver over libcloud's compute API."""

from __future__ import annotations

import importlib
import threading
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Self

from libcloud.common.types import LibcloudError
from libcloud.compute.base import Node

from vmdirac_py.clouds.api import (
    BadRequest,
    CloudLimits,
    Finding,
    Instance,
    LaunchRequest,
    LaunchResult,
    Resolve,
)
from vmdirac_py.clouds.options import read, verify
from vmdirac_py.model.inventory import Endpoint, Pool

from .cloud import Cloud, Connect, Line
from .ending import destroy
from .errors import told
from .inspection import login, named, quota, there, tried
from .launching import Launching
from .maps import Provider
from .providers import PROVIDERS
from .reading import instance_of, mark_of
from .wire import Wire


class LibcloudEndpoint:
    """One tenant of one cloud, seen through one installation. Safe to share: each thread has a libcloud of its own.

    Args:
        name: the endpoint's name.
        installation: our installation's id; nothing else's instances are shown or touched.
        provider: the map that is used.
        make: makes a line to the cloud, and what speaks over it.
    """

    instance_id_file = "/var/lib/cloud/data/instance-id"

    def __init__(self, name: str, *, installation: str, provider: Provider, make: Callable[[], Line]) -> None:
        self.name = name
        self._installation = installation
        self._provider = provider
        self.max_user_data = provider.max_user_data
        self._make = make
        self._threads = threading.local()

    @classmethod
    def of(cls, endpoint: Endpoint, *, installation: str, resolve: Resolve, home: Path) -> Self:
        """Make the driver of an endpoint.

        Raises:
            BadRequest: libcloud cannot be used with these options.
            CloudError: a secret cannot be resolved.
        """
        provider = PROVIDERS[str(endpoint.options["provider"])]
        options = read(provider.options, endpoint.options, endpoint.name)
        module, _, kind = provider.cloud.partition(":")
        speak: Connect = getattr(importlib.import_module(f".{module}", __package__), kind)

        def make() -> Line:
            wire = Wire(endpoint.client_timeout, verify(options, home))
            return Line(wire, speak(options, resolve, wire))

        made = cls(endpoint.name, installation=installation, provider=provider, make=make)
        made._line()  # what is wrong with the options is told now
        return made

    def launch(self, request: LaunchRequest) -> LaunchResult:
        """Ask for instances: at once where the provider can, else one after the other. Raises CloudError."""
        self._check(request)
        with self._call(changes=True) as line:
            return Launching(request, self._provider, line.cloud, line.wire, self.name).run()

    def _check(self, request: LaunchRequest) -> None:
        most, size = self.max_user_data, len(request.user_data)
        if size > most:
            what = f"{size} bytes of user data, at most {most} are taken"
            raise BadRequest(what, where=self.name, mend="let the image hold more, and the user data less")

    def instances(self) -> tuple[Instance, ...]:
        """Return one complete listing of ours. Raises CloudError."""
        with self._call() as line:
            return tuple(self._ours(line.cloud.listed(self._installation)).values())

    def terminate(self, instance_ids: Collection[str]) -> None:
        """Delete instances of ours, each by a call of its own, unless one of them is somebody else's.

        One that is refused keeps nobody else from being deleted. Raises CloudError.
        """
        if not instance_ids:
            return
        with self._call(changes=True) as line:
            destroy(self._known(line.cloud, instance_ids), line, self._provider, self.name)

    def _known(self, cloud: Cloud, instance_ids: Collection[str]) -> list[Node]:
        """Return what of these is not at its end yet. Raises BadRequest: some are not ours."""
        found = cloud.found(instance_ids)
        ours = self._ours(found)
        if foreign := sorted({str(node.id) for node in found} - ours.keys()):
            raise BadRequest(f"not ours: {', '.join(foreign)}", mend="nothing was changed")
        return [node for node in found if not ours[str(node.id)].terminal]

    def _ours(self, nodes: Sequence[Node]) -> dict[str, Instance]:
        """Return those that bear our mark, by id."""
        marked = [(node, mark_of(node, self._provider)) for node in nodes]
        ours = [(node, mark) for node, mark in marked if mark and mark.installation == self._installation]
        return {str(node.id): instance_of(node, self._provider, mark) for node, mark in ours}

    def limits(self) -> CloudLimits:
        """Return limits and use, foreign included, as far as the provider tells. Raises CloudError."""
        with self._call() as line:
            return line.cloud.limits()

    def console(self, instance_id: str) -> str:
        """Return the console text. Raises CloudError."""
        with self._call() as line:
            found = line.cloud.found([instance_id])
            if not self._ours(found):
                raise BadRequest(f"no instance {instance_id} of ours")
            return line.cloud.console(found[0])

    def inspect(self, pools: Sequence[Pool]) -> Sequence[Finding]:
        """Look at login, quota and what the pools name; a finding for each. Never raises CloudError."""
        found = [tried("login", lambda: login(self.instances()))]
        if not found[0].ok:
            return found
        found.append(tried("quota", lambda: quota(self.limits())))
        return found + [self._look(pool, kind, name) for pool in pools for kind, name in named(pool)]

    def _look(self, pool: Pool, kind: str, name: str) -> Finding:
        def look() -> Finding:
            with self._call() as line:
                return there(pool, kind, name, line.cloud.known)

        return tried(f"{kind} of {pool.name}", look)

    @contextmanager
    def _call(self, *, changes: bool = False) -> Iterator[Line]:
        """Let one call begin; whatever ends it is told as a CloudError."""
        line = self._line()
        line.wire.begin(changes=changes)
        try:
            yield line
        except Exception as error:  # noqa: BLE001 - no library's exception leaves a driver, and libcloud's are any
            raise told(error, self._provider, self.name) from None

    def _line(self) -> Line:
        """Return this thread's line. Raises CloudError: libcloud cannot be used with these options."""
        line: Line | None = getattr(self._threads, "line", None)
        if line is None:
            try:
                line = self._threads.line = self._make()
            except (ValueError, LibcloudError) as error:
                raise BadRequest(str(error), where=self.name, mend="see endpoint_options") from error
        return line
