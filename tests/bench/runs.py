"""Playbook runs through the scheduler's own runner: an empty one, and its own with a module that does nothing."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path
from typing import Self

from vmdirac_py.base.share import shared
from vmdirac_py.scheduler.runner import RunResult, RunStatus, run

EMPTY = [{"name": "Nothing", "hosts": "localhost", "gather_facts": False, "tasks": []}]
LONGEST = 120.0


class Playbooks:
    """A folder with the playbooks."""

    def __init__(self) -> None:
        self._folder = tempfile.TemporaryDirectory(prefix="vmdirac-bench-")
        root = Path(self._folder.name)
        (root / "library").symlink_to(Path(__file__).with_name("library"))
        self.runs, self.empty, self.noop = root / "runs", root / "empty.yml", root / "provision.yml"
        provision = shared("playbooks/provision.yml").read_text()
        self.noop.write_text(provision.replace("vmdirac.cloud.instance:", "noop:"))
        self.empty.write_text(json.dumps(EMPTY))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._folder.cleanup()

    def play(self, playbook: Path) -> RunResult:
        """Run one of them as the scheduler would."""
        extravars = {"batches": ["b-none"], "home": str(self.runs), "actor": "bench"}
        result = run(str(playbook), extravars, runs_dir=self.runs, timeout=LONGEST)
        assert result.status is RunStatus.OK, result.error
        return result
