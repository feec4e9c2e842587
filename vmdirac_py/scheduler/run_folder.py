"""The folder of one Ansible run: private, self-contained, and gone when the run is over.

RUNS/run-3f9c.../          mode 0700, named by the run's ident
    owner                  pid and start time of the process that made it
    inventory/hosts.yml    localhost alone
    env/extravars          ids and paths
    project/ home/ tmp/    working directory, ANSIBLE_HOME and TMPDIR of everything in the run
    artifacts/IDENT/       ansible-runner's own
RUNS/failed/IDENT/         what the last failed runs printed, nothing else
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from vmdirac_py.base.errors import Unusable
from vmdirac_py.base.ids import new_id
from vmdirac_py.base.processes import alive, kill_marked, start_time

MARK = "VMDIRAC_RUN"
KEPT_FAILURES = 5
# An explicit localhost loses Ansible's implicit interpreter, so it is named.
LOCALHOST = {
    "all": {
        "hosts": {
            "localhost": {
                "ansible_connection": "local",
                "ansible_python_interpreter": "{{ ansible_playbook_python }}",
            }
        }
    }
}


@dataclass(frozen=True, slots=True)
class RunFolder:
    """One run's folder; `ident` is its name."""

    path: Path

    @classmethod
    def make(cls, runs: Path, extravars: Mapping[str, Any]) -> RunFolder:
        """Lay out a new run.

        Raises:
            Unusable: the disk refused.
        """
        folder = cls(runs / new_id("run"))
        try:
            folder._lay_out(extravars)
        except OSError as error:
            folder.discard()
            raise Unusable(
                f"cannot prepare an Ansible run: {error.strerror}",
                where=str(runs),
                mend="free space or mend the file rights",
            ) from error
        return folder

    @property
    def ident(self) -> str:
        """The run's id."""
        return self.path.name

    @property
    def mark(self) -> str:
        """What every process of the run bears in its environment."""
        return f"{MARK}={self.ident}"

    @property
    def artifacts(self) -> Path:
        """What ansible-runner writes."""
        return self.path / "artifacts" / self.ident

    def printed(self) -> str:
        """Return what the run printed so far."""
        try:
            return (self.artifacts / "stdout").read_text(errors="replace")
        except FileNotFoundError:
            return ""

    def orphaned(self) -> bool:
        """Tell whether the process that made this folder is gone."""
        try:
            pid, started = map(int, (self.path / "owner").read_text().split())
        except (OSError, ValueError):
            return True
        return not alive(pid, started)

    def discard(self) -> None:
        """Delete the folder."""
        shutil.rmtree(self.path, ignore_errors=True)

    def keep_failure(self) -> None:
        """Save what the run printed; the oldest saved ones go."""
        kept = self.path.parent / "failed"
        kept.mkdir(mode=0o700, exist_ok=True)
        (kept / f"{self.ident}.txt").write_text(self.printed())
        by_age = sorted(kept.iterdir(), key=lambda path: path.stat().st_mtime_ns)
        for old in by_age[:-KEPT_FAILURES]:
            old.unlink(missing_ok=True)

    def _lay_out(self, extravars: Mapping[str, Any]) -> None:
        self.path.mkdir(mode=0o700, parents=True)
        for name in ("project", "home", "tmp", "env", "inventory"):
            (self.path / name).mkdir()
        (self.path / "owner").write_text(f"{os.getpid()} {start_time(os.getpid())}")
        (self.path / "inventory" / "hosts.yml").write_text(json.dumps(LOCALHOST))
        (self.path / "env" / "extravars").write_text(json.dumps(dict(extravars)))


def kill_stale(runs: Path) -> list[str]:
    """End the runs whose starter died, delete their folders, and return their idents.

    What such a run did is unknown: the ledger and the listing tell.
    """
    found = [RunFolder(path) for path in sorted(runs.glob("run-*")) if path.is_dir()]
    stale = [folder for folder in found if folder.orphaned()]
    for folder in stale:
        if kill_marked(folder.mark):
            folder.discard()
    return [folder.ident for folder in stale]
