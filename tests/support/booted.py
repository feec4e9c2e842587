"""Instances filled with guests that boot: systemd and the distribution's own cloud-init read the user data.

with booted_on(folder, cloud, source, say) as there:   # an installation, its manager at the guests' gateway
    ...
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from tests.support.filling import Filling, HollowCloud
from tests.support.program import free_ports
from tests.support.there import OtherCloud, There, running_on
from tests.testbeds.common.places import Say
from tests.testbeds.vm import Bed, emulated
from tests.testbeds.vm.sources import Source

SLOW_BOOT = {"pool_boot_seconds": 30, "pool_boot_deadline": 900}
"""Over an installation's own: several guests boot and run roles on two busy cores."""
PATIENCE_SECONDS = 600.0

ONE_CORE = {"pool_cores": 1, "pool_ram_mb": 600}
"""What an emulated machine really has, as its gate finds."""
QUICK, SLOW = {"gather_seconds": 15.0}, {"gather_seconds": 120.0}
"""Within these a guest, or an emulated machine, has powered itself off."""


class Booted(Filling):
    """Guests of a bed that find their user data by one of cloud-init's sources."""

    def __init__(self, bed: Bed, source: Source, cloud: HollowCloud) -> None:
        super().__init__(cloud)
        self.bed, self._source = bed, source

    def console(self, instance: str) -> Path:
        """Return the file that holds what a guest printed."""
        return self.bed.guests[instance].console

    def boot(self, instance: str, user_data: bytes) -> None:
        """Start the guest of an instance."""
        self.bed.boot(instance, self._source(instance, user_data))

    def lives(self, instance: str) -> bool:
        """Tell whether a guest has not powered off."""
        return self.bed.guests[instance].lives

    def end(self, instance: str) -> None:
        """End a guest at once; what it wrote stays for the test's story."""
        self.bed.guests[instance].kill()


class Emulating(Filling):
    """Whole emulated machines that find their user data on a disk labelled `cidata`."""

    def __init__(self, bed: Bed, cloud: HollowCloud, image: Path, port: int) -> None:
        super().__init__(cloud)
        self._folder, self._image, self._marks = bed.folder, image, bed.marks
        self._door = emulated.Door(bed.network.number, bed.network.host, port)
        self._machines_of: dict[str, emulated.Emulated] = {}

    def console(self, instance: str) -> Path:
        """Return the file that holds what a machine printed."""
        return self._machines_of[instance].console

    def boot(self, instance: str, user_data: bytes) -> None:
        """Start the machine of an instance."""
        about = json.dumps({"instance-id": instance, "local-hostname": instance})
        seed = {"user-data": user_data, "meta-data": about.encode()}
        folder = self._folder / instance
        self._machines_of[instance] = emulated.start(folder, self._image, seed, self._door, self._marks)

    def lives(self, instance: str) -> bool:
        """Tell whether a machine has not powered off."""
        return self._machines_of[instance].lives

    def end(self, instance: str) -> None:
        """End a machine at once."""
        self._machines_of[instance].kill()


@contextlib.contextmanager
def booted_on(
    folder: Path, cloud: OtherCloud, source: Source, say: Say, *, layers: Sequence[Path] = (), **keys: Any
) -> Iterator[There]:
    """Run an installation on a cloud whose instances boot.

    Args:
        folder: an empty one.
        cloud: where the instances are.
        source: how they find their user data.
        say: told what takes long.
        layers: what lies over the bed's tree.
        keys: of the inventory, for all its pools.
    """
    with Bed(folder / "vms", say, layers=layers) as bed, Booted(bed, source, cloud) as filling:
        pool = {**SLOW_BOOT, **keys}
        with running_on(folder, cloud, filling=filling, pool=pool, **QUICK, vm_host=bed.network.host) as there:
            yield there


@contextlib.contextmanager
def emulated_on(folder: Path, cloud: OtherCloud, say: Say, **keys: Any) -> Iterator[There]:
    """Run an installation on a cloud whose instances are emulated machines; `keys` as in `booted_on`."""
    image, (port, _) = emulated.disk(say), free_ports()
    with Bed(folder / "vms", say) as bed, Emulating(bed, cloud, image, port) as filling:
        pool, own = {**SLOW_BOOT, **ONE_CORE, **keys}, {**SLOW, "vm_host": bed.network.host, "vm_port": port}
        with running_on(folder, cloud, filling=filling, pool=pool, **own) as there:
            yield there
