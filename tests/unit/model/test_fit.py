import pytest
from msgspec.structs import replace

from vmdirac_py.model.fit import Offer, Wish, cores_given, misfit, wanted_by
from vmdirac_py.model.inventory import Pool
from vmdirac_py.model.queue import Shape, TaskQueue
from vmdirac_py.model.resources import Resources

SIZE = Resources(8, 16_000, 1, 100)
OFFER = Offer("lhcb", "LCG.CERN.ch", SIZE, SIZE, empty=True, tags=("AVX",), platform="el9", seconds_left=90_000.0)
BUSY = replace(OFFER, free=Resources(4, 8_000, 0), empty=False)


def queue(shape: Shape, vo: str = "lhcb") -> TaskQueue:
    """One waiting job of this shape."""
    return TaskQueue("q", vo, "user", "group", shape, 1.0, 1, 0.0)


@pytest.mark.parametrize(
    ("shape", "offer", "code"),
    [
        (Shape(sites=("LCG.GRIDKA.de",)), OFFER, "misfit.site"),
        (Shape(banned_sites=("LCG.CERN.ch",)), OFFER, "misfit.banned_site"),
        (Shape(platforms=("el8",)), OFFER, "misfit.platform"),
        (Shape(tags=("AVX", "GPU")), OFFER, "misfit.tags"),
        (Shape(cpu_seconds=90_001), OFFER, "misfit.cpu_time"),
        (Shape(whole_node=True), BUSY, "misfit.not_empty"),
        (Shape(5, 8), BUSY, "misfit.cores"),
        (Shape(ram_mb=8_001), BUSY, "misfit.ram"),
        (Shape(gpus=1), BUSY, "misfit.gpus"),
        (Shape(disk_gb=101), OFFER, "misfit.disk"),
    ],
)
def test_one_wrong_thing_is_named(shape: Shape, offer: Offer, code: str) -> None:
    """Each rule of the Matcher refuses by its own name."""
    reason = misfit(queue(shape), offer)
    assert reason
    assert reason.code == code


@pytest.mark.parametrize(
    ("shape", "offer"),
    [
        (Shape(), OFFER),
        (Shape(sites=("LCG.CERN.ch", "LCG.GRIDKA.de")), OFFER),
        (Shape(banned_sites=("LCG.GRIDKA.de",)), OFFER),
        (Shape(platforms=("el8", "el9")), OFFER),
        (Shape(tags=("AVX",)), OFFER),
        (Shape(cpu_seconds=90_000), OFFER),
        (Shape(whole_node=True), OFFER),
        (Shape(4, 16, ram_mb=8_000), BUSY),
        (Shape(8, 8, ram_mb=16_000, gpus=1), OFFER),
        (Shape(disk_gb=100), OFFER),
    ],
)
def test_a_fitting_job_fits(shape: Shape, offer: Offer) -> None:
    """No wish, or a wish that is met, to the last megabyte."""
    assert misfit(queue(shape), offer) is None


def test_another_vo_never_fits() -> None:
    """A VM of one VO never runs another VO's job, whatever its shape."""
    reason = misfit(queue(Shape(), vo="ilc"), OFFER)
    assert reason
    assert reason.as_dict == {"wants": "ilc", "has": "lhcb"}


def test_cores_given_follow_the_shape() -> None:
    """A whole node gets all, others as many as they can use of what is free."""
    assert cores_given(Shape(1, 1, whole_node=True), OFFER) == 8
    assert cores_given(Shape(1, 2), BUSY) == 2
    assert cores_given(Shape(1, 16), BUSY) == 4


@pytest.mark.parametrize(
    ("wish", "shape", "offer", "wanted"),
    [
        (Wish.WHOLE_NODE, Shape(whole_node=True), OFFER, True),
        (Wish.WHOLE_NODE, Shape(whole_node=True), BUSY, False),
        (Wish.WHOLE_NODE, Shape(), OFFER, False),
        (Wish.ALL_FREE, Shape(2, 4), BUSY, True),
        (Wish.ALL_FREE, Shape(2, 3), BUSY, False),
        (Wish.ALL_FREE, Shape(1, 1), replace(BUSY, free=Resources(1, 8_000)), False),
        (Wish.MULTI, Shape(1, 2), BUSY, True),
        (Wish.MULTI, Shape(1, 1), BUSY, False),
        (Wish.ANY, Shape(1, 1), BUSY, True),
    ],
)
def test_wishes_pick_their_kind_of_job(wish: Wish, shape: Shape, offer: Offer, wanted: bool) -> None:  # noqa: FBT001 - a table's column
    """Whole nodes only on an empty VM, then exactly the free cores, then multi-core, then any."""
    assert wanted_by(wish, shape, offer) is wanted


def test_an_empty_vm_of_a_pool_offers_life_after_the_longest_boot() -> None:
    """What a pool promises holds even for a VM that boots as slowly as allowed."""
    pool = Pool("p", "e", "lhcb", "LCG.CERN.ch", "f", "i", SIZE, max_life=10_000.0, boot_deadline=1_000.0)
    assert Offer.of_pool(pool).seconds_left == 9_000.0


@pytest.mark.parametrize(("benchmark", "fits"), [(0.5, False), (1.0, False), (2.0, True)])
def test_cpu_time_is_asked_in_the_norm(benchmark: float, fits: bool) -> None:  # noqa: FBT001 - a table's column
    """A core twice as fast as the norm does 18,000 s of work in the 9,000 s it has."""
    pool = Pool(
        "p", "e", "lhcb", "LCG.CERN.ch", "f", "i", SIZE, max_life=10_000.0, boot_deadline=1_000.0, benchmark=benchmark
    )
    assert (misfit(queue(Shape(cpu_seconds=18_000)), Offer.of_pool(pool)) is None) is fits


def test_fingerprints_tell_shapes_apart() -> None:
    """Equal shapes have one fingerprint, different ones have different ones."""
    assert Shape(2, 4).fingerprint == Shape(2, 4).fingerprint
    assert len({shape.fingerprint for shape in (Shape(), Shape(2, 2), Shape(disk_gb=1), Shape(tags=("A",)))}) == 4
