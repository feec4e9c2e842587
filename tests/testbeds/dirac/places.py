"""Where everything of one DIRAC lies."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from tests.testbeds.common import places

CACHE_VARIABLE = "VMDIRAC_DIRAC_CACHE"


def cache() -> Path:
    """Return the folder of environments and of the default bed: `$VMDIRAC_DIRAC_CACHE`, else one in the cache."""
    return places.cache_of(CACHE_VARIABLE, "dirac")


@dataclass(frozen=True, slots=True)
class Places(places.Places):
    """The folders and files of one bed."""

    MARK: ClassVar[str] = "dirac-bed"

    @property
    def server(self) -> Path:
        """Root of the services."""
        return self.data / "server"

    @property
    def client(self) -> Path:
        """Root of everybody else: who finds the services' `dirac.cfg` would call as the host."""
        return self.etc / "client"

    @property
    def security(self) -> Path:
        """Host certificate, authorities and (empty of VOs) VOMS folders."""
        return self.data / "grid-security"

    @property
    def certificates(self) -> Path:
        """Certificates and keys of the users, and the authority's key."""
        return self.data / "people"

    @property
    def proxies(self) -> Path:
        """A proxy of each group, and of each user without one."""
        return self.data / "proxies"

    @property
    def configuration(self) -> Path:
        """What the Configuration service serves."""
        return self.server / "etc/BedCS.cfg"

    @property
    def inside(self) -> Path:
        """Our modules that run in DIRAC's environment: a bed that runs does not change with its checkout."""
        return self.etc / "inside"
