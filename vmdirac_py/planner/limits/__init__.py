"""How many VMs may still be launched per pool, and which limit binds: one file per kind of limit.

Each kind is a function `(World) -> Room`: by pool the limits that hold for it; pools that share one share the object.
"""

from vmdirac_py.lifecycle.states import occupies

from .account import Limits
from .build import limits_of
from .limit import Limit

__all__ = ["Limit", "Limits", "limits_of", "occupies"]
