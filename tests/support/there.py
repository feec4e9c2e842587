"""A whole installation with real processes on another's cloud, whose hollow instances are filled.

with running_on(tmp_path, cloud) as there:         # home, manager and scheduler, all fast; VMs as the cloud shows them
    ids = there.submit("echo hello", count=3)
    there.until_done(ids)
"""

from __future__ import annotations

import contextlib
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from tests.support.filling import Filling, HollowCloud
from tests.support.hollow import Hollow
from tests.support.installed import FAST_ENDPOINT, FAST_POOL, Installed, initialised, inventory_of


class OtherCloud(HollowCloud, Protocol):
    """A cloud with an account of ours, whose endpoint and pools an inventory can name."""

    endpoint: dict[str, Any]
    pool: dict[str, Any]

    def living(self) -> Collection[str]:
        """Return the ids of instances that hold something."""

    def wipe(self) -> None:
        """Delete all instances."""


@dataclass(kw_only=True)
class There(Installed):
    """A running installation on another's cloud."""

    cloud: OtherCloud
    filling: Filling

    def living(self) -> Collection[str]:
        """Return the ids of the cloud's instances that live."""
        return self.cloud.living()

    def every_instance(self) -> Collection[str]:
        """Return the ids of all instances that ever were powered on."""
        return self.filling.seen

    def consoles(self) -> Collection[Path]:
        """Return the files in which VMs' consoles are."""
        return [self.filling.console(instance) for instance in self.filling.seen]

    def end_cloud(self) -> None:
        """Delete all instances."""
        self.cloud.wipe()


@contextlib.contextmanager
def running_on(
    folder: Path,
    cloud: OtherCloud,
    *,
    filling: Filling | None = None,
    pool: Mapping[str, Any] | None = None,
    **settings: Any,
) -> Iterator[There]:
    """Make an installation on a cloud and run all of it; at the end nothing of it is left.

    Args:
        folder: an empty one, for home and inventory.
        cloud: where its instances are.
        filling: what fills them, if not processes as those of the embedded cloud.
        pool: more keys for all pools.
        settings: more keys of `vmdirac.yml`.
    """
    content = inventory_of("there", FAST_ENDPOINT | cloud.endpoint, {**FAST_POOL, **cloud.pool, **(pool or {})})
    with contextlib.ExitStack() as stack:
        home, ctx = stack.enter_context(initialised(folder, content, settings))
        filled = filling or stack.enter_context(Hollow(folder / "vms", cloud, hidden=[home.root]))
        there = There(home, ctx, cloud=cloud, filling=filled)
        try:
            there.start("manager", "scheduler")
            yield there
        finally:
            there.end()
