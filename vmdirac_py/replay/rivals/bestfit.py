"""Plain best fit: it knows the demand and what boots, and packs; it knows no lengths."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from itertools import product
from typing import Self

from msgspec import Struct

from vmdirac_py.model.inventory import Inventory, Pool
from vmdirac_py.model.plan import Plan, Snapshot
from vmdirac_py.model.queue import TaskQueue
from vmdirac_py.model.vm import Capacity
from vmdirac_py.replay.machine import OFFERING
from vmdirac_py.replay.matching import fullest

from .books import Books, idle_for, servable
from .room import Room, put

CROWDED = (0.60, 0.75, 0.85)
"""From each of these shares of an endpoint's VMs on the next larger flavor is launched."""


class Settings(Struct, frozen=True):
    """`hold` seconds that jobs wait for others to fill a VM with; `idle_seconds` that an empty VM lives on."""

    hold: float = 0.0
    idle_seconds: float = 0.0


class BestFit:
    """What a careful operator would write.

    Once a minute, VO by VO: waiting jobs go on the fullest running or booting VMs that have room; the rest is packed on
    new VMs. A VM that they would not fill waits until the oldest of them has waited for `hold` seconds, unless the VO
    has no VM. Of several flavors it takes the smallest, and larger ones as the endpoint fills; until it is crowded none
    of which half would hold what is left. Among VMs with room a job goes to the fullest.
    """

    name = "plain best fit"
    cycle_seconds = 60.0
    prefers = staticmethod(fullest)

    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    @classmethod
    def settings(cls) -> Iterator[Self]:
        """Yield the rule with each of the settings to choose from."""
        for hold, idle in product((0.0, 200.0, 400.0), (0.0, 300.0)):
            yield cls(Settings(hold, idle))

    @property
    def setting(self) -> Settings:
        """Return what it is set to."""
        return self._settings

    def inventory(self, inventory: Inventory) -> Inventory:
        """Return the inventory with its idle time."""
        return idle_for(inventory, self._settings.idle_seconds)

    def step(self, snapshot: Snapshot, memory: None) -> tuple[Plan, None]:
        """Pack once."""
        books = Books(snapshot, self.name)
        pools_of = _pools_of(snapshot)
        if pools_of:
            rooms = _rooms(snapshot, {queue.vo for queue in pools_of})
            for vo, rests in _rests(pools_of, rooms).items():
                new = _packed(rests, pools_of, books, snapshot)
                _launch(books, [room for room in new if self._worth(room, lonely=vo not in rooms, at=snapshot.at)])
        return books.plan(), memory

    def _worth(self, room: Room, *, lonely: bool, at: float) -> bool:
        return lonely or room.full or at - room.oldest >= self._settings.hold


Rest = tuple[TaskQueue, int]


def _pools_of(snapshot: Snapshot) -> dict[TaskQueue, list[Pool]]:
    """Return by queue the pools that can run its jobs, those with the cheapest cores first, then the smallest."""
    found: defaultdict[TaskQueue, list[Pool]] = defaultdict(list)
    for pool, queues in servable(snapshot):
        for queue in queues:
            found[queue].append(pool)
    for pools in found.values():
        pools.sort(key=lambda one: (one.price / one.resources.cores, one.resources.cores, one.name))
    return dict(sorted(found.items(), key=lambda one: (-one[0].priority, one[0].oldest, one[0].id)))


def _rooms(snapshot: Snapshot, vos: set[str]) -> dict[str, list[Room]]:
    """Return the VMs that are there or boot, by VO, the fullest first."""
    found: defaultdict[str, list[Room]] = defaultdict(list)
    for one in snapshot.fleet:
        if one.vm.vo in vos and one.vm.state in OFFERING:
            found[one.vm.vo].append(_room(one, snapshot))
    for rooms in found.values():
        rooms.sort(key=lambda room: room.cores)
    return dict(found)


def _room(one: Capacity, snapshot: Snapshot) -> Room:
    pool = snapshot.inventory.pools[one.vm.pool]
    left = one.vm.created_at + pool.max_life - snapshot.at
    return Room(pool, one.free, empty=not one.busy_slots, seconds_left=left)


def _rests(queues: Iterable[TaskQueue], rooms: dict[str, list[Room]]) -> dict[str, list[Rest]]:
    """Return what finds no room, by VO."""
    found: defaultdict[str, list[Rest]] = defaultdict(list)
    for queue in queues:
        left = put(queue, queue.waiting, rooms.get(queue.vo, ()))
        if left:
            found[queue.vo].append((queue, left))
    return found


def _packed(
    rests: Sequence[Rest], pools_of: dict[TaskQueue, list[Pool]], books: Books, snapshot: Snapshot
) -> list[Room]:
    """Return new VMs for these jobs."""
    new: list[Room] = []
    asked = defaultdict[str, int](int)
    for queue, count in rests:
        left = put(queue, count, [room for room in new if not room.full])
        while left:
            room = _opened(queue, left, pools_of[queue], books, asked, snapshot)
            if room is None:
                break
            new.append(room)
            asked[room.pool.name] += 1
            left = put(queue, left, (room,))
    return new


def _opened(
    queue: TaskQueue, left: int, pools: Sequence[Pool], books: Books, asked: dict[str, int], snapshot: Snapshot
) -> Room | None:
    """Return a new VM for some of these jobs, or None where limits leave room for none."""
    free = [pool for pool in pools if books.room(pool) > asked[pool.name]]
    if not free:
        return None
    endpoint = snapshot.inventory.endpoints[free[0].endpoint]
    use = books.use(endpoint, more=sum(asked.values()))
    place = min(len(free) - 1, sum(use >= share for share in CROWDED))
    while place and use < CROWDED[-1] and Room.new(free[place - 1]).holds(queue) >= left:
        place -= 1
    return Room.new(free[place])


def _launch(books: Books, rooms: Sequence[Room]) -> None:
    by_pool: defaultdict[str, list[Room]] = defaultdict(list)
    for room in rooms:
        by_pool[room.pool.name].append(room)
    for same in by_pool.values():
        books.launch(same[0].pool, min(len(same), books.room(same[0].pool)), sum(room.jobs for room in same))
