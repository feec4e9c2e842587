"""Cloudscheduler v2: cores that are asked for less cores that registered, some VMs at a time."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from itertools import product
from math import ceil
from typing import Self

from msgspec import Struct

from vmdirac_py.model.inventory import Inventory, Pool
from vmdirac_py.model.plan import Plan, Snapshot
from vmdirac_py.model.queue import Shape, TaskQueue
from vmdirac_py.model.resources import Resources
from vmdirac_py.model.vm import VmState

from .books import Books, idle_for, jobs_of, servable

IDLE_VMS, IDLE_SHARE = 10, 0.1
"""`idle_VMs_throttle`: nothing is started at this many idle VMs, or this share of those that run."""
Groups = dict[tuple[str, Shape], tuple[list[TaskQueue], list[Pool]]]


class Settings(Struct, frozen=True):
    """`max_start` VMs per group of jobs and pass; none while `new_vms` start; `keep_alive` seconds for empty ones."""

    max_start: int = 5
    new_vms: int = 5
    keep_alive: float = 120.0


class Cloudscheduler:
    """The scheduler of hep-gc/cloudscheduler (`cloudscheduler/csmain` and `schema/views`, 2.11).

    Each pass takes the groups of alike jobs of each VO in turn, the first one another each time. Missing are the cores
    (and the memory) that waiting and running jobs of the VO asked for, less those of VMs that registered
    (`view_active_resource_shortfall`); VMs that start do not count, but as long as `new_vms_throttle` of them do
    none is added. A group gets at most `max_start_vm_cloud` VMs of the smallest flavor that fits. A pass is made each
    30 s: it sleeps 15 s between two VOs, and 10 s besides. Both throttles are those of a VO at an endpoint, as its
    clouds belong to groups.
    """

    name = "cloudscheduler v2"
    cycle_seconds = 30.0

    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    @classmethod
    def settings(cls) -> Iterator[Self]:
        """Yield the rule with each of the settings to choose from."""
        for (start, new), keep in product(((5, 5), (20, 20), (5, 50)), (120.0, 600.0)):
            yield cls(Settings(start, new, keep))

    @property
    def setting(self) -> Settings:
        """Return what it is set to."""
        return self._settings

    def inventory(self, inventory: Inventory) -> Inventory:
        """Return the inventory with its idle time."""
        return idle_for(inventory, self._settings.keep_alive)

    def step(self, snapshot: Snapshot, memory: int | None) -> tuple[Plan, int]:
        """Make one pass; the memory counts passes."""
        turn = memory or 0
        books = Books(snapshot, self.name)
        groups = _groups(snapshot)
        if groups:
            missing, idle = _missing(snapshot), _idle(snapshot)
            for (vo, shape), (queues, pools) in _in_turn(groups, turn):
                if not idle[vo]:
                    self._start(books, min(pools, key=_size), queues, missing[vo], shape)
        return books.plan(), turn + 1

    def _start(
        self, books: Books, pool: Pool, queues: Sequence[TaskQueue], missing: tuple[int, int], shape: Shape
    ) -> None:
        if books.booting_beside(pool) >= self._settings.new_vms:
            return
        has = pool.resources
        cores, ram = missing
        wanted = max(ceil(cores / has.cores), ceil(ram / has.ram_mb) if shape.ram_mb and has.ram_mb else 0)
        books.launch(pool, min(self._settings.max_start, books.room(pool), wanted), jobs_of(queues))


def _groups(snapshot: Snapshot) -> Groups:
    """Return alike jobs by VO and shape, with the pools that can run them."""
    found: Groups = {}
    for pool, queues in servable(snapshot):
        for queue in queues:
            of_group, pools = found.setdefault((queue.vo, queue.shape), ([], []))
            if pool not in pools:
                pools.append(pool)
            if queue not in of_group:
                of_group.append(queue)
    return found


def _in_turn(groups: Groups, turn: int) -> Iterator[tuple[tuple[str, Shape], tuple[list[TaskQueue], list[Pool]]]]:
    """Yield the groups, each time from another one on."""
    items = list(groups.items())
    begin = turn % len(items)
    yield from items[begin:] + items[:begin]


def _missing(snapshot: Snapshot) -> defaultdict[str, tuple[int, int]]:
    """Return cores and memory that are missing, by VO."""
    cores: Counter[str] = Counter()
    ram: Counter[str] = Counter()
    for queue in snapshot.demand.queues:
        cores[queue.vo] += queue.waiting * queue.shape.min_cores
        ram[queue.vo] += queue.waiting * queue.shape.ram_mb
    for one in snapshot.fleet:
        if one.vm.state is VmState.RUNNING:  # what runs there was asked for: only what is free is not
            cores[one.vm.vo] -= one.free.cores
            ram[one.vm.vo] -= one.free.ram_mb
    return defaultdict(lambda: (0, 0), {vo: (cores[vo], ram[vo]) for vo in cores})


def _idle(snapshot: Snapshot) -> defaultdict[str, bool]:
    """Tell by VO whether so many VMs idle that nothing is started."""
    running, idle = Counter[str](), Counter[str]()
    for one in snapshot.fleet:
        if one.vm.state is VmState.RUNNING:
            running[one.vm.vo] += bool(one.busy_slots)
            idle[one.vm.vo] += not one.busy_slots
    return defaultdict(bool, {vo: count >= max(IDLE_VMS, IDLE_SHARE * running[vo]) for vo, count in idle.items()})


def _size(pool: Pool) -> tuple[int, int, int, int, str]:
    has: Resources = pool.resources
    return -pool.priority, has.cores, has.ram_mb, has.disk_gb, pool.name
