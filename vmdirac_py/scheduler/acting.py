"""One playbook run for all the batches of a kind that stand written for an endpoint."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

from vmdirac_py.installation import Installation
from vmdirac_py.model.batch import BatchKind
from vmdirac_py.operations.written import written

from .runner import Run, RunStatus, run

PLAYBOOKS = {BatchKind.LAUNCH: "vmdirac.cloud.provision", BatchKind.RETIRE: "vmdirac.cloud.retire"}
PAUSE_AFTER_FAILURE = 5.0
LONGEST_PAUSE = 300.0
SLACK = 60.0  # seconds a run may take beyond the cloud's own timeouts


class Acting:
    """What one endpoint's actor does, and how long it holds back after runs that failed."""

    def __init__(self, ctx: Installation, endpoint: str, log: Any) -> None:
        self.ctx = ctx
        self.endpoint = endpoint
        self.log = log
        self._run: Run | None = None
        self._failures = 0
        self._not_before = 0.0

    def act(self) -> None:
        """Run one playbook a kind of batch that has any written, launches first."""
        for kind, playbook in PLAYBOOKS.items():
            if not self.held_back():
                self._act(kind, playbook)

    def held_back(self) -> float:
        """Return for how many seconds more nothing is run, 0 when it may."""
        return max(0.0, self._not_before - time.monotonic())

    def kill(self) -> None:
        """End the run in flight, if any."""
        if self._run:
            self._run.kill()

    def _act(self, kind: BatchKind, playbook: str) -> None:
        if not written(self.ctx, self.endpoint, kind):
            return
        timeout = 2 * self.ctx.inventory().endpoints[self.endpoint].client_timeout + SLACK
        extravars = {"endpoint": self.endpoint, "home": str(self.ctx.home.root), "actor": "scheduler"}
        runs_dir = Path(self.ctx.home.runs)
        result = run(playbook, extravars, runs_dir=runs_dir, timeout=timeout, on_start=self._started)
        self._run = None
        self.log.info("run ended", playbook=playbook, status=str(result.status))
        self._note(failed=result.status is not RunStatus.OK, error=result.error)

    def _started(self, started: Run) -> None:
        self._run = started

    def _note(self, *, failed: bool, error: str) -> None:
        """Wait longer after each failed run: what Ansible could not do now it rarely can a second later."""
        self._failures = self._failures + 1 if failed else 0
        pause = min(LONGEST_PAUSE, PAUSE_AFTER_FAILURE * 2 ** (self._failures - 1)) if failed else 0.0
        self._not_before = time.monotonic() + pause
        if failed:
            self.log.error("run failed", error=error, pause=pause)
