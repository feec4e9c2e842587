"""One limit, and what it is counted in."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from vmdirac_py.model.reason import Param, Reason

NO_LIMIT = 10**9


@dataclass(slots=True)
class Limit:
    """`left` of `most` VMs (0: not a lasting limit), or cores where `by_core`, and the reason to give when it binds."""

    left: int
    by_core: bool
    reason: Reason
    most: int = 0

    def room(self, cores: int) -> int:
        """Return how many VMs of so many cores it lets through."""
        return max(0, self.left // cores if self.by_core and cores else self.left)


Room = Mapping[str, Sequence[Limit]]
"""Limits by the name of a pool."""


def pair(
    max_vms: int | None, max_cores: int | None, vms: int, cores: int, code: str, **about: Param
) -> Iterator[Limit]:
    """Yield a limit in VMs and one in cores, where they are set, less what is in use."""
    if max_vms is not None:
        yield Limit(max_vms - vms, by_core=False, reason=Reason.of(f"{code}_vms", max=max_vms, **about), most=max_vms)
    if max_cores is not None:
        yield Limit(max_cores - cores, by_core=True, reason=Reason.of(f"{code}_cores", max=max_cores, **about))
