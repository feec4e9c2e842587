"""A large world to plan in, made from a fixed seed."""

from __future__ import annotations

import random

from vmdirac_py.model.inventory import Endpoint, Inventory, Pool, Vo
from vmdirac_py.model.plan import Snapshot
from vmdirac_py.model.queue import CPU_SEGMENTS, Demand, Shape, TaskQueue
from vmdirac_py.model.resources import Resources
from vmdirac_py.model.vm import Capacity, Run, Vm, VmState

AT = 1_800_000_000.0
LONGEST = 10_000
"""Seconds that the queue that waits longest has waited, however many there are: young jobs are held for company."""
VOS = 10
ENDPOINTS = 10
STATES = (*[VmState.RUNNING] * 8, VmState.SUBMITTED, VmState.DRAINING)


def inventory(dice: random.Random, pools: int) -> Inventory:
    """Ten VOs on ten endpoints, with limits here and there."""
    vos = {f"vo{n}": Vo(f"vo{n}", max_cores=20_000 if n % 3 == 0 else None) for n in range(VOS)}
    endpoints = {f"e{n}": Endpoint(f"e{n}", "local", f"SITE.{n}", max_vms=2_000, ramp=500) for n in range(ENDPOINTS)}
    made = [_pool(dice, n) for n in range(pools)]
    return Inventory("bench", vos, endpoints, {pool.name: pool for pool in made})


def _pool(dice: random.Random, n: int) -> Pool:
    cores, endpoint = dice.choice((1, 2, 4, 8, 16, 32)), n // VOS % ENDPOINTS
    size = Resources(cores, cores * dice.choice((2000, 4000)), gpus=int(n % 7 == 0))
    return Pool(
        f"p{n:04}", f"e{endpoint}", f"vo{n % VOS}", f"SITE.{endpoint}", "flavor", "image", size,
        tags=("GPU",) if size.gpus else (), max_vms=200,
        price=cores * dice.uniform(0.5, 2), priority=dice.randint(0, 2),
    )  # fmt: skip


def queue(dice: random.Random, n: int, jobs: int, waited: float) -> TaskQueue:
    """One of many shapes, its oldest job `waited` so many seconds; one in twenty can be served by no pool."""
    cores = dice.choice((1, 1, 1, 1, 2, 4, 8)) if n % 20 else 128
    sites = (f"SITE.{dice.randrange(ENDPOINTS)}",) if n % 5 == 0 else ()
    shape = Shape(
        cores, cores, whole_node=n % 50 == 1, ram_mb=cores * dice.choice((0, 1000, 2000)),
        cpu_seconds=dice.choice(CPU_SEGMENTS[:8]), sites=sites,
    )  # fmt: skip
    return TaskQueue(
        f"q{n}", f"vo{n % VOS}", f"user{n % 97}", f"vo{n % VOS}_user", shape, 1.0 + n % 3, jobs, AT - waited
    )


def capacity(dice: random.Random, n: int, pools: list[Pool]) -> Capacity:
    """A VM somewhere in its life; when it runs, some of its cores run one-core payloads of six owners."""
    pool, state = dice.choice(pools), dice.choice(STATES)
    since = AT - dice.randint(0, 10 * 86400)
    vm = Vm(f"vm-{n}", "b", pool.endpoint, pool.name, pool.vo, pool.resources, state, since, since, AT, f"i-{n}")
    used = dice.randint(0, pool.resources.cores) if state is VmState.RUNNING else 0
    runs = tuple(_run(dice, pool.vo) for _ in range(used))
    return Capacity(vm, pool.resources - Resources(used, used * 2000), used, runs)


def _run(dice: random.Random, vo: str) -> Run:
    return Run(f"user{dice.randrange(6)}", f"{vo}_user", AT - dice.randint(0, 86400), 1, dice.choice(CPU_SEGMENTS[4:8]))


def snapshot(jobs: int, queues: int, pools: int, vms: int) -> Snapshot:
    """The whole, from a fixed seed."""
    dice = random.Random(2005)
    things = inventory(dice, pools)
    waiting = tuple(queue(dice, n, jobs // queues, n * LONGEST / queues) for n in range(queues))
    fleet = tuple(capacity(dice, n, list(things.pools.values())) for n in range(vms))
    return Snapshot(AT, 1, things, Demand(AT, complete=True, source="bench", queues=waiting), fleet)
