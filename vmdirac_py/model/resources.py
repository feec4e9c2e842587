"""What a machine offers and a job asks for, as numbers with arithmetic."""

from __future__ import annotations

from .value import Count, Value


class Resources(Value, frozen=True):
    """Cores, memory (MB), GPUs and disk (GB) of a machine, a free part of it, or a request."""

    cores: Count = 0
    ram_mb: Count = 0
    gpus: Count = 0
    disk_gb: Count = 0

    def __add__(self, other: Resources) -> Resources:
        """Return both together."""
        return Resources(
            self.cores + other.cores, self.ram_mb + other.ram_mb, self.gpus + other.gpus, self.disk_gb + other.disk_gb
        )

    def __sub__(self, other: Resources) -> Resources:
        """Return what is left, never below zero."""
        return Resources(
            max(0, self.cores - other.cores),
            max(0, self.ram_mb - other.ram_mb),
            max(0, self.gpus - other.gpus),
            max(0, self.disk_gb - other.disk_gb),
        )
