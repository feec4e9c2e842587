import random
from collections import Counter
from collections.abc import Sequence
from typing import NamedTuple

from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from vmdirac_py.model.resources import Resources
from vmdirac_py.planner.cover import Bound, Cover, Machine, Want, cover

PARTS = ("cores", "ram_mb", "gpus", "disk_gb")


class World(NamedTuple):
    """What `cover` is given."""

    wants: Sequence[Want]
    machines: Sequence[Machine]
    bounds: Sequence[Bound]


def per_vm(need: Resources, size: Resources) -> int:
    """How many such jobs run side by side on such a VM."""
    return min(getattr(size, part) // getattr(need, part) for part in PARTS if getattr(need, part))


def want(group: str, jobs: int, need: Resources, machines: Sequence[Machine], **more: object) -> Want:
    """Jobs that may run wherever they fit."""
    counts = [(at, per_vm(need, machine.size)) for at, machine in enumerate(machines)]
    fits = tuple((at, 1 if more.get("whole_node") else count) for at, count in counts if count)
    return replace(Want(group, jobs, need, fits), **more)  # type: ignore[arg-type]


def served(found: Cover) -> Counter[int]:
    """Jobs on new VMs by want."""
    counts = Counter[int]()
    for fill in found.fills:
        for which, jobs in fill.jobs:
            counts[which] += jobs * fill.count
    return counts


def vms(found: Cover) -> Counter[int]:
    """New VMs by machine."""
    counts = Counter[int]()
    for fill in found.fills:
        counts[fill.machine] += fill.count
    return counts


def cost(world: World, found: Cover) -> float:
    """What the new VMs cost."""
    return sum(world.machines[machine].price * count for machine, count in vms(found).items())


@st.composite
def worlds(draw: st.DrawFn, *, ranks: Sequence[float] = (0.0, 1.0), most: int = 4) -> World:
    """Small worlds with shared bounds, every part of a machine's size, and any prices."""
    bounds = [Bound(draw(st.integers(-1, 40)), draw(st.booleans())) for _ in range(draw(st.integers(0, 3)))]
    some = st.lists(st.sampled_from(range(len(bounds))), unique=True).map(tuple) if bounds else st.just(())
    machines = [
        Machine(
            f"p{n}",
            Resources(
                cores := draw(st.sampled_from((1, 2, 4, 8, 12))), cores * draw(st.sampled_from((1000, 2000))),
                draw(st.integers(0, 2)), draw(st.sampled_from((20, 80))),
            ),
            draw(st.sampled_from((0.0, 1.0, 2.5, 8.0))), draw(some), draw(st.integers(0, 1)),
        )
        for n in range(draw(st.integers(1, most)))
    ]  # fmt: skip
    needs = st.builds(
        Resources, st.sampled_from((1, 2, 3, 8)), st.sampled_from((0, 500, 1500, 4000)), st.sampled_from((0, 0, 1)),
        st.sampled_from((0, 10, 30)),
    )  # fmt: skip
    wants = [
        want(
            f"g{n}", draw(st.integers(0, 40)), draw(needs), machines, rank=draw(st.sampled_from(ranks)),
            whole_node=draw(st.integers(0, 4)) == 0,
        )
        for n in range(draw(st.integers(0, 5)))
    ]  # fmt: skip
    return World(wants, machines, bounds)


def crowded(world: World) -> World:
    """The same wants many times over: too many for the near-optimal method."""
    copies = [replace(one, group=f"{one.group}/{n}", jobs=one.jobs // 4) for one in world.wants for n in range(9)]
    return world._replace(wants=copies)


anything = worlds() | worlds().map(crowded)


@given(anything)
def test_every_job_is_counted_once(world: World) -> None:
    """What is served and what is left is what was asked for."""
    found = cover(*world)
    both = served(found) + Counter(dict(enumerate(found.unserved)))
    assert both == +Counter({at: one.jobs for at, one in enumerate(world.wants)})
    assert min(found.unserved, default=0) >= 0


@given(anything)
def test_no_bound_is_exceeded(world: World) -> None:
    """New VMs keep every bound, in VMs or cores; what is over its bound already gets none."""
    found = vms(cover(*world))
    for at, bound in enumerate(world.bounds):
        mine = [(one.size.cores, found[n]) for n, one in enumerate(world.machines) if at in one.bounds]
        assert sum((cores if bound.by_core else 1) * count for cores, count in mine) <= max(0, bound.left)


@given(anything)
def test_no_vm_is_over_filled(world: World) -> None:
    """A VM holds what fits it in cores, memory, GPUs and disk; a whole-node job is alone; none is empty."""
    for fill in cover(*world).fills:
        held = [(world.wants[which], jobs) for which, jobs in fill.jobs]
        assert fill.count > 0
        assert all(jobs > 0 and fill.machine in dict(one.fits) for one, jobs in held)
        for part in PARTS:
            used = sum(getattr(one.need, part) * jobs for one, jobs in held)
            assert used <= getattr(world.machines[fill.machine].size, part)
        if any(one.whole_node for one, _ in held):
            assert [jobs for _, jobs in held] == [1]


@given(anything)
def test_nothing_waits_that_may_be_served(world: World) -> None:
    """A job waits only if no machine fits it, or those that do are bound; and the bounds are named."""
    found = cover(*world)
    use = Counter[int]()
    for machine, count in vms(found).items():
        for at in world.machines[machine].bounds:
            use[at] += count * (world.machines[machine].size.cores if world.bounds[at].by_core else 1)
    binding = set()
    for one, left in zip(world.wants, found.unserved, strict=True):
        for machine, _ in one.fits if left else ():
            size, bounds = world.machines[machine].size, world.machines[machine].bounds
            full = {
                at for at in bounds
                if use[at] + (size.cores if world.bounds[at].by_core else 1) > world.bounds[at].left
            }  # fmt: skip
            assert full
            binding |= full
    assert found.binding == binding


@given(anything, st.randoms(use_true_random=False))
def test_the_order_of_the_input_does_not_matter(world: World, dice: random.Random) -> None:
    """The same facts give the same VMs and leave the same jobs waiting."""
    order, machines = dice.sample(range(len(world.wants)), len(world.wants)), list(range(len(world.machines)))
    dice.shuffle(machines)
    place = {old: new for new, old in enumerate(machines)}
    moved = [
        replace(one, fits=tuple(dice.sample(fits, len(fits))))
        for one in (world.wants[at] for at in order)
        for fits in [[(place[machine], count) for machine, count in one.fits]]
    ]
    first, second = cover(*world), cover(moved, [world.machines[at] for at in machines], world.bounds)
    assert {world.machines[at].pool: count for at, count in vms(first).items()} == {
        world.machines[machines[at]].pool: count for at, count in vms(second).items()
    }
    assert [first.unserved[at] for at in order] == list(second.unserved)


@given(worlds())
def test_a_higher_rank_comes_first(world: World) -> None:
    """However many jobs of lower rank there are, those of the highest are served as if they were alone."""
    high = [replace(one, jobs=one.jobs if one.rank else 0) for one in world.wants]
    together, alone = cover(*world), cover(high, *world[1:])
    assert all(
        mine <= its for one, mine, its in zip(world.wants, together.unserved, alone.unserved, strict=True) if one.rank
    )


@given(worlds(), st.integers(1, 1000))
def test_without_bounds_all_that_fits_is_served(world: World, times: int) -> None:
    """Nothing that fits a machine is left, however many jobs there are."""
    free = [replace(one, bounds=()) for one in world.machines]
    many = [replace(one, jobs=one.jobs * times) for one in world.wants]
    found = cover(many, free)
    assert list(found.unserved) == [0 if one.fits else one.jobs for one in many]


@given(st.integers(0, 60), st.integers(0, 60), st.booleans(), st.integers(1, 200))
def test_more_room_never_serves_less(low: int, high: int, by_core: bool, jobs: int) -> None:  # noqa: FBT001 - drawn
    """With one shape, a higher bound serves at least as many, whatever the flavors."""
    machines = [Machine(f"p{cores}", Resources(cores, cores * 2000), cores**0.9, (0,)) for cores in (3, 8, 16)]
    wants = [want("g", jobs, Resources(2, 3000), machines)]
    less, more = (cover(wants, machines, [Bound(left, by_core)]).unserved[0] for left in sorted((low, high)))
    assert more <= less


def test_eighty_one_core_jobs_give_ten_vms() -> None:
    """80 one-core jobs on 8-core flavors give 10 VMs."""
    machines = [Machine("p8", Resources(8, 16000), 1.0)]
    found = cover([want("g", 80, Resources(1, 2000), machines)], machines)
    assert vms(found) == {0: 10}


def test_one_job_gives_one_vm() -> None:
    """A job is worth a VM of its own, however small its part of it."""
    machines = [Machine("p64", Resources(64, 128000), 9.0)]
    assert vms(cover([want("g", 1, Resources(1, 2000), machines)], machines)) == {0: 1}


def test_different_shapes_share_a_vm() -> None:
    """Jobs short of memory and jobs short of cores are put together where that saves VMs."""
    machines = [Machine("p", Resources(8, 16000), 1.0)]
    wants = [want("cores", 10, Resources(7, 2000), machines), want("ram", 10, Resources(1, 14000), machines)]
    assert vms(cover(wants, machines)) == {0: 10}


def test_the_cheapest_flavors_are_chosen() -> None:
    """Large VMs for the bulk, a small one for the rest, when that is cheapest."""
    machines = [Machine("big", Resources(16, 32000), 14.0), Machine("small", Resources(4, 8000), 4.0)]
    assert vms(cover([want("g", 35, Resources(1, 2000), machines)], machines)) == {0: 2, 1: 1}


def test_many_vos_are_covered_as_well_as_one() -> None:
    """Wants that share no machine are each covered in the near-optimal way, though together they are too many."""
    big, small = Machine("", Resources(16, 32000), 14.0), Machine("", Resources(4, 8000), 4.0)
    machines = [replace(one, pool=f"{n:02}/{one.price}") for n in range(20) for one in (big, small)]
    wants = [Want(f"{n}", 30, Resources(1, 2000), ((2 * n, 16), (2 * n + 1, 4))) for n in range(20)]
    assert vms(cover(wants, machines)) == {2 * n: 2 for n in range(20)}


def test_without_prices_cores_count() -> None:
    """Where nothing has a price, fewest cores are launched."""
    machines = [Machine("big", Resources(16, 32000)), Machine("small", Resources(4, 8000))]
    assert vms(cover([want("g", 5, Resources(1, 2000), machines)], machines)) == {1: 2}


def test_preferred_machines_come_first() -> None:
    """A preferred machine is taken though it is dearer, and the other one when it is full."""
    machines = [
        Machine("near", Resources(8, 16000), 3.0, bounds=(0,), preference=1),
        Machine("far", Resources(8, 16000), 1.0),
    ]
    found = cover([want("g", 80, Resources(1, 2000), machines)], machines, [Bound(4)])
    assert vms(found) == {0: 4, 1: 6}


def test_however_many_preferences_the_first_is_taken() -> None:
    """With fifty preferences the best is taken as far as it goes, then the next."""
    machines = [Machine(f"{n:02}", Resources(8, 16000), 1.0, (n,), preference=-n) for n in range(50)]
    found = cover([want("g", 40, Resources(1, 2000), machines)], machines, [Bound(2)] * 50)
    assert vms(found) == {0: 2, 1: 2, 2: 1}


def test_who_can_go_elsewhere_makes_room() -> None:
    """A job that only a preferred or free machine fits is served there, and the others go to less preferred ones."""
    for near, far in (({"preference": 2}, {"preference": 1}), ({"price": 0.0}, {"price": 1.0})):
        machines = [
            Machine("near", Resources(8, 16000, 1), bounds=(0,), **near),
            Machine("far", Resources(8, 16000), **far),
        ]
        machines.append(Machine("third", Resources(1, 500)))
        wants = [want("gpu", 2, Resources(8, 4000, 1), machines), want("cpu", 2, Resources(8, 4000), machines)]
        found = cover(wants, machines, [Bound(2)])
        assert vms(found) == {0: 2, 1: 2}


def test_jobs_spill_over_to_dear_machines() -> None:
    """However dear the machines that are left: no job waits while one of them may be launched."""
    machines = [Machine("free", Resources(8, 16000), 0.0, (0,)), Machine("dear", Resources(8, 16000), 500.0)]
    found = cover([want("g", 32, Resources(1, 2000), machines)], machines, [Bound(1)])
    assert vms(found) == {0: 1, 1: 3}


def test_a_bound_in_vms_is_spent_on_the_most_valuable_mix() -> None:
    """Where only two VMs may be had they hold the jobs that count most, not the first ones."""
    machines = [Machine("p", Resources(8, 64000), 1.0, (0,))]
    wants = [want("a", 10, Resources(5, 5000), machines), want("b", 4, Resources(4, 4000), machines)]
    assert cover(wants, machines, [Bound(2)]).unserved == (8, 4)


@settings(max_examples=20)
@given(worlds(ranks=(0.0,)), st.integers(2, 10_000))
def test_many_jobs_cost_no_more_than_in_parts(world: World, times: int) -> None:
    """So many times the jobs never cost more than so many times the VMs."""
    free = world._replace(machines=[replace(one, bounds=(), preference=0) for one in world.machines])
    many = free._replace(wants=[replace(one, jobs=one.jobs * times) for one in free.wants])
    assert cost(many, cover(*many)) <= cost(free, cover(*free)) * times * 1.05
