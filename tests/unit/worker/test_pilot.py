from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from vmdirac_py.worker.ce import MANY, Outcome
from vmdirac_py.worker.outbox import Outbox
from vmdirac_py.worker.pilot import Pilot
from vmdirac_py.worker.pool import Free, Pool
from vmdirac_py.worker.trust import Unreachable
from vmdirac_py.worker.wire import MatchAnswer, MatchAsk, Slot, Work


class HandCE:
    """An inner CE whose payloads end when the test says so."""

    def __init__(self) -> None:
        self.running: dict[int, Work] = {}

    def start(self, work: Work, _slot: Slot) -> HandCE.Handle:
        """Begin."""
        self.running[work.job] = work
        return HandCE.Handle(self, work)

    def leftovers(self) -> list[str]:
        """Return nothing."""
        return []

    class Handle:
        """One payload."""

        def __init__(self, ce: HandCE, work: Work) -> None:
            self.ce, self.work = ce, work

        def poll(self) -> Outcome | None:
            """Still running."""
            return None

        def kill(self) -> None:
            """End it."""
            self.ce.running.pop(self.work.job)


class Bench:
    """A pilot whose questions the test answers one by one."""

    def __init__(self, folder: Path) -> None:
        self.asks: queue.Queue[MatchAsk] = queue.Queue()
        self.answers: queue.Queue[Work | Exception | None] = queue.Queue()
        self.changes, self.life = threading.Condition(), 1000.0
        self.outbox, self.ce = Outbox(folder), HandCE()
        pool = Pool(Free(4, 4000, 0), MANY)
        self.pilot = Pilot(pool, self.ask, self.outbox, lambda: self.life, self.changed)
        self.pilot.start(self.ce)

    def ask(self, message: MatchAsk) -> MatchAnswer:
        """Pass the question to the test and its answer back."""
        self.asks.put(message)
        answer = self.answers.get()
        if isinstance(answer, Exception):
            raise answer
        return MatchAnswer(answer)

    def changed(self) -> None:
        """Wake who waits."""
        with self.changes:
            self.changes.notify_all()

    def asked(self) -> MatchAsk:
        """Return the next question."""
        return self.asks.get(timeout=10)

    def until(self, question: Callable[[], bool]) -> None:
        """Wait until `question` is true."""
        with self.changes:
            assert self.changes.wait_for(question, 10)

    def end(self, job: int) -> None:
        """End a payload."""
        self.pilot.ended(self.ce.running.pop(job), Outcome("Done", "", 0, ""))


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    """A pilot that has just been started."""
    return Bench(tmp_path)


def work(job: int, cores: int = 1) -> Work:
    """Return a job."""
    return Work(job, 1, cores, "x", "", "o", "e", False, [], {}, 0, 100)


def test_fills_until_nothing_matches(bench: Bench) -> None:
    """Each job that is given is followed by the next question at once, about what is still free."""
    assert bench.asked() == MatchAsk(
        4,
        4,
        4000,
        0,
        True,
        1000.0,
        ["WholeNode", "nProcessors", "MultiProcessor", "any"],
    )
    bench.answers.put(work(1, 3))
    second = bench.asked()
    assert (second.free_cores, second.free_ram_mb, second.empty, second.wishes) == (1, 3900, False, ["any"])


def test_a_freed_slot_is_offered_at_once(bench: Bench) -> None:
    """The end of a payload wakes a pilot that waits after failed matches, however long its wait."""
    bench.asked()
    bench.answers.put(work(1, 2))
    bench.asked()
    bench.answers.put(None)
    bench.until(lambda: bench.pilot.status().failed_matches == 1)
    bench.pilot._pace._due = time.monotonic() + 1000.0
    bench.end(1)
    assert bench.asked().free_cores == 4


def test_a_full_pilot_asks_nothing(bench: Bench) -> None:
    """Without free cores there is no question, until a payload ends."""
    bench.asked()
    bench.answers.put(work(1, 4))
    bench.until(lambda: bool(bench.pilot.status().slots))
    assert bench.asks.empty()
    bench.end(1)
    assert bench.asked().free_cores == 4


def test_an_outage_is_no_failed_match(bench: Bench) -> None:
    """A question nobody answered does not count as "nothing matched"."""
    bench.asked()
    bench.answers.put(Unreachable("gone"))
    bench.until(lambda: bench.pilot.status().busy == 0)
    assert bench.pilot.status().failed_matches == 0


def test_closing_waits_for_an_answer_on_its_way(bench: Bench) -> None:
    """A closed pilot is not empty while a match is in flight, and still runs the job it is given."""
    bench.asked()
    assert bench.pilot.close() is False
    bench.answers.put(work(1))
    bench.until(lambda: bool(bench.pilot.status().slots))
    assert bench.pilot.close() is False
    bench.end(1)
    assert bench.pilot.close() is True
    assert bench.asks.empty()


def test_a_job_that_arrives_after_a_halt_is_not_started(bench: Bench) -> None:
    """A match in flight while the VM is halted starts nothing and reports nothing."""
    bench.asked()
    bench.pilot.kill_all()
    bench.answers.put(work(1))
    bench.until(lambda: bench.pilot.status().busy == 0)
    assert bench.ce.running == {}
    assert bench.outbox.waiting() == 0


def test_near_its_end_a_vm_asks_nothing(bench: Bench) -> None:
    """With no seconds left for jobs, a freed slot is not offered."""
    bench.asked()
    bench.answers.put(work(1))
    bench.asked()
    bench.life = 0.0
    bench.answers.put(None)
    bench.end(1)
    bench.until(lambda: bench.pilot.status().busy == 0)
    assert bench.pilot._pause() > 0
    assert bench.asks.empty()


def test_a_broken_inner_ce_is_told(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """When payloads can no more be started, the pilot says so instead of dying in silence."""
    monkeypatch.setattr(bench.ce, "start", None)
    bench.asked()
    bench.answers.put(work(1))
    bench.until(lambda: "TypeError" in bench.pilot.status().broken)


@pytest.mark.parametrize("end", [lambda pilot: pilot.kill(1), lambda pilot: pilot.fail(1, "no time left")])
def test_a_killed_payloads_slot_is_free_once_it_is_gone(bench: Bench, end: Callable[[Pilot], None]) -> None:
    """What is being ended keeps its slot: whoever got it would be the same unix user."""
    bench.asked()
    bench.answers.put(work(1))
    bench.until(lambda: 1 in bench.ce.running)
    end(bench.pilot)
    assert (bench.pilot.status().free_cores, bench.pilot.works()) == (3, [])
    bench.pilot.gone(work(1))
    assert bench.pilot.status().free_cores == 4


@pytest.mark.parametrize("error", [RuntimeError("can't start new thread"), OSError(28, "No space left on device")])
def test_a_payload_that_cannot_begin_is_given_back(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    """A machine that cannot begin a payload gives its job back, holds nothing for it, and asks on."""

    def fail(_: Work, __: Slot) -> None:
        raise error

    monkeypatch.setattr(bench.ce, "start", fail)
    bench.asked()
    bench.answers.put(work(1))
    bench.until(lambda: bench.outbox.waiting() == 1)
    assert bench.outbox.first()[1].state == "Returned"
    assert bench.outbox.begun() == []
    assert bench.pilot.status().free_cores == 4
    bench.answers.put(None)
    bench.asked()
    assert not bench.pilot.status().broken


def test_a_vm_that_can_begin_no_payload_gives_up(bench: Bench) -> None:
    """Three payloads in a row that could not begin here are given back, and no more are asked for."""
    unfit = Outcome("Returned", "Its VM cannot begin: No space left on device", None, "")
    for job in (1, 2, 3):
        bench.pilot.limit_wait(0.01)
        bench.asked()
        bench.answers.put(work(job, 4))
        bench.until(lambda job=job: job in bench.ce.running)  # type: ignore[misc]
        assert not bench.pilot.status().broken
        bench.pilot.ended(bench.ce.running.pop(job), unfit)
    assert bench.pilot.status().broken == f"3 payloads in a row could not begin: {unfit.minor}"
    assert bench.pilot._pause() > 1
    assert bench.outbox.begun() == []


def test_a_payload_that_ran_clears_the_count(bench: Bench) -> None:
    """Only payloads in a row tell of a broken VM."""
    for job in (1, 2, 3, 4):
        bench.pilot.ended(work(job), Outcome("Returned", "no room", None, ""))
        bench.pilot.ended(work(job), Outcome("Failed", "Application exit code 1", 1, ""))
    assert not bench.pilot.status().broken


def test_a_vm_is_empty_once_its_reports_have_arrived(bench: Bench) -> None:
    """What ended is not over before the manager knows: it would be given again as a job whose match was lost."""
    bench.asked()
    bench.answers.put(work(1, 4))
    bench.until(lambda: 1 in bench.ce.running)
    bench.end(1)
    assert not bench.asked().empty
    path, _, _ = bench.outbox.first()
    path.unlink()
    bench.answers.put(None)
    assert bench.asked().empty
