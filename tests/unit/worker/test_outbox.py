from __future__ import annotations

from pathlib import Path

from vmdirac_py.worker.outbox import Outbox
from vmdirac_py.worker.wire import Report


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


def test_a_half_written_report_is_not_seen(tmp_path: Path) -> None:
    """A file that a crash left half written counts for nothing."""
    (tmp_path / ".000000000001.json.new").write_text('{"rep')
    assert Outbox(tmp_path).waiting() == 0
