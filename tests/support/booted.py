"""Instances filled with guests that boot: systemd and the distribution's own cloud-init read the user data.

with booted_on(folder, cloud, source, say) as there:   # an installation, its manager at the guests' gateway
    ...
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tests.support.filling import Filling, HollowCloud
from tests.support.there import OtherCloud, There, running_on
from tests.testbeds.openstack.places import Say
from tests.testbeds.vm import Bed
from tests.testbeds.vm.sources import Source

SLOW_BOOT = {"pool_boot_seconds": 30, "pool_boot_deadline": 900}
"""Over an installation's own: several guests boot and run roles on two busy cores."""
PATIENCE_SECONDS = 600.0

QUICK = {"gather_seconds": 1.0}


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


@contextlib.contextmanager
def booted_on(folder: Path, cloud: OtherCloud, source: Source, say: Say, **keys: Any) -> Iterator[There]:
    """Run an installation on a cloud whose instances boot; `keys` are of the inventory, for all its pools."""
    with Bed(folder / "vms", say) as bed, Booted(bed, source, cloud) as filling:
        pool = {**SLOW_BOOT, **keys}
        with running_on(folder, cloud, filling=filling, pool=pool, **QUICK, vm_host=bed.network.host) as there:
            yield there
