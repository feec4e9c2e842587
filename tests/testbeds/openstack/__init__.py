"""A real OpenStack control plane on loopback: `python -m tests.testbeds.openstack up|down|status|wipe`."""

from tests.testbeds.common.errors import Broke, Cannot

from .bed import Bed
from .life import LIFE
from .values import DOMAIN, REGION, Account, Content, Flavor, Project

__all__ = [
    "DOMAIN",
    "LIFE",
    "REGION",
    "Account",
    "Bed",
    "Broke",
    "Cannot",
    "Content",
    "Flavor",
    "Project",
]
