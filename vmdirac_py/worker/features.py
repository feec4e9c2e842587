"""Machine/Job Features: what payloads may know of their machine and slot, one value a file (HSF-TN-2016-02).

A value that is not known has no file.
"""

from pathlib import Path
from typing import Mapping, Optional

from .wire import Config, Slot, Work

MACHINE, JOB = "MACHINEFEATURES", "JOBFEATURES"
MACHINE_FOLDER, JOB_FOLDER = "machinefeatures", "jobfeatures"
FOLDER = "features"  # of an attempt, readable for its payload and not its own
_MB = 2**20

Values = Mapping[str, Optional[float]]


def machine(config: Config, slots: int) -> Values:
    """Return what is true of a machine that runs so many payloads at once at most."""
    return {
        "total_cpu": config.cores,
        "hs06": config.hs06 or None,
        "jobslots": min(slots, config.cores),
    }


def ending(shutdown_at: float, now: float) -> Values:
    """Return when the machine goes down (epoch), and how many seconds payloads have until then."""
    return {"shutdowntime": round(shutdown_at), "grace_secs": max(0, round(shutdown_at - now))}


def job(work: Work, slot: Slot, machine_folder: Path) -> Values:
    """Return what is true of a payload's slot, on the machine whose features are in that folder."""
    bounded, share = work.cpu_seconds or None, slot.cores / max(1.0, _known(machine_folder / "total_cpu"))
    return {
        "job_id": work.job,
        "allocated_cpu": slot.cores,
        "hs06_job": round(_known(machine_folder / "hs06") * share, 3) or None,
        "jobstart_secs": round(slot.started_at),
        "wall_limit_secs": bounded,
        "cpu_limit_secs": bounded * slot.cores if bounded else None,
        "max_rss_bytes": work.ram_mb * _MB or None,
        "shutdowntime_job": round(slot.started_at + bounded) if bounded else None,
    }


def give(folder: Path, work: Work, slot: Slot, work_dir: Path) -> None:
    """Write the features of a payload, and its own copy of its machine's, below `folder`. Raises OSError."""
    own = work_dir / MACHINE_FOLDER
    write(folder / MACHINE_FOLDER, {path.name: _known(path) for path in own.glob("[!.]*")})
    write(folder / JOB_FOLDER, job(work, slot, own))
    folder.chmod(0o755)


def tell(work_dir: Path, values: Values) -> None:
    """Write what is news of the machine, also for the payloads that run. Raises OSError."""
    for folder in (work_dir / MACHINE_FOLDER, *work_dir.glob(f"jobs/*/{FOLDER}/{MACHINE_FOLDER}")):
        write(folder, values)


def write(folder: Path, values: Values) -> None:
    """Write values into `folder`, readable by every user; those that are None lose their file. Raises OSError."""
    folder.mkdir(parents=True, exist_ok=True)
    folder.chmod(0o755)
    for name, value in values.items():
        path = folder / name
        if value is None:
            path.unlink(missing_ok=True)
        else:
            _replace(path, f"{value:.12g}\n")


def _known(path: Path) -> float:
    return float(path.read_text(encoding="ascii")) if path.exists() else 0.0


def _replace(path: Path, text: str) -> None:
    """Write a small file that is never seen half."""
    new = path.with_name(f".{path.name}.new")
    new.write_text(text, encoding="ascii")
    new.chmod(0o644)
    new.replace(path)
