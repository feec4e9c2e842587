"""Where everything of one control plane lies."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from tests.testbeds.common import places

CACHE_VARIABLE = "VMDIRAC_OPENSTACK_CACHE"


def cache() -> Path:
    """Return the folder of environments and of the default bed: `$VMDIRAC_OPENSTACK_CACHE`, else one in the cache."""
    return places.cache_of(CACHE_VARIABLE, "openstack")


@dataclass(frozen=True, slots=True)
class Places(places.Places):
    """The folders and files of one bed."""

    MARK: ClassVar[str] = "openstack-bed"

    @property
    def seeded(self) -> Path:
        """What the seed answered: ids."""
        return self.data / "seeded.json"

    @property
    def clouds(self) -> Path:
        """The accounts with their secrets, as openstacksdk reads them."""
        return self.home / "clouds.yaml"

    @property
    def faults(self) -> Path:
        """What the compute driver does wrong, read by it at each call."""
        return self.data / "nova/faults.json"
