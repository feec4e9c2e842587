"""Overlays: other shapes, other priorities, a part of a trace."""

from __future__ import annotations

import random
from collections import defaultdict
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vmdirac_py.base.errors import BadInput, UnknownThing
from vmdirac_py.model.queue import CPU_SEGMENTS, Shape
from vmdirac_py.replay.api import Trace, TraceJob
from vmdirac_py.replay.overlay import Overlay, apply, overlay, read
from vmdirac_py.replay.users import user_of, work

SHAPES = """
seed: 7
shapes:
  - {share: 0.3, cores: 8}
  - {share: 0.2, cores: 2, ram_mb: 4000, gpus: 1, tags: [GPU]}
  - {share: 0.1, cores: 16, whole_node: true}
priorities:
  - {share: 0.5, priority: 10}
"""


def trace(users: int = 40, jobs: int = 400) -> Trace:
    """Return a trace of single-core jobs of several users."""
    dice = random.Random(1)
    shape = Shape(ram_mb=2000, cpu_seconds=3600)
    rows = [(dice.randrange(users), dice.uniform(10, 3600)) for _ in range(jobs)]
    made = (TraceJob(n, 60.0 * n, f"vo{u % 3}", f"u{u}", "g", shape, s) for n, (u, s) in enumerate(rows))
    return Trace("made", tuple(made))


def written(folder: Path, text: str) -> Overlay:
    """Return an overlay by way of a file."""
    (folder / "overlay.yml").write_text(text)
    return read(folder / "overlay.yml")


def test_the_same_seed_gives_the_same_trace(tmp_path: Path) -> None:
    """An overlay is a function of trace and seed; another seed chooses others."""
    over = written(tmp_path, SHAPES)
    assert apply(trace(), over) == apply(trace(), over)
    assert apply(trace(), over) != apply(trace(), written(tmp_path, SHAPES.replace("seed: 7", "seed: 8")))


def test_a_users_jobs_look_alike(tmp_path: Path) -> None:
    """All jobs of a user have one shape and one priority, and all kinds that were asked for are there."""
    looks = defaultdict(set)
    for job in apply(trace(), written(tmp_path, SHAPES)).jobs:
        looks[user_of(job)].add((job.shape.min_cores, job.shape.gpus, job.shape.whole_node, job.priority))
    assert all(len(kinds) == 1 for kinds in looks.values())
    assert {kind[0] for kinds in looks.values() for kind in kinds} == {1, 2, 8, 16}


def test_work_stays_and_shares_are_met(tmp_path: Path) -> None:
    """Every job keeps its core-seconds; a share is met as nearly as whole users allow, and not exceeded."""
    before = trace()
    after = apply(before, written(tmp_path, SHAPES))
    assert [work(job) for job in after.jobs] == pytest.approx([work(job) for job in before.jobs])
    total = sum(map(work, before.jobs))
    for cores, share in ((8, 0.3), (2, 0.2), (16, 0.1)):
        done = sum(work(job) for job in after.jobs if job.shape.min_cores == cores) / total
        assert share - 0.05 <= done <= share + 1e-6


def test_other_shapes_ask_for_what_they_need(tmp_path: Path) -> None:
    """More cores: less time asked for, memory by core; GPUs, tags and the whole node as the overlay says."""
    shapes = {job.shape.min_cores: job.shape for job in apply(trace(), written(tmp_path, SHAPES)).jobs}
    assert shapes[8] == Shape(8, 8, ram_mb=16000, cpu_seconds=1800)
    assert shapes[2] == Shape(2, 2, ram_mb=8000, gpus=1, cpu_seconds=1800, tags=("GPU",))
    assert shapes[16] == Shape(16, 16, whole_node=True, ram_mb=32000, cpu_seconds=360)


@given(st.integers(0, 5), st.floats(0, 1), st.integers(1, 1024))
def test_nobody_runs_longer_than_was_asked_for(seed: int, share: float, cores: int) -> None:
    """A job that ran within its requested time still does on any number of cores."""
    over = overlay({"seed": seed, "shapes": [{"share": share, "cores": cores}]})
    for job in apply(trace(users=5, jobs=20), over).jobs:
        assert job.seconds <= job.shape.cpu_seconds + 1e-9
        assert job.shape.cpu_seconds in CPU_SEGMENTS


def test_a_trace_can_be_cut_and_stretched(tmp_path: Path) -> None:
    """Kept are jobs of a stretch of time, which then begins at 0.0; `stretch` moves submissions apart."""
    jobs = apply(trace(), written(tmp_path, "{since: 600, until: 900, stretch: 0.5}")).jobs
    assert [job.at for job in jobs] == [0.0, 30.0, 60.0, 90.0, 120.0]
    assert [job.seconds for job in jobs] == [job.seconds for job in trace().jobs[10:15]]


def test_every_nth_user_is_kept_whole(tmp_path: Path) -> None:
    """Of every second user all jobs stay, of the others none."""
    jobs = apply(trace(), written(tmp_path, "users: 2")).jobs
    kept = {user_of(job) for job in jobs}
    assert len(kept) == 20
    assert len(jobs) == sum(user_of(job) in kept for job in trace().jobs)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("seeds: 1", "seeds"),
        ("shapes: [{share: 2}]", r"<= 1.*shapes\[0\].share"),
        ("shapes: [{share: 0.1, cores: 0}]", r">= 1.*shapes\[0\].cores"),
        ("shapes: [{share: .nan}]", "share"),
        ("shapes: [{share: 0.7}, {share: 0.7}]", r"shapes: the shares add up to 1.4"),
        ("priorities: [{share: 0.1, priority: 0}]", "priority"),
        ("{since: 5, until: 5}", "until: ends before it begins"),
        ("stretch: 0", "stretch"),
        ("stretch: .inf", "stretch"),
        ("[1, 2]", "object"),
        ("{", "cannot be read"),
        ("when: 2005-99-99", "cannot be read|when"),
    ],
)
def test_wrong_overlays_are_refused(tmp_path: Path, text: str, told: str) -> None:
    """What no overlay can say is refused with the file and the place in it."""
    with pytest.raises(BadInput, match=rf"overlay\.yml.*{told}"):
        written(tmp_path, text)


def test_an_overlay_that_leaves_nothing_is_refused(tmp_path: Path) -> None:
    """Cutting everything off is an error, as is a file that is not there."""
    with pytest.raises(BadInput, match="no job is left"):
        apply(trace(), written(tmp_path, "since: 1000000"))
    with pytest.raises(UnknownThing, match="no such file"):
        read(tmp_path / "nothing.yml")
