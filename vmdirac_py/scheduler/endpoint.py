"""The two threads of an endpoint: one runs the playbooks for written batches, one lists. No endpoint waits for another.

Both act under the endpoint's lease, so that no second process acts or lists there. Listing goes on while a playbook
runs: a VM may enrol before the answer that tells of it is committed.
"""

from __future__ import annotations

import threading
import time

from vmdirac_py.base.errors import VmdiracError
from vmdirac_py.base.log import logger
from vmdirac_py.clouds.api import CloudError
from vmdirac_py.installation import Installation
from vmdirac_py.ledger.api import Lease, LeaseHeld
from vmdirac_py.model.batch import ErrorClass
from vmdirac_py.operations import leases, listings, sweeping

from .acting import Acting

LEASE_SECONDS = 120.0  # beyond the longest single call; the lister renews it at a third of this
AFTER_ERROR = 5.0  # seconds to wait after a round that failed
LONGEST_PAUSE = 300.0
LISTING_GAP = 0.5  # seconds between two listings, however often they are wanted
LET_FINISH = 20.0  # seconds a run may still take when the scheduler stops


class Rounds(threading.Thread):
    """A thread that does a round, then sleeps until it is woken or `pause()` is over."""

    def __init__(self, ctx: Installation, endpoint: str, what: str) -> None:
        super().__init__(name=f"{what}:{endpoint}", daemon=True)
        self.ctx = ctx
        self.endpoint = endpoint
        self.lease: Lease | None = None
        self.log = logger("scheduler").bind(endpoint=endpoint)
        self._woken = threading.Event()
        self._ended = threading.Event()

    def wake(self) -> None:
        """There may be something to do."""
        self._woken.set()

    def end(self) -> None:
        """Stop after what is being done now."""
        self._ended.set()
        self._woken.set()

    def run(self) -> None:
        """Do rounds until told to end; an error of one round is logged and the next round comes."""
        while not self._ended.is_set():
            self._woken.clear()
            pause = AFTER_ERROR
            try:
                self._hold()
                self.round()
                pause = max(0.05, self.pause())
            except LeaseHeld as held:
                self.log.warning("somebody else acts on this endpoint", owner=held.owner)
            except VmdiracError as error:
                self.log.error("round failed", error=str(error))  # noqa: TRY400 - expected, needs no traceback
            self._woken.wait(pause)

    def _hold(self) -> None:
        """Take or renew the endpoint's lease."""
        described = self.ctx.inventory().endpoints.get(self.endpoint)
        seconds = LEASE_SECONDS + (described.client_timeout if described else 0.0)
        name = leases.endpoint_lease(self.endpoint)
        self.lease = leases.take(self.ctx, name, actor="scheduler", seconds=seconds)

    def round(self) -> None:
        """Do what is to be done now."""
        raise NotImplementedError

    def pause(self) -> float:
        """Return for how many seconds there is nothing to do by itself."""
        raise NotImplementedError


class Actor(Rounds):
    """Runs the playbooks for this endpoint's written batches."""

    def __init__(self, ctx: Installation, endpoint: str) -> None:
        super().__init__(ctx, endpoint, "acting")
        self.acting = Acting(ctx, endpoint, self.log)

    def round(self) -> None:
        """Act on everything that is written."""
        self.acting.act()

    def pause(self) -> float:
        """Return how long to wait after a failed run, else for ever: a batch that is written wakes us."""
        return self.acting.held_back() or LONGEST_PAUSE


class Lister(Rounds):
    """Lists this endpoint at its period, and when it is wanted sooner."""

    def __init__(self, ctx: Installation, endpoint: str) -> None:
        super().__init__(ctx, endpoint, "listing")
        self._wanted = True
        self._listed = -LONGEST_PAUSE
        self._locked_out = False

    def want(self) -> None:
        """List as soon as may be."""
        self._wanted = True
        self.wake()

    def round(self) -> None:
        """List if it is time to."""
        if self._due_in() > 0:
            return
        self._wanted = False
        try:
            report = listings.observe(self.ctx, self.endpoint)
        finally:
            self._listed = time.monotonic()
        # A login that is refused is not tried as often as a listing: too many of them lock the account.
        self._locked_out = report.error_class is ErrorClass.AUTH
        if report.complete:
            self._sweep()
        else:
            self.log.warning("listing failed", error=report.error)

    def _sweep(self) -> None:
        try:
            deleted = sweeping.sweep(self.ctx, self.endpoint, actor="scheduler")
        except CloudError as error:
            self.log.warning("sweep failed", error=str(error))
            return
        for words in deleted:
            self.log.info("swept", what=words)

    def pause(self) -> float:
        """Return the seconds until the next listing is due, or the lease is to be renewed."""
        return min(self._due_in(), LEASE_SECONDS / 3)

    def _due_in(self) -> float:
        described = self.ctx.inventory().endpoints.get(self.endpoint)
        period = described.listing_seconds if described else LONGEST_PAUSE
        gap = LISTING_GAP if self._wanted else period
        return self._listed + (max(period, LONGEST_PAUSE) if self._locked_out else gap) - time.monotonic()


class EndpointThreads:
    """An endpoint's actor and lister together."""

    def __init__(self, ctx: Installation, endpoint: str) -> None:
        self.ctx = ctx
        self.actor = Actor(ctx, endpoint)
        self.lister = Lister(ctx, endpoint)
        self.actor.start()
        self.lister.start()

    @property
    def alive(self) -> bool:
        """Tell whether both threads live."""
        return self.actor.is_alive() and self.lister.is_alive()

    def end(self) -> None:
        """Tell both to stop."""
        self.actor.end()
        self.lister.end()

    def join(self) -> None:
        """Wait until both stopped; a run that takes too long is killed: what it did, the listing will tell."""
        self.actor.join(timeout=LET_FINISH)
        if self.actor.is_alive():
            self.actor.acting.kill()
            self.actor.join(timeout=LET_FINISH)
        self.lister.join(timeout=LET_FINISH)
        if self.actor.lease:
            leases.give_back(self.ctx, self.actor.lease)
