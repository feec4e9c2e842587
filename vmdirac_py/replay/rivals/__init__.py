"""How other systems decide, after their published behaviour: rules for a replay, and for nothing else.

Each sees the same snapshots as production and runs in the same engine, whose match puts a job on the oldest VM with
room where the rule prefers none: kinder than chance, by which pilots ask for work. None launches for jobs that the
pool cannot run, and none crosses the border of a VO, whatever its original does.
"""

from .bestfit import BestFit
from .cloudce import CloudCe
from .cloudscheduler import Cloudscheduler
from .static import Static, mean_cores
from .tardis import Tardis
from .vmdirac8 import Vmdirac8

RIVALS = (Vmdirac8, CloudCe, Cloudscheduler, Tardis, Static, BestFit)
"""All of them."""

__all__ = ["RIVALS", "BestFit", "CloudCe", "Cloudscheduler", "Static", "Tardis", "Vmdirac8", "mean_cores"]
