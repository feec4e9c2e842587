"""A whole installation with real processes on another's cloud, whose hollow instances are filled.

with running_on(tmp_path, cloud) as there:         # home, manager and scheduler, all fast; VMs as the cloud shows them
    ids = there.submit("echo hello", count=3)
    there.until_done(ids)
"""

from __future__ import annotations

import contextlib
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from tests.support.hollow import Hollow, HollowCloud
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
    hollow: Hollow

    def living(self) -> Collection[str]:
        """Return the ids of the cloud's instances that live."""
        return self.cloud.living()

    def every_instance(self) -> Collection[str]:
        """Return the ids of all instances that ever were powered on."""
        return self.hollow.seen

    def consoles(self) -> Collection[Path]:
        """Return the files in which VMs' consoles are."""
        return [self.hollow.store.console(instance) for instance in self.hollow.seen]

    def end_cloud(self) -> None:
        """Delete all instances."""
        self.cloud.wipe()


@contextlib.contextmanager
def running_on(folder: Path, cloud: OtherCloud, **settings: Any) -> Iterator[There]:
    """Make an installation on a cloud and run all of it; at the end nothing of it is left."""
    content = inventory_of("there", FAST_ENDPOINT | cloud.endpoint, FAST_POOL | cloud.pool)
    with (
        initialised(folder, content, settings) as (home, ctx),
        Hollow(folder / "vms", cloud, hidden=[home.root]) as hollow,
    ):
        there = There(home, ctx, cloud=cloud, hollow=hollow)
        try:
            there.start("manager", "scheduler")
            yield there
        finally:
            there.end()
