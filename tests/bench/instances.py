"""Small planning problems, drawn at random, with two limits in the way of the plan one would make without them."""

from __future__ import annotations

import random
from collections.abc import Mapping
from dataclasses import dataclass

from msgspec.structs import replace

from vmdirac_py.model.inventory import Endpoint, Inventory, Pool, Vo
from vmdirac_py.model.plan import Snapshot
from vmdirac_py.model.queue import Demand, Shape, TaskQueue
from vmdirac_py.model.resources import Resources

from .milp import Best, Problem, solve
from .world import AT

LEAST_VMS = 20
ROUGHLY = 0.02
"""How near to its optimum the problem without limits is solved: near enough to place the limits."""

WAITING, SPILL = 10.0, 2.0
"""What a waiting job costs: ten times the cheapest share of a VM that would serve it, at least twice the dearest."""


@dataclass(frozen=True, slots=True)
class Instance:
    """A snapshot, the same as a problem for the solver, and its optimum."""

    snapshot: Snapshot
    problem: Problem
    best: Best


def instance(dice: random.Random) -> Instance:
    """Draw until there is an instance whose optimum has 20 VMs and uses up two limits that cut into the free one.

    The result's optimum may be unproved, when the solver ran out of time; that is for the caller to count.
    """
    while True:
        snapshot = _unlimited(dice)
        free = solve(problem(snapshot), gap=ROUGHLY)
        if sum(free.vms.values()) < LEAST_VMS:
            continue
        limited = _limited(dice, snapshot, free.vms)
        made = problem(limited)
        best = solve(made)
        if not best.proved or (sum(best.vms.values()) >= LEAST_VMS and _bind(limited, best.vms)):
            return Instance(limited, made, best)


def _unlimited(dice: random.Random) -> Snapshot:
    while True:
        shapes = _shapes(dice)
        pools = _pools(dice, gpus=any(shape.gpus for shape in shapes))
        queues = tuple(
            TaskQueue(f"q{n}", "vo", "user", "vo_user", shape, 1.0, _jobs(dice, shape), AT - 3600)
            for n, shape in enumerate(shapes)
        )
        if all(_per_vm(queue, pools) for queue in queues):
            ends = {name: Endpoint(name, "local", name.upper(), ramp=100_000) for name in ("e0", "e1")}
            inventory = Inventory("bench", {"vo": Vo("vo")}, ends, pools)
            return Snapshot(AT, 1, inventory, Demand(AT, complete=True, source="bench", queues=queues), ())


def _shapes(dice: random.Random) -> list[Shape]:
    """Four to six different shapes of one to eight cores; in half of all instances one of them wants a GPU."""
    sizes = [(cores, cores * ram) for cores in (1, 2, 3, 4, 6, 8) for ram in (1000, 2000, 3000, 4000, 6000)]
    drawn = dice.sample(sizes, dice.randint(4, 6))
    shapes = [Shape(cores, cores, ram_mb=ram) for cores, ram in drawn]
    return [replace(shapes[0], gpus=1), *shapes[1:]] if dice.random() < 0.5 else shapes


def _jobs(dice: random.Random, shape: Shape) -> int:
    return max(3, round(dice.uniform(20, 250) / shape.min_cores))


def _pools(dice: random.Random, *, gpus: bool) -> Mapping[str, Pool]:
    """Three to five flavors on one endpoint or two; doubling a flavor does not double its price."""
    ends = ("e0",) if dice.random() < 0.5 else ("e0", "e0", "e1")
    pools = [_pool(dice, n, dice.choice(ends), gpus=gpus and not n) for n in range(dice.randint(3, 5))]
    return {pool.name: pool for pool in pools}


def _pool(dice: random.Random, n: int, endpoint: str, *, gpus: bool) -> Pool:
    cores, ram = dice.choice((4, 6, 8, 12, 16, 24, 32)), dice.choice((2000, 3000, 4000, 8000))
    cards = dice.randint(1, 4) if gpus or dice.random() < 0.15 else 0
    price = cores ** dice.uniform(0.85, 1.15) * (0.6 + ram / 10_000) + cards * dice.uniform(2, 8)
    size = Resources(cores, cores * ram, cards)
    return Pool(f"p{n}", endpoint, "vo", endpoint.upper(), "flavor", "image", size, price=round(price, 3))


def _limited(dice: random.Random, snapshot: Snapshot, vms: Mapping[str, int]) -> Snapshot:
    """Cut into what the unlimited optimum uses: VMs of its largest pool, cores of that one's endpoint."""
    things = snapshot.inventory
    largest = things.pools[max(vms, key=lambda name: (vms[name], name))]
    cores = sum(
        count * things.pools[name].resources.cores
        for name, count in vms.items()
        if things.pools[name].endpoint == largest.endpoint
    )
    pool = replace(largest, max_vms=int(vms[largest.name] * dice.uniform(0.4, 0.9)))
    endpoint = replace(things.endpoints[largest.endpoint], max_cores=int(cores * dice.uniform(0.6, 0.95)))
    pools, ends = {**things.pools, pool.name: pool}, {**things.endpoints, endpoint.name: endpoint}
    return replace(snapshot, inventory=replace(things, pools=pools, endpoints=ends))


def _bind(snapshot: Snapshot, vms: Mapping[str, int]) -> bool:
    """Tell whether the optimum leaves room for no further VM in the limited pool, nor in the limited endpoint."""
    made = problem(snapshot)
    used = [sum(uses.get(name, 0) * count for name, count in vms.items()) for uses, _ in made.bounds]
    return all(most - use < max(uses.values()) for use, (uses, most) in zip(used, made.bounds, strict=True))


def problem(snapshot: Snapshot) -> Problem:
    """Return the same in the solver's terms."""
    things, queues = snapshot.inventory, snapshot.demand.queues
    fits = [_per_vm(queue, things.pools) for queue in queues]
    shares = [[things.pools[name].price / count for name, count in some.items()] for some in fits]
    values = [max(WAITING * min(some), SPILL * max(some)) for some in shares]
    bounds = [({pool.name: 1}, pool.max_vms) for pool in things.pools.values() if pool.max_vms is not None]
    bounds += [
        (
            {pool.name: pool.resources.cores for pool in things.pools.values() if pool.endpoint == end.name},
            end.max_cores,
        )
        for end in things.endpoints.values()
        if end.max_cores is not None
    ]
    return Problem(
        jobs=[queue.waiting for queue in queues],
        needs=[_numbers(queue.shape.need) for queue in queues],
        values=values,
        sizes={name: _numbers(pool.resources) for name, pool in things.pools.items()},
        prices={name: pool.price for name, pool in things.pools.items()},
        bounds=bounds,
    )


def _per_vm(queue: TaskQueue, pools: Mapping[str, Pool]) -> Mapping[str, int]:
    counts = {name: _side_by_side(_numbers(queue.shape.need), _numbers(pool.resources)) for name, pool in pools.items()}
    return {name: count for name, count in counts.items() if count}


def _side_by_side(need: tuple[int, ...], size: tuple[int, ...]) -> int:
    return min(have // part for have, part in zip(size, need, strict=True) if part)


def _numbers(size: Resources) -> tuple[int, ...]:
    return size.cores, size.ram_mb, size.gpus
