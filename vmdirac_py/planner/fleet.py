"""The fleet as stock: which VMs have room for whom, and how far they reach."""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter, defaultdict
from collections.abc import Sequence
from math import inf

from vmdirac_py.lifecycle.states import BOOTING
from vmdirac_py.model.fit import Offer, norm_seconds
from vmdirac_py.model.inventory import Pool
from vmdirac_py.model.plan import Snapshot
from vmdirac_py.model.resources import Resources
from vmdirac_py.model.vm import Capacity, VmState

from .ends import floored, remaining, remaining_of
from .groups import Group
from .lengths import Lengths
from .stock import Key, Kinds, Stock, Vms


def fresh(pool: Pool, total: Resources, seconds: float = inf) -> Key:
    """Return the key of VMs of a pool that run nothing yet, for jobs that run for so many seconds."""
    life = Offer.of_pool(pool).seconds_left
    return Key(0.0, pool.name, total, free=total, empty=True, seconds_left=life, remaining=floored(seconds))


class Fleet:
    """The VMs with room, without those in `leaving`: running ones by VO, and how many boot, by VO and key."""

    def __init__(self, snapshot: Snapshot, lengths: Lengths, groups: Sequence[Group], leaving: frozenset[str]) -> None:
        self._snapshot, self._lengths, self._pools = snapshot, lengths, snapshot.inventory.pools
        self._steps = sorted({queue.shape.cpu_seconds for queue in snapshot.demand.queues})
        self._kinds = Kinds(self._pools, Counter(one.pool.name for group in groups for one in group.candidates))
        self._vms: dict[str, defaultdict[Key, Vms]] = {group.vo: defaultdict(list) for group in groups}
        self.booting: dict[str, Counter[Key]] = {vo: Counter() for vo in self._vms}
        for at in _oldest_first(snapshot.fleet):
            capacity = snapshot.fleet[at]
            if capacity.free.cores and capacity.vm.vo in self._vms and capacity.vm.id not in leaving:
                self._add(at, capacity)

    def stock(self, vo: str) -> Stock:
        """Return the running VMs of a VO."""
        return Stock(self._kinds, self._vms[vo])

    def _add(self, at: int, capacity: Capacity) -> None:
        vm = capacity.vm
        pool = self._pools.get(vm.pool)
        if pool is None or pool.vo != vm.vo:
            return
        if vm.state is VmState.RUNNING:
            self._add_running(at, capacity, pool)
        elif vm.state in BOOTING:
            seconds = self._booting(capacity, pool)
            self.booting[vm.vo][fresh(pool, vm.resources, seconds)] += 1

    def _add_running(self, at: int, capacity: Capacity, pool: Pool) -> None:
        vm, now = capacity.vm, self._snapshot.at
        life = _floor(norm_seconds(vm.created_at + pool.max_life - now, pool), self._steps)
        seconds = self._remaining(capacity)
        made = float(-int(max(1.0, now - vm.created_at)).bit_length())
        empty = capacity.busy_slots == 0
        key = Key(made, pool.name, vm.resources, capacity.free, empty, life, floored(seconds))
        self._vms[vm.vo][key].append(at)

    def _remaining(self, capacity: Capacity) -> float:
        """Return for how long its jobs run on; infinity: it runs some that nobody knows of."""
        if capacity.busy_slots > len(capacity.runs):
            return inf
        return remaining(capacity.vm.vo, capacity.runs, self._lengths, self._snapshot.at)

    def _booting(self, capacity: Capacity, pool: Pool) -> float:
        """Return how long the jobs run that a booting VM was launched for: its soft end tells."""
        vm = capacity.vm
        if not vm.soft_end:
            return inf
        return remaining_of(vm.soft_end - vm.created_at - pool.boot_seconds, vm.resources.cores)


def _oldest_first(fleet: Sequence[Capacity]) -> list[int]:
    keys = [(one.vm.created_at, one.vm.id) for one in fleet]
    return sorted(range(len(fleet)), key=keys.__getitem__)


def _floor(seconds: float, steps: Sequence[int]) -> float:
    """Round down to what some queue asks for: exact for every queue, and makes many VMs alike."""
    at = bisect_right(steps, seconds)
    return float(steps[at - 1]) if at else 0.0
