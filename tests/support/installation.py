"""A whole installation with real processes on an embedded cloud.

with running(tmp_path) as here:                    # home, embedded cloud, manager and scheduler, all fast
    (job,) = here.submit("echo hello")             # a real payload
    here.until(lambda: here.job(job).state is JobState.DONE)
    here.kill("scheduler"); here.start("scheduler")
At the end everything is stopped, and it is checked that nothing of it is left on this machine.
"""

from __future__ import annotations

import contextlib
import os
import re
import signal
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.support.installed import FAST_ENDPOINT, FAST_POOL, Installed, initialised, inventory_of
from vmdirac_py.clouds.local import set_faults, start_server, state_of, stop_server
from vmdirac_py.clouds.local.places import LOG, server_pid
from vmdirac_py.clouds.local.records import Record, Store

POOL = {"pool_flavor": "local.2core", "pool_image": "host", "pool_cores": 2, "pool_ram_mb": 2000}
ENDPOINT = {"endpoint_kind": "local", "endpoint_site": "CLOUD.Local.here", "endpoint_options": {"state": "cloud"}}


def inventory(**keys: Any) -> dict[str, Any]:
    """Return an inventory of one small pool for each of three VOs on one embedded cloud; `keys` are set over it."""
    pool = FAST_POOL | POOL | {key: value for key, value in keys.items() if key.startswith("pool_")}
    endpoint = FAST_ENDPOINT | ENDPOINT | {key: value for key, value in keys.items() if key.startswith("endpoint_")}
    return inventory_of("here", endpoint, pool)


def launched_at(cloud: Path) -> list[str]:
    """Return the ids of all instances an embedded cloud ever started."""
    launches = Store(cloud).launches() if cloud.exists() else []
    return [record.id for launch in launches for record in launch.instances]


@dataclass
class Here(Installed):
    """A running installation on an embedded cloud."""

    cloud: Path = field(default_factory=Path)
    """The embedded cloud's folder."""

    def instances(self) -> list[Record]:
        """Return the living instances, as the cloud remembers them."""
        return [record for record in Store(self.cloud).records().values() if record.lives]

    def launched(self) -> Counter[str]:
        """Return how many instances the cloud ever started for each batch."""
        every = (record for launch in Store(self.cloud).launches() for record in launch.instances)
        return Counter(record.mark["batch"] for record in every)

    def create_calls(self) -> Counter[str]:
        """Return how many create calls reached the cloud for each batch."""
        text = (self.cloud / LOG).read_text()
        return Counter(re.findall(r"launch asked for: '(b-[0-9a-f]+)'", text))

    def start_cloud(self, *, namespaces: bool = True) -> None:
        """Start the embedded cloud."""
        start_server(self.cloud, hidden=[self.home.root], namespaces=namespaces)

    def kill_cloud(self) -> None:
        """Kill -9 the embedded cloud's server, and see it dead; its VMs live on."""
        pid = server_pid(self.cloud)
        assert pid is not None
        os.kill(pid, signal.SIGKILL)
        self.until(lambda: server_pid(self.cloud) is None, what="the cloud's server dead")

    def fault(self, **fault: Any) -> None:
        """Order a fault at the cloud."""
        set_faults(self.cloud, fault)

    def hang(self, call: str, seconds: float, *, when: str) -> None:
        """Let the next such call of the cloud hang."""
        self.fault(kind="hang", call=call, seconds=seconds, when=when)

    def living(self) -> list[str]:
        """Return the ids of the cloud's instances that live."""
        return [record.id for record in self.instances()]

    def every_instance(self) -> list[str]:
        """Return the ids of all instances there ever were."""
        return launched_at(self.cloud)

    def consoles(self) -> list[Path]:
        """Return the files in which VMs' consoles are."""
        return list(self.cloud.glob("consoles/*"))

    def end_cloud(self) -> None:
        """End all VMs and the server."""
        if server_pid(self.cloud) is None:
            self.start_cloud()
        set_faults(self.cloud, clear=True)
        stop_server(self.cloud, terminate=True)


@contextlib.contextmanager
def made(folder: Path, *, settings: Mapping[str, Any] | None = None, **keys: Any) -> Iterator[Here]:
    """Make an installation, nothing of which runs yet; at the end nothing of it is left.

    Args:
        folder: an empty one, for home and inventory.
        settings: more keys of `vmdirac.yml`.
        keys: of the inventory, for all its pools or its endpoint.
    """
    with initialised(folder, inventory(**keys), settings) as (home, ctx):
        here = Here(home, ctx, cloud=state_of(ctx.inventory().endpoints["here"], home.root))
        try:
            yield here
        finally:
            here.end()


@contextlib.contextmanager
def running(folder: Path, *, settings: Mapping[str, Any] | None = None, **keys: Any) -> Iterator[Here]:
    """Make an installation and run all of it."""
    with made(folder, settings=settings, **keys) as here:
        here.start_cloud()
        here.start("manager", "scheduler")
        yield here
