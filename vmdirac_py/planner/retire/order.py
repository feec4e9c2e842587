"""In which order VMs go."""

from __future__ import annotations

from vmdirac_py.model.vm import Capacity


def emptiest_youngest(capacity: Capacity) -> tuple[int, float, str]:
    """Return the rank by which VMs go: fewest payloads first, then the youngest."""
    return capacity.busy_slots, -capacity.vm.created_at, capacity.vm.id
