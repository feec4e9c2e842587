"""The daemon: wait for an event or the next deadline, then refresh, age, plan, and let the endpoints' threads act."""

from __future__ import annotations

import threading
import time

from vmdirac_py.base.errors import TryAgain, VmdiracError
from vmdirac_py.base.log import logger
from vmdirac_py.installation import Installation
from vmdirac_py.ledger.api import Event, Lease, LeaseHeld
from vmdirac_py.operations import aging, endpoint_warnings, leases, planning, revisions
from vmdirac_py.operations.patience import patience
from vmdirac_py.planner.cadence import GAP

from .agenda import Agenda
from .endpoint import EndpointThreads
from .run_folder import kill_stale

QUIET = frozenset(
    {"plan.made", "job.matched", "job.running", "listing.wanted", "alarm.listing", "alarm.endpoint", "alarm.launch"}
)
TIRED = 2.0  # seconds for which events are gathered at least after an urgent plan that could do nothing
SLICE = 1.0  # seconds; how soon a stop is noticed
OVERDUE_GAP = (
    2.0  # seconds between cycles while something is overdue that no cycle can settle (alarms, doubtful batches)
)


class Daemon:
    """The one planner of an installation; holding the `plan` lease makes it the only one."""

    def __init__(self, ctx: Installation) -> None:
        self.ctx = ctx
        self._stop = threading.Event()
        self._endpoints: dict[str, EndpointThreads] = {}
        self._tired = 0.0
        self._urgent = False
        self._log = logger("scheduler")
        self._agenda = Agenda(ctx.settings.cycle_seconds)

    def stop(self) -> None:
        """Ask the daemon to end; safe in a signal handler."""
        self._stop.set()

    def run(self) -> None:
        """Run until stopped.

        Raises:
            LeaseHeld: another daemon (or a cron reconcile) holds the installation.
        """
        lease = self._take()
        kill_stale(self.ctx.home.runs)
        seq = 0
        try:
            while not self._stop.is_set():
                lease, seq = self._guarded(lease, seq)
        finally:
            self._end(lease)

    def _guarded(self, lease: Lease, seq: int) -> tuple[Lease, int]:
        """Do one round; when the ledger cannot be used now (locked, disk full ...), try again a little later."""
        try:
            lease = self._take()
            return lease, self._round(seq)
        except LeaseHeld:
            raise
        except VmdiracError as error:
            self._log.error("round failed", error=str(error))
            self._stop.wait(SLICE)
            return lease, seq

    def _round(self, seq: int) -> int:
        """Do one cycle if it is due, then sleep until there may be another; return the last event seen."""
        events = self._events(seq)
        if any(event.topic not in QUIET for event in events):
            waits = patience(self.ctx)
            self._urgent = not waits
            self._agenda.happened(time.monotonic(), max(waits, self._tired))
        if self._due_in() <= 0:
            self._cycle()
        for name in {event.subject for event in events if event.topic == "listing.wanted"} & set(self._endpoints):
            self._endpoints[name].lister.want()
        seen = events[-1].seq if events else seq
        self.ctx.ledger.wait(after=seen, timeout=max(0.0, min(SLICE, self._due_in())))
        if self._agenda.gathering:
            self._stop.wait(max(0.0, min(GAP, self._due_in())))
        return seen

    def _events(self, seq: int) -> list[Event]:
        with self.ctx.ledger.read() as tx:
            return tx.events.after(seq) if seq else tx.events.after(max(0, tx.events.last() - 1))

    def _due_in(self) -> float:
        """Return seconds until the next cycle is due, by what happened or by a deadline."""
        now, deadline = time.monotonic(), aging.next_deadline(self.ctx) - self.ctx.clock.now()
        return min(self._agenda.due - now, max(deadline, self._agenda.planned + OVERDUE_GAP - now))

    def _cycle(self) -> None:
        self._agenda.plan(time.monotonic())
        try:
            refreshed = revisions.refresh(self.ctx)
            if refreshed.error:
                self._log.error("inventory refused, the last good one stays", error=refreshed.error)
            for warning in endpoint_warnings.tell(self.ctx, actor="scheduler"):
                self._log.warning("unwise", warning=warning)
            aging.advance(self.ctx)
            # Reading an inventory may have taken longer than the lease.
            planned = planning.commit(self.ctx, actor="scheduler", lease=self._take())
        except LeaseHeld:
            raise
        except TryAgain as moved:
            self._log.info("the world moved while planning", error=str(moved))
            self._agenda.at_once()
        except VmdiracError as error:
            self._log.error("cycle failed", error=str(error))
        else:
            if planned.launches:  # more may have been wanted than one batch asks for
                self._agenda.happened(time.monotonic(), waits=0.0)
            self._tired = TIRED if self._urgent and not planned.acted else 0.0
            if planned.acted:
                self._log.info("planned", plan=planned.plan_id, launches=planned.launches, retires=planned.retires)
        self._tend_endpoints()

    def _tend_endpoints(self) -> None:
        """Have living threads for each endpoint of the active inventory, and let them all look."""
        described = self.ctx.inventory().endpoints
        for name in set(self._endpoints) - set(described):
            self._endpoints.pop(name).end()
        for name in described:
            if name in self._endpoints and not self._endpoints[name].alive:
                self._endpoints.pop(name).end()
            if name not in self._endpoints:
                self._endpoints[name] = EndpointThreads(self.ctx, name)
            self._endpoints[name].actor.wake()

    def _take(self) -> Lease:
        return leases.take(self.ctx, leases.PLAN, actor="scheduler")

    def _end(self, lease: Lease) -> None:
        for threads in self._endpoints.values():
            threads.end()
        for threads in self._endpoints.values():
            threads.join()
        leases.give_back(self.ctx, lease)
