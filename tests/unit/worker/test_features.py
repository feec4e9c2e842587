from __future__ import annotations

from pathlib import Path

from vmdirac_py.worker import features
from vmdirac_py.worker.wire import Config, Slot, Work

CONFIG = Config("https://m:1", "", "", "/id", 8, 16000, 0, 60, 600, 1e6, "Pool", "", "/w", {}, 80.0, "", {}, {}, {}, "")
WORK = Work(7, 1, 2, "x", "", "out", "err", False, [], {}, cpu_seconds=3600, ram_mb=1000)
SLOT = Slot(7, 2, 1000.0, 4600.0)


def texts(folder: Path) -> dict[str, str]:
    """Return the files of a folder with what they say."""
    return {path.name: path.read_text().strip() for path in folder.iterdir()}


def test_a_machine(tmp_path: Path) -> None:
    """Cores, HS06, slots and the end of the machine have a file each, whole numbers, readable by all."""
    features.write(tmp_path / "m", {**features.machine(CONFIG, 1_000_000), **features.ending(5000.4, 4000.0)})
    assert texts(tmp_path / "m") == {
        "total_cpu": "8", "hs06": "80", "jobslots": "8", "shutdowntime": "5000", "grace_secs": "1000"
    }  # fmt: skip
    assert {path.stat().st_mode & 0o777 for path in (tmp_path / "m").iterdir()} == {0o644}
    assert (tmp_path / "m").stat().st_mode & 0o777 == 0o755


def test_a_job(tmp_path: Path) -> None:
    """A payload's cores, limits, share of the HS06 and times have a file each; nothing is in the way twice."""
    features.write(tmp_path / "m", features.machine(CONFIG, 4))
    features.write(tmp_path / "j", features.job(WORK, SLOT, tmp_path / "m"))
    assert texts(tmp_path / "j") == {
        "job_id": "7", "allocated_cpu": "2", "hs06_job": "20", "jobstart_secs": "1000", "wall_limit_secs": "3600",
        "cpu_limit_secs": "7200", "max_rss_bytes": str(1000 * 2**20), "shutdowntime_job": "4600",
    }  # fmt: skip


def test_what_is_not_known_has_no_file(tmp_path: Path) -> None:
    """Without HS06, bounds and memory the files are missing, also when they were there before."""
    features.write(tmp_path / "m", features.machine(CONFIG, 4))
    features.write(tmp_path / "m", features.machine(CONFIG._replace(hs06=0.0), 4))
    assert "hs06" not in texts(tmp_path / "m")
    free = WORK._replace(cpu_seconds=0, ram_mb=0)
    features.write(tmp_path / "j", features.job(free, SLOT, tmp_path / "m"))
    assert set(texts(tmp_path / "j")) == {"job_id", "allocated_cpu", "jobstart_secs"}
