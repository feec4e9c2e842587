"""One thread an endpoint: it lists, and runs the playbooks for written batches. No endpoint waits for another."""

from __future__ import annotations

import threading
import time
from pathlib import Path

from vmdirac_py.base.errors import VmdiracError
from vmdirac_py.base.log import logger
from vmdirac_py.installation import Installation
from vmdirac_py.ledger.api import Lease, LeaseHeld
from vmdirac_py.model.batch import BatchKind, BatchState
from vmdirac_py.operations import leases, listings

from .runner import RunStatus, run

LEASE_SECONDS = 600.0
PLAYBOOKS = {BatchKind.LAUNCH: "vmdirac.cloud.provision", BatchKind.RETIRE: "vmdirac.cloud.retire"}
PAUSE_AFTER_FAILURE = 5.0
LONGEST_PAUSE = 300.0
LISTING_GAP = 0.5  # seconds between two listings, however often they are wanted
SLACK = 60.0  # what a run may take beyond the cloud's own timeout


class EndpointActor(threading.Thread):
    """The one actor of an endpoint within this daemon; a lease makes it the only one anywhere."""

    def __init__(self, ctx: Installation, name: str) -> None:
        super().__init__(name=f"endpoint:{name}", daemon=True)
        self.ctx = ctx
        self.endpoint = name
        self._woken = threading.Event()
        self._ended = threading.Event()
        self._listing_wanted = True
        self._listed = 0.0
        self._failures = 0
        self._not_before = 0.0
        self._lease: Lease | None = None
        self._log = logger("scheduler").bind(endpoint=name)

    def wake(self, *, listing: bool = False) -> None:
        """There may be something to do."""
        self._listing_wanted = self._listing_wanted or listing
        self._woken.set()

    def end(self) -> None:
        """Stop after what is being done now."""
        self._ended.set()
        self._woken.set()

    def run(self) -> None:
        """Act and list until told to end; an error of one round is logged and the next round comes."""
        while not self._ended.is_set():
            self._woken.clear()
            try:
                self._round()
            except LeaseHeld as held:
                self._log.warning("somebody else acts on this endpoint", owner=held.owner)
            except VmdiracError as error:
                self._log.error("round failed", error=str(error))
            self._woken.wait(self._pause())
        self._release()

    def _round(self) -> None:
        name = leases.endpoint_lease(self.endpoint)
        self._lease = leases.take(self.ctx, name, actor="scheduler", seconds=LEASE_SECONDS)
        if time.monotonic() >= self._not_before:
            for kind in (BatchKind.LAUNCH, BatchKind.RETIRE):
                self._act(kind)
        if self._listing_due():
            self._list()

    def _act(self, kind: BatchKind) -> None:
        with self.ctx.ledger.read() as tx:
            batches = [b.id for b in tx.batches.in_states((BatchState.WRITTEN,), endpoint=self.endpoint, kind=kind)]
        if not batches:
            return
        timeout = 2 * self.ctx.inventory().endpoints[self.endpoint].client_timeout + SLACK
        extravars = {"batches": batches, "home": str(self.ctx.home.root), "actor": "scheduler"}
        result = run(PLAYBOOKS[kind], extravars, runs_dir=Path(self.ctx.home.runs), timeout=timeout)
        self._log.info("run ended", playbook=PLAYBOOKS[kind], batches=batches, status=str(result.status))
        self._note(failed=result.status is not RunStatus.OK, error=result.error)
        self._listing_wanted = True

    def _note(self, *, failed: bool, error: str) -> None:
        """Wait longer after each failed run: what ansible could not do now it rarely can a second later."""
        self._failures = self._failures + 1 if failed else 0
        pause = min(LONGEST_PAUSE, PAUSE_AFTER_FAILURE * 2 ** (self._failures - 1)) if failed else 0.0
        self._not_before = time.monotonic() + pause
        if failed:
            self._log.error("run failed", error=error, pause=pause)

    def _list(self) -> None:
        self._listing_wanted = False
        report = listings.observe(self.ctx, self.endpoint)
        self._listed = time.monotonic()
        if not report.complete:
            self._log.warning("listing failed", error=report.error)

    def _listing_due(self) -> bool:
        age = time.monotonic() - self._listed
        return age >= self._period() or (self._listing_wanted and age >= LISTING_GAP)

    def _period(self) -> float:
        described = self.ctx.inventory().endpoints.get(self.endpoint)
        return described.listing_seconds if described else LONGEST_PAUSE

    def _pause(self) -> float:
        wait = LISTING_GAP if self._listing_wanted else self._listed + self._period() - time.monotonic()
        return max(0.05, wait)

    def _release(self) -> None:
        if self._lease:
            leases.give_back(self.ctx, self._lease)
