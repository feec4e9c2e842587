"""Waiting jobs as an order for VMs: alike to every spot, dealt out by length."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from vmdirac_py.model.resources import Resources

from .assign import Share
from .cover import Want
from .groups import Rank
from .spots import Fits


class Ask:
    """Jobs alike to every spot; the longest are dealt out first, so that those of like end share VMs."""

    def __init__(self, fits: Fits, shares: Sequence[tuple[Share, int]]) -> None:
        self.fits = fits
        self._shares = sorted(shares, key=_longest)
        group = self._shares[0][0].group
        self.shape, self._vo, self._rank = group.shape, group.vo, group.turn
        self._at, self._left = 0, self._shares[0][1]

    def want(self, machines: Mapping[str, int]) -> Want:
        """Return it as what a cover is asked for; `machines` are the positions of spots."""
        group = self._shares[0][0].group
        jobs, need = sum([count for _, count in self._shares]), self.shape.need
        fits = tuple([(machines[spot.name], per_vm) for spot, per_vm in self.fits])
        return Want(f"{self._vo}/{group.queues[0].id}", jobs, need, fits, self.shape.whole_node, self._rank)

    @property
    def cores(self) -> int:
        """Return how many cores all of them need."""
        return sum(count for _, count in self._shares) * max(1, self.shape.min_cores)

    @property
    def seconds(self) -> float:
        """How long the longest of those that are left is expected to run."""
        return self._shares[self._at][0].group.seconds

    def vms(self, per_vm: int) -> int:
        """Return how many VMs with so many of these jobs each the longest alone would fill; 1 at least."""
        return max(1, self._left // per_vm)

    def take(self, jobs: int) -> Iterator[tuple[Share, int]]:
        """Deal out the longest so many."""
        while jobs:
            share, count = self._shares[self._at][0], min(jobs, self._left)
            jobs, self._left = jobs - count, self._left - count
            if not self._left and self._at + 1 < len(self._shares):
                self._at += 1
                self._left = self._shares[self._at][1]
            yield share, count

    def used(self, jobs: int) -> Resources:
        """Return what so many of them use."""
        need = self.shape.need
        return Resources(max(1, need.cores) * jobs, need.ram_mb * jobs, need.gpus * jobs, need.disk_gb * jobs)

    def fits_in(self, free: Resources) -> bool:
        """Tell whether one more fits into what is free of a VM."""
        need = self.used(1)
        return (
            need.cores <= free.cores
            and need.ram_mb <= free.ram_mb
            and need.gpus <= free.gpus
            and need.disk_gb <= free.disk_gb
        )


def _longest(one: tuple[Share, int]) -> tuple[float, Rank]:
    return -one[0].group.seconds, one[0].group.rank
