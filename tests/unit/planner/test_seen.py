"""A fall of demand that nobody can explain."""

from __future__ import annotations

from typing import Any

from msgspec.structs import replace

from vmdirac_py.model.plan import Finished, Snapshot
from vmdirac_py.planner.seen import HELD_SECONDS, Seen, see


class Course:
    """Snapshots one after another."""

    def __init__(self, build: Any) -> None:
        self.build, self.at, self.seen = build, build.AT, Seen()

    def then(self, waiting: int, *, after: float = 30.0, busy: int = 0, finished: tuple[int, ...] = ()) -> bool:
        """See a snapshot some seconds later; tell whether demand is not believed now."""
        self.at += after
        self.seen = see(self.seen, self.snapshot(waiting, busy, finished))
        return self.at < self.seen.held_until

    def snapshot(self, waiting: int, busy: int, finished: tuple[int, ...]) -> Snapshot:
        """So many jobs wait, so many payloads run, and those have ended."""
        pool = self.build.pool()
        fleet = [self.build.vm(pool, busy=busy)] if busy else []
        ended = tuple(Finished(seq, "vo", "u", "g", 1.0, 360) for seq in finished)
        made: Snapshot = self.build.snapshot([pool], [self.build.queue(waiting)] if waiting else [], fleet)
        return replace(made, at=self.at, finished=ended)


def test_a_large_demand_that_vanishes_is_not_believed(build: Any) -> None:
    """For ten minutes; and it says how many jobs went."""
    course = Course(build)
    assert not course.then(1000)
    assert course.then(20)
    assert course.seen.vanished == 980
    assert course.then(20, after=HELD_SECONDS - 1)
    assert not course.then(20, after=1.0)


def test_it_is_believed_again_when_it_is_back(build: Any) -> None:
    """Most of it is enough."""
    course = Course(build)
    course.then(1000)
    assert course.then(0)
    assert not course.then(600)


def test_a_fall_in_two_steps_is_one_fall(build: Any) -> None:
    """Measured from the highest demand of the last minute."""
    course = Course(build)
    course.then(1000)
    assert not course.then(300, after=10)
    assert course.then(20, after=10)


def test_matched_and_finished_jobs_explain_a_fall(build: Any) -> None:
    """What runs or has run did not vanish, each ended payload counted once."""
    course = Course(build)
    course.then(200)
    assert not course.then(0, busy=150)
    course = Course(build)
    course.then(200)
    course.then(100, after=5, finished=tuple(range(1, 101)))
    assert not course.then(0, after=5, finished=tuple(range(1, 201)))
    course = Course(build)
    course.then(2000)
    course.then(1990, after=5, finished=tuple(range(1, 101)))
    assert course.then(0, after=5, finished=tuple(range(1, 101)))


def test_a_small_demand_and_a_slow_fall_are_the_course_of_things(build: Any) -> None:
    """A user who kills ninety jobs, a queue that runs out in minutes, and a planner that slept for long."""
    course = Course(build)
    course.then(90)
    assert not course.then(0)
    course = Course(build)
    assert not any(course.then(waiting, after=61) for waiting in range(1000, 0, -150))
    course = Course(build)
    course.then(1000)
    assert not course.then(0, after=3600)


def test_a_clock_that_jumps_back_holds_nothing(build: Any) -> None:
    """What was seen in the future is forgotten."""
    course = Course(build)
    course.then(1000)
    assert not course.then(0, after=-5000)
