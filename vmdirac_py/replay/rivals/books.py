"""What every rule keeps count of: VMs that are there, what limits leave room for, and what was decided."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from math import inf

from msgspec.structs import replace

from vmdirac_py.model.fit import Offer, failing
from vmdirac_py.model.inventory import Endpoint, Inventory, Pool, Vo
from vmdirac_py.model.plan import Action, Decision, Plan, Snapshot
from vmdirac_py.model.queue import TaskQueue
from vmdirac_py.model.reason import Reason
from vmdirac_py.model.vm import VmState

BOOTING = frozenset({VmState.NEW, VmState.SUBMITTED, VmState.CONTEXTUALISING})
GONE = frozenset({VmState.HALTED, VmState.FAILED})
"""States of VMs that take up no room at a cloud."""
PLENTY = 10**6
Scope = tuple[str, str]
"""What a limit is said of: its kind and its name."""


class Books:
    """The books of one step; VMs that are launched in this step count at once."""

    def __init__(self, snapshot: Snapshot, rule: str) -> None:
        self._at, self._rule = snapshot.at, rule
        self._inventory = snapshot.inventory
        self._decisions: list[Decision] = []
        self._vms: Counter[Scope] = Counter()
        self._cores: Counter[Scope] = Counter()
        self._booting: Counter[tuple[str, str]] = Counter()
        for (name, state), count in Counter((one.vm.pool, one.vm.state) for one in snapshot.fleet).items():
            if state not in GONE:
                self._count(snapshot.inventory.pools[name], count, boots=state in BOOTING)

    def there(self, pool: Pool) -> int:
        """Return how many VMs of a pool are there or on their way."""
        return self._vms["pool", pool.name]

    def room(self, pool: Pool) -> int:
        """Return how many more VMs of a pool the limits of pool, VO and endpoint allow."""
        of = self._inventory
        limits: tuple[Pool | Vo | Endpoint, ...] = (pool, of.vos[pool.vo], of.endpoints[pool.endpoint])
        rooms = [self._room(pool, scope, limit) for scope, limit in zip(_scopes(pool), limits, strict=True)]
        return max(0, int(min(*rooms, PLENTY)))

    def booting_beside(self, pool: Pool) -> int:
        """Return how many VMs of a pool's VO boot at its endpoint."""
        return self._booting[pool.vo, pool.endpoint]

    def use(self, endpoint: Endpoint, more: int = 0) -> float:
        """Return which share of the VMs that an endpoint may have are there, with `more`; 0.0 where it has no limit."""
        return (self._vms["endpoint", endpoint.name] + more) / endpoint.max_vms if endpoint.max_vms else 0.0

    def launch(self, pool: Pool, count: int, jobs: int) -> None:
        """Decide to launch VMs, for so many waiting jobs (0: it is not for jobs); none is no decision."""
        if count > 0:
            why = Reason.of("rival.launch", rule=self._rule, jobs=jobs)
            self._decisions.append(Decision(Action.LAUNCH, pool.endpoint, pool.name, pool.vo, count, why))
            self._count(pool, count, boots=True)

    def drain(self, pool: Pool, vms: Sequence[str]) -> None:
        """Decide to drain VMs."""
        if vms:
            why = Reason.of("rival.drain", rule=self._rule)
            self._decisions.append(Decision(Action.DRAIN, pool.endpoint, pool.name, pool.vo, len(vms), why, tuple(vms)))

    def plan(self) -> Plan:
        """Return what was decided."""
        return Plan(self._at, tuple(self._decisions), (), ())

    def _count(self, pool: Pool, count: int, *, boots: bool) -> None:
        for scope in _scopes(pool):
            self._vms[scope] += count
            self._cores[scope] += count * pool.resources.cores
        self._booting[pool.vo, pool.endpoint] += count * boots

    def _room(self, pool: Pool, scope: Scope, limit: Pool | Vo | Endpoint) -> float:
        by_vms = inf if limit.max_vms is None else limit.max_vms - self._vms[scope]
        if limit.max_cores is None:
            return by_vms
        return min(by_vms, (limit.max_cores - self._cores[scope]) // pool.resources.cores)


def _scopes(pool: Pool) -> tuple[Scope, Scope, Scope]:
    return ("pool", pool.name), ("vo", pool.vo), ("endpoint", pool.endpoint)


def servable(snapshot: Snapshot) -> Iterator[tuple[Pool, list[TaskQueue]]]:
    """Yield the pools that can run some of the waiting jobs, each with the queues of its VO that it can run."""
    waiting: defaultdict[str, list[TaskQueue]] = defaultdict(list)
    for queue in snapshot.demand.queues:
        if queue.waiting:
            waiting[queue.vo].append(queue)
    for pool in snapshot.inventory.pools.values():
        queues = waiting.get(pool.vo)
        if queues:
            offer = Offer.of_pool(pool)
            fitting = [queue for queue in queues if failing(queue, offer) is None]
            if fitting:
                yield pool, fitting


def jobs_of(queues: Iterable[TaskQueue]) -> int:
    """Return how many jobs wait."""
    return sum(queue.waiting for queue in queues)


def idle_for(inventory: Inventory, seconds: float) -> Inventory:
    """Return the inventory with VMs that live on for so long when empty."""
    pools = {name: replace(pool, idle_seconds=seconds) for name, pool in inventory.pools.items()}
    return replace(inventory, pools=pools)
