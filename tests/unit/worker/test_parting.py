from __future__ import annotations

import tarfile
from pathlib import Path

import pytest

from tests.doubles.vm import texts_of
from vmdirac_py.worker import log, parting


def test_all_logs_go_into_one_archive(tmp_path: Path) -> None:
    """The worker's log and what the machine wrote while it booted, below the VM's own prefix, are packed by name."""
    work_dir = tmp_path / "var/lib/vmdirac"
    (tmp_path / "var/log").mkdir(parents=True)
    work_dir.mkdir(parents=True)
    (work_dir / "worker.log").write_text("works\n")
    (tmp_path / "var/log/cloud-init-output.log").write_text("booted\n")
    parting.pack(parting.gathered(work_dir), tmp_path / "logs.tar.gz")
    found = texts_of((tmp_path / "logs.tar.gz").read_bytes())
    assert found.items() >= {"worker.log": "works\n", "cloud-init-output.log": "booted\n"}.items()
    assert "cloud-init.log" not in found


def test_of_a_long_log_the_end_is_kept(tmp_path: Path) -> None:
    """What happened last matters most, and no log fills the manager's disk."""
    (tmp_path / "worker.log").write_bytes(b"a" * 2_000_000 + b"last words")
    (data,) = (data for name, data in parting.gathered(tmp_path).items() if name == "worker.log")
    assert len(data) == 1_000_000
    assert data.endswith(b"last words")


def test_the_log_file_is_kept_short(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A full log becomes the older one, and the newest lines are in the new one."""
    monkeypatch.setattr(log, "LONGEST", 300)
    log.keep_in(tmp_path / "worker.log")
    try:
        for number in range(20):
            log.say(f"line {number}")
    finally:
        log._FILE.path = None
    assert (tmp_path / "worker.log").read_text().endswith("line 19\n")
    assert (tmp_path / "worker.log").stat().st_size < 400
    assert (tmp_path / "worker.log.1").exists()


def test_an_archive_without_logs(tmp_path: Path) -> None:
    """A VM without any log leaves an archive that can be read."""
    parting.pack({}, tmp_path / "logs.tar.gz")
    with tarfile.open(tmp_path / "logs.tar.gz") as archive:
        assert archive.getnames() == []
