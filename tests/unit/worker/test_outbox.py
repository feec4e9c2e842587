from __future__ import annotations

from pathlib import Path

from tests.doubles.certificates import TestAuthority
from tests.support.wait import until
from vmdirac_py.worker.client import Client
from vmdirac_py.worker.outbox import Courier, Outbox
from vmdirac_py.worker.trust import Manager
from vmdirac_py.worker.wire import Report, Work


def report(job: int) -> Report:
    """Return a report."""
    return Report(job, 1, "Done", "Application finished", 0, "")


def test_oldest_first_also_after_a_restart(tmp_path: Path) -> None:
    """Reports keep their order, and a new worker on the same folder goes on behind them."""
    Outbox(tmp_path).put(report(1), "/out/1")
    Outbox(tmp_path).put(report(2))
    again = Outbox(tmp_path)
    assert again.waiting() == 2
    path, first, output = again.first()
    assert (first, output) == (report(1), "/out/1")
    path.unlink()
    assert again.first()[1] == report(2)


def test_the_jobs_whose_reports_wait(tmp_path: Path) -> None:
    """Each is named once, however many reports of it wait, and no more when all are gone."""
    outbox = Outbox(tmp_path)
    for job in (2, 1, 2):
        outbox.put(report(job))
    assert outbox.jobs() == [1, 2]
    outbox.first()[0].unlink()
    assert outbox.jobs() == [1, 2]
    outbox.first()[0].unlink()
    assert outbox.jobs() == [2]


def test_a_half_written_report_is_not_seen(tmp_path: Path) -> None:
    """A file that a crash left half written counts for nothing."""
    (tmp_path / ".000000000001.json.new").write_text('{"rep')
    assert Outbox(tmp_path).waiting() == 0


def work(job: int, attempt: int = 1) -> Work:
    """Return a job."""
    return Work(job, attempt, 1, "true", "", "out", "err", False, [], {}, 0)


def test_what_began_and_did_not_end_is_lost(tmp_path: Path) -> None:
    """The next worker on the folder reports what has no end yet as lost, behind all that waits, and only once."""
    outbox = Outbox(tmp_path)
    for job in (1, 2, 3):
        outbox.begin(work(job, attempt=job))
    outbox.put(report(1))
    outbox.forget(2, 2)
    again = Outbox(tmp_path)
    again.put_lost(again.begun(), "cut off")
    again.first()[0].unlink()
    assert again.first()[1] == Report(3, 3, "Lost", "cut off", None, "")
    assert (again.waiting(), Outbox(tmp_path).begun()) == (1, [])


def test_a_report_that_it_runs_is_no_end(tmp_path: Path) -> None:
    """A payload of which only the start was told is lost with its worker."""
    outbox = Outbox(tmp_path)
    outbox.begin(work(1))
    outbox.put(report(1)._replace(state="Running"))
    assert outbox.begun() == [(1, 1)]


class CountedOutbox(Outbox):
    """An outbox that counts how often it was looked into."""

    looks = 0

    def waiting(self) -> int:
        """Return how many reports wait."""
        self.looks += 1
        return super().waiting()


def test_a_courier_without_reports_rests(tmp_path: Path) -> None:
    """Knocked at in vain a courier looks once and tells nobody, so that nobody knocks again because of it."""
    outbox, told = CountedOutbox(tmp_path), list[None]()
    nobody = Client(Manager("https://127.0.0.1:1", TestAuthority().pem, ""))
    courier = Courier(outbox, nobody, lambda: told.append(None))
    courier.start()
    for knock in range(1, 4):
        until(lambda seen=knock: outbox.looks >= seen, what="a look")  # type: ignore[misc]
        courier.knock()
    until(lambda: outbox.looks >= 4, what="the last look")
    assert told == []
    assert outbox.looks == 4
