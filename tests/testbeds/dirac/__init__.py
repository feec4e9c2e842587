"""A real DIRAC workload management on loopback: `python -m tests.testbeds.dirac up|down|status|wipe`."""

from tests.testbeds.common.errors import Broke, Cannot

from .bed import Bed
from .life import LIFE
from .values import Job, Pilot, Place

__all__ = ["LIFE", "Bed", "Broke", "Cannot", "Job", "Pilot", "Place"]
