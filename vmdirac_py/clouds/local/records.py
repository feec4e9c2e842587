"""What the embedded cloud remembers on disk: one JSON file per instance and one per launch, replaced by rename.

DIR/launches/KEY.json     a launch as it was answered; written first, so that its repetition is recognised
DIR/records/ID.json       an instance, written before its process starts
DIR/disks/ID/             the VM's private files
DIR/consoles/ID           what the VM printed
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass, field, replace
from enum import StrEnum
from pathlib import Path
from typing import Any

from vmdirac_py.base.errors import Unusable


class State(StrEnum):
    """pending → running → stopped (powered itself off) → terminated; any may go straight to terminated."""

    PENDING = "pending"
    RUNNING = "running"
    STOPPED = "stopped"
    TERMINATED = "terminated"


TERMINAL = frozenset({State.STOPPED, State.TERMINATED})


@dataclass(frozen=True, slots=True)
class Record:
    """An instance. `pid` and `started` (kernel start time) name its process; `launch` is the key of its launch.

    `boot_delay` (seconds), `boot_fails` and `leaving` (announced end) come from faults set on purpose.
    """

    id: str
    installation: str
    launch: str
    mark: dict[str, str]
    flavor: str
    cores: int
    ram_mb: int
    address: str
    created_at: float
    state: State = State.PENDING
    changed_at: float = 0.0
    pid: int = 0
    started: int = 0
    fault: str = ""
    boot_delay: float = 0.0
    boot_fails: bool = False
    leaving: str = ""

    @property
    def lives(self) -> bool:
        """Tell whether it still counts against the limits."""
        return self.state not in TERMINAL

    def moved(self, state: State, at: float, **changes: Any) -> Record:
        """Return the record in a new state."""
        return replace(self, state=state, changed_at=at, **changes)


@dataclass(frozen=True, slots=True)
class Launch:
    """A launch as answered. `user_data` is base64; `recorded`: all its instances have their own files.

    `received_at` is when the call arrived, `at` when it was decided.
    """

    key: str
    at: float
    user_data: str
    instances: list[Record] = field(default_factory=list)
    refused: list[dict[str, Any]] = field(default_factory=list)
    recorded: bool = False
    received_at: float = 0.0


def launch_key(installation: str, token: str) -> str:
    """Return the name under which a launch is remembered (tokens are scoped by installation)."""
    return hashlib.sha256(f"{installation}\0{token}".encode()).hexdigest()[:32]


class Store:
    """The state directory.

    Args:
        root: the directory; made with mode 0711, so that a VM's process may pass through and see nothing.
    """

    FOLDERS = ("launches", "records", "consoles")

    def __init__(self, root: Path) -> None:
        self.root = root
        for name in self.FOLDERS:
            (root / name).mkdir(parents=True, exist_ok=True, mode=0o700)
        self._disks.mkdir(exist_ok=True)
        for passed_through in (root, self._disks):
            passed_through.chmod(0o711)

    @property
    def _disks(self) -> Path:
        return self.root / "disks"

    def disk(self, instance: str) -> Path:
        """Return the folder of a VM's private files."""
        return self._disks / instance

    def disks(self) -> set[str]:
        """Return the names of all VMs' folders there are."""
        return {path.name for path in self._disks.iterdir()}

    def console(self, instance: str) -> Path:
        """Return the file a VM's console is written to."""
        return self.root / "consoles" / instance

    def records(self) -> dict[str, Record]:
        """Return all instances by id."""
        found = map(_read, sorted((self.root / "records").glob("*.json")))
        return {raw["id"]: _record(raw) for raw in found}

    def put(self, record: Record) -> None:
        """Write an instance."""
        _write(self.root / "records" / f"{record.id}.json", asdict(record))

    def forget(self, instance: str) -> None:
        """Remove an instance's record and console."""
        self.console(instance).unlink(missing_ok=True)
        (self.root / "records" / f"{instance}.json").unlink(missing_ok=True)

    def launches(self) -> list[Launch]:
        """Return all remembered launches."""
        return [_launch(_read(path)) for path in sorted((self.root / "launches").glob("*.json"))]

    def launch(self, key: str) -> Launch | None:
        """Return one launch, or None."""
        path = self._launch_path(key)
        return _launch(_read(path)) if path.exists() else None

    def put_launch(self, launch: Launch) -> None:
        """Write a launch."""
        _write(self._launch_path(launch.key), asdict(launch))

    def forget_launch(self, key: str) -> None:
        """Remove a launch."""
        self._launch_path(key).unlink(missing_ok=True)

    def _launch_path(self, key: str) -> Path:
        return self.root / "launches" / f"{key}.json"


def _record(raw: dict[str, Any]) -> Record:
    return Record(**{**raw, "state": State(raw["state"])})


def _launch(raw: dict[str, Any]) -> Launch:
    return Launch(**{**raw, "instances": [_record(item) for item in raw["instances"]]})


def _read(path: Path) -> dict[str, Any]:
    try:
        raw: dict[str, Any] = json.loads(path.read_text())
    except ValueError as error:
        raise Unusable("not a record of the embedded cloud", where=str(path), mend="move the file away") from error
    return raw


def _write(path: Path, content: dict[str, Any]) -> None:
    temporary = path.with_suffix(".new")
    temporary.write_text(json.dumps(content))
    temporary.replace(path)
