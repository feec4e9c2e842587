"""What all kinds of limit look at: the snapshot, the memory, and the fleet counted once."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

from vmdirac_py.lifecycle.states import BOOTING, occupies
from vmdirac_py.model.inventory import Inventory, Pool
from vmdirac_py.model.plan import EndpointView, Snapshot
from vmdirac_py.model.queue import TaskQueue
from vmdirac_py.model.vm import Vm, VmState
from vmdirac_py.planner.memory import Memory, pool_key


@dataclass(slots=True)
class Use:
    """VMs and cores in use; VMs whose launch is not answered yet, that do not run yet, that run; the newest (epoch)."""

    vms: int = 0
    cores: int = 0
    in_flight: int = 0
    booting: int = 0
    running: int = 0
    newest: float = 0.0

    def add(self, vm: Vm) -> None:
        """Count a VM."""
        self.vms += 1
        self.cores += vm.resources.cores
        self.in_flight += vm.state is VmState.NEW
        self.booting += vm.state in BOOTING
        self.running += vm.state is VmState.RUNNING
        self.newest = max(self.newest, vm.created_at)

    def join(self, other: Use) -> None:
        """Count what others counted."""
        self.vms += other.vms
        self.cores += other.cores
        self.in_flight += other.in_flight
        self.booting += other.booting
        self.running += other.running
        self.newest = max(self.newest, other.newest)


Uses = Mapping[str, Use]
Wish = tuple[str, tuple[str, ...], tuple[str, ...]]
"""VO, sites and banned sites of waiting jobs."""


Place = tuple[str, str, str]
"""Pool, VO and endpoint of VMs."""


def used(vms: Iterable[Vm]) -> Mapping[Place, Use]:
    """Return what the VMs that occupy something use, by place: the whole fleet is looked at once."""
    uses: defaultdict[Place, Use] = defaultdict(Use)
    for vm in vms:
        if occupies(vm):
            uses[vm.pool, vm.vo, vm.endpoint].add(vm)
    return uses


def _summed(uses: Mapping[Place, Use], key: Callable[[Place], str]) -> defaultdict[str, Use]:
    sums: defaultdict[str, Use] = defaultdict(Use)
    for place, use in uses.items():
        sums[key(place)].join(use)
    return sums


def _by_vo_at(uses: Mapping[Place, Use]) -> Mapping[str, Uses]:
    at: defaultdict[str, dict[Place, Use]] = defaultdict(dict)
    for place, use in uses.items():
        at[place[2]][place] = use
    return {endpoint: _summed(there, lambda place: place[1]) for endpoint, there in at.items()}


def waiting(queues: Iterable[TaskQueue]) -> Mapping[Wish, tuple[int, int]]:
    """Return the waiting jobs and their cores, by what matters to an endpoint."""
    found: defaultdict[Wish, tuple[int, int]] = defaultdict(lambda: (0, 0))
    for queue in queues:
        wish = (queue.vo, queue.shape.sites, queue.shape.banned_sites)
        jobs, cores = found[wish]
        found[wish] = jobs + queue.waiting, cores + queue.waiting * max(1, queue.shape.min_cores)
    return found


@dataclass(slots=True)
class World:
    """A snapshot and a memory; use by pool, by pool key, by VO, by endpoint, and by VO there."""

    snapshot: Snapshot
    memory: Memory
    keys: Mapping[str, str] = field(init=False)
    by_pool: Uses = field(init=False)
    by_key: Uses = field(init=False)
    by_vo: Uses = field(init=False)
    by_endpoint: Uses = field(init=False)
    by_vo_at: Mapping[str, Uses] = field(init=False)
    waiting: Mapping[Wish, tuple[int, int]] = field(init=False)
    views: Mapping[str, EndpointView] = field(init=False)

    def __post_init__(self) -> None:
        uses = used(capacity.vm for capacity in self.snapshot.fleet)
        self.keys = {name: pool_key(pool) for name, pool in self.inventory.pools.items()}
        self.by_pool, self.by_vo = _summed(uses, lambda place: place[0]), _summed(uses, lambda place: place[1])
        self.by_key = _summed(uses, lambda place: self.keys.get(place[0], ""))
        self.by_endpoint, self.by_vo_at = _summed(uses, lambda place: place[2]), _by_vo_at(uses)
        self.waiting = waiting(self.snapshot.demand.queues)
        self.views = {view.name: view for view in self.snapshot.endpoints}

    @property
    def inventory(self) -> Inventory:
        """Return the inventory."""
        return self.snapshot.inventory

    @property
    def at(self) -> float:
        """Return the only time there is."""
        return self.snapshot.at

    def view(self, endpoint: str) -> EndpointView:
        """Return what is known of an endpoint."""
        return self.views.get(endpoint) or EndpointView(endpoint)

    def pools_by(self, key: Callable[[Pool], str]) -> Mapping[str, list[Pool]]:
        """Return the pools in groups, by name."""
        groups: defaultdict[str, list[Pool]] = defaultdict(list)
        for name in sorted(self.inventory.pools):
            groups[key(self.inventory.pools[name])].append(self.inventory.pools[name])
        return groups
