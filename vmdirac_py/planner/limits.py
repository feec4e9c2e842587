"""How many VMs may still be launched per pool, and which limit binds: a running account, each entry with its reason."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field

from vmdirac_py.lifecycle.budget import Budget, allow
from vmdirac_py.lifecycle.states import BOOTING
from vmdirac_py.model.batch import ErrorClass
from vmdirac_py.model.inventory import Endpoint, Pool, Vo
from vmdirac_py.model.plan import EndpointView, RetireOrder, Snapshot
from vmdirac_py.model.reason import Reason
from vmdirac_py.model.vm import Vm, VmState

from .memory import Memory
from .retire.image_orders import closed

NO_LIMIT = 10**9


def occupies(vm: Vm) -> bool:
    """Tell whether a VM still counts against limits: it has an instance, or may yet get one."""
    return vm.state is not VmState.HALTED and (vm.state is not VmState.FAILED or bool(vm.instance_id))


@dataclass(slots=True)
class Use:
    """VMs and cores in use, VMs whose launch is not answered yet, and VMs that do not run yet."""

    vms: int = 0
    cores: int = 0
    in_flight: int = 0
    booting: int = 0

    def add(self, vm: Vm) -> None:
        """Count a VM."""
        self.vms += 1
        self.cores += vm.resources.cores
        self.in_flight += vm.state is VmState.NEW
        self.booting += vm.state in BOOTING


def used(vms: Iterable[Vm], key: Callable[[Vm], str]) -> defaultdict[str, Use]:
    """Return what the VMs that occupy something use, by key."""
    uses: defaultdict[str, Use] = defaultdict(Use)
    for vm in filter(occupies, vms):
        uses[key(vm)].add(vm)
    return uses


@dataclass(slots=True)
class Limit:
    """`left` VMs, or cores where `by_core`, and the reason to give when it binds."""

    left: int
    by_core: bool
    reason: Reason

    def room(self, cores: int) -> int:
        """Return how many VMs of so many cores it lets through."""
        return max(0, self.left // cores if self.by_core and cores else self.left)


@dataclass(slots=True)
class Limits:
    """All limits of all pools; limits of an endpoint or VO are shared by its pools.

    `hits` are those that bound, by pool; `shut` the pools without any room left, with the tightest limit.
    """

    of_pool: dict[str, list[Limit]]
    hits: defaultdict[str, dict[Reason, None]] = field(default_factory=lambda: defaultdict(dict))
    shut: dict[str, Reason | None] = field(default_factory=dict)

    def room(self, pool: Pool) -> tuple[int, Reason | None]:
        """Return how many more VMs of the pool may be launched, and the tightest limit (the first of equals)."""
        if pool.name in self.shut:
            return 0, self.shut[pool.name]
        least, reason, cores = NO_LIMIT, None, pool.resources.cores
        for limit in self.of_pool[pool.name]:
            room = limit.room(cores)
            if room < least:
                least, reason = room, limit.reason
        return least, reason

    def take(self, pool: Pool, wanted: int) -> int:
        """Use up room for at most `wanted` VMs, note what binds, and return how many there are."""
        room, reason = self.room(pool)
        if room < wanted and reason:
            self.hits[pool.name][reason] = None
        if not room:
            self.shut[pool.name] = reason
        granted = min(room, wanted)
        self.charge(pool, granted)
        return granted

    def charge(self, pool: Pool, count: int) -> None:
        """Take `count` VMs off; a negative count gives them back."""
        if count < 0:
            self.shut.clear()
        for limit in self.of_pool[pool.name]:
            limit.left -= count * (pool.resources.cores if limit.by_core else 1)


def limits_of(snapshot: Snapshot, memory: Memory) -> Limits:
    """Return the room that pools, VOs, endpoints, clouds and launch budgets leave."""
    inventory = snapshot.inventory
    vms = [capacity.vm for capacity in snapshot.fleet]
    of_vo, of_endpoint = _of_vos(snapshot, vms), _of_endpoints(snapshot, memory, vms)
    by_pool = used(vms, lambda vm: vm.pool)
    of_image = {order.image: _of_order(order) for order in snapshot.orders}
    return Limits(
        {
            pool.name: [
                *_of_pool(pool, by_pool[pool.name]),
                *of_vo.get(pool.vo, ()),
                *of_endpoint.get(pool.endpoint, ()),
                *_of_budget(memory.pool(pool.name), snapshot.at, pool.name, by_pool[pool.name]),
                *of_image.get(pool.image, ()),
            ]
            for pool in inventory.pools.values()
        }
    )


def _of_order(order: RetireOrder) -> list[Limit]:
    return [Limit(0, by_core=False, reason=closed(order))]


def _of_pool(pool: Pool, use: Use) -> Iterator[Limit]:
    yield from _pair(pool.max_vms, pool.max_cores, use, "limit.pool", pool=pool.name)


def _of_vos(snapshot: Snapshot, vms: list[Vm]) -> dict[str, list[Limit]]:
    uses = used(vms, lambda vm: vm.vo)
    return {name: _of_vo(vo, uses[name]) for name, vo in snapshot.inventory.vos.items()}


def _of_vo(vo: Vo, use: Use) -> list[Limit]:
    return list(_pair(vo.max_vms, vo.max_cores, use, "limit.vo", vo=vo.name))


def _of_endpoints(snapshot: Snapshot, memory: Memory, vms: list[Vm]) -> dict[str, list[Limit]]:
    uses = used(vms, lambda vm: vm.endpoint)
    views = {view.name: view for view in snapshot.endpoints}
    return {
        name: [
            *_pair(endpoint.max_vms, endpoint.max_cores, uses[name], "limit.endpoint", endpoint=name),
            *_of_cloud(views.get(name, EndpointView(name)), uses[name]),
            *_of_budget(memory.endpoint(name), snapshot.at, name, uses[name]),
            _ramp(endpoint),
        ]
        for name, endpoint in snapshot.inventory.endpoints.items()
    }


def _of_cloud(view: EndpointView, use: Use) -> Iterator[Limit]:
    both = Use(use.vms + view.foreign_vms, use.cores + view.foreign_cores)
    yield from _pair(
        view.max_vms,
        view.max_cores,
        both,
        "quota.endpoint",
        endpoint=view.name,
        foreign_vms=view.foreign_vms,
        foreign_cores=view.foreign_cores,
    )


def _of_budget(budget: Budget, at: float, scope: str, use: Use) -> Iterator[Limit]:
    # A pool on probation for stillborn VMs has proved nothing before a VM of it runs.
    unproved = use.booting if budget.error_class is ErrorClass.STILLBORN else use.in_flight
    left, reason = allow(budget, NO_LIMIT, at, scope=scope, in_flight=unproved)
    if reason:
        yield Limit(left, by_core=False, reason=reason)


def _ramp(endpoint: Endpoint) -> Limit:
    return Limit(
        endpoint.ramp, by_core=False, reason=Reason.of("limit.ramp", endpoint=endpoint.name, max=endpoint.ramp)
    )


def _pair(max_vms: int | None, max_cores: int | None, use: Use, code: str, **about: str | int) -> Iterator[Limit]:
    if max_vms is not None:
        yield Limit(max_vms - use.vms, by_core=False, reason=Reason.of(f"{code}_vms", max=max_vms, **about))
    if max_cores is not None:
        yield Limit(max_cores - use.cores, by_core=True, reason=Reason.of(f"{code}_cores", max=max_cores, **about))
