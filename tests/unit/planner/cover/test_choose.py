"""New VMs beside those that are coming."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Sequence

import pytest
from msgspec.structs import replace

from vmdirac_py.model.resources import Resources
from vmdirac_py.planner.cover import Bound, Cover, Machine, Want, cover

FIRST = 10**6
"""A preference higher than that of any new machine."""


def machines(dice: random.Random) -> list[Machine]:
    """Four flavors, their prices about as their cores."""
    sizes = [(dice.choice((4, 6, 8, 12, 16, 24)), dice.choice((2000, 4000, 8000))) for _ in range(4)]
    return [
        Machine(f"p{n}", Resources(cores, cores * ram), round(cores * dice.uniform(0.8, 1.2), 2))
        for n, (cores, ram) in enumerate(sizes)
    ]


def jobs(dice: random.Random) -> list[tuple[int, Resources]]:
    """Six shapes of one to four cores, ten to a hundred jobs of each."""
    sizes = dice.sample([(cores, cores * ram) for cores in (1, 2, 3, 4) for ram in (500, 1000, 1500, 2000)], 6)
    return [(dice.randint(10, 100), Resources(cores, ram)) for cores, ram in sizes]


def wants(some: Sequence[tuple[int, Resources]], on: Sequence[Machine]) -> list[Want]:
    """Wants of the same rank that go wherever they fit."""
    return [
        Want(
            f"g{n}", count, need,
            tuple((at, min(one.size.cores // need.cores, one.size.ram_mb // need.ram_mb)) for at, one in enumerate(on)),
        )
        for n, (count, need) in enumerate(some)
    ]  # fmt: skip


def opened(found: Cover) -> Counter[int]:
    """How many VMs of each machine."""
    counts = Counter[int]()
    for fill in found.fills:
        counts[fill.machine] += fill.count
    return counts


def coming(on: Sequence[Machine], vms: Counter[int]) -> tuple[list[Machine], list[Bound]]:
    """The machines, and first of all so many VMs of each that are coming, no more."""
    more = [
        replace(on[at], pool=f"{on[at].pool}/0", price=0.0, bounds=(n,), preference=FIRST, coming=count)
        for n, (at, count) in enumerate(sorted(vms.items()))
    ]
    return [*on, *more], [Bound(one.coming) for one in more]


@pytest.mark.parametrize("seed", range(12))
def test_what_was_enough_is_enough_again(seed: int) -> None:
    """The VMs chosen for some jobs take these jobs when they come: the packing is found a second time."""
    dice = random.Random(seed)
    new, some = machines(dice), jobs(dice)
    on, bounds = coming(new, opened(cover(wants(some, new), new)))
    again = cover(wants(some, on), on, bounds)
    assert not any(again.unserved)
    assert min(opened(again)) >= len(new)


def test_what_is_missing_is_launched_beside_what_comes() -> None:
    """Sixteen cores are coming; of twenty jobs of a core each the other four get a new VM."""
    new = [Machine("p", Resources(8, 16_000))]
    on, bounds = coming(new, Counter({0: 2}))
    assert opened(cover(wants([(20, Resources(1, 1000))], on), on, bounds)) == {0: 1, 1: 2}


def test_nothing_is_launched_for_want_of_what_another_takes() -> None:
    """Where all are served by what comes, jobs that would go elsewhere as well leave room for those that cannot."""
    new = [Machine("p", Resources(8, 16_000))]
    on, bounds = coming(new, Counter({0: 1}))
    either, only = Want("a", 4, Resources(1, 1000), ((0, 8), (1, 8))), Want("b", 4, Resources(1, 1000), ((1, 8),))
    assert opened(cover([either, only], on, bounds)) == {1: 1}
