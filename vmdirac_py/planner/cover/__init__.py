"""New VMs for all jobs that nothing running or booting takes: which pools, how many, and what each is for.

A set-cover of jobs by VMs: `cover` minimises what the VMs cost plus what waiting jobs count, a higher rank before all
lower ones. Its effort depends on how many distinct wants and machines there are, never on how many jobs.
"""

from __future__ import annotations

from .choose import FINE, cover
from .values import Bound, Cover, Fill, Machine, Want

__all__ = ["FINE", "Bound", "Cover", "Fill", "Machine", "Want", "cover"]
