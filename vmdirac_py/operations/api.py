"""What every operation is given, and what it gives back. `vmdirac_py.installation` builds the context.

The verbs, each once (all take the context first, `actor` is who asked: `unix:NAME`, `scheduler`, `vm:ID`):

    launches.intend(ctx, pool, count, *, actor) -> str                 write a launch batch by hand, return its id
    launches.launch(ctx, batch_id, *, actor) -> BatchReport            claim, call the cloud, commit the answer
    retirements.intend(ctx, vm_ids, *, actor, force) -> list[str]      write retire batches, return their ids
    retirements.retire(ctx, batch_id, *, actor) -> BatchReport         terminate, commit
    listings.observe(ctx, endpoint) -> ListingReport                   one listing, bound to the fleet
    aging.advance(ctx, *, actor) -> AgingReport                        deadlines, alarms, rescheduling, lost batches
    planning.snapshot(ctx) -> Snapshot;  planning.preview(ctx) -> Plan     nothing is written
    planning.kept(ctx, plan_id="") -> Plan                              a plan that acted, or the last one
    situations.take(ctx) -> Situation;  situations.for_strangers(ctx, situation);  situations.planned(situation) -> Plan
    planning.commit(ctx, *, actor, lease=None) -> Planned              step, write plan, batches, drains, reasons
    jobs.submit(ctx, text, *, folder, where, actor, owner, group, vo, count) -> list[Job]
    jobs.check(ctx, sources, by, count) -> list[JobSpec];  launches.check;  retirements.check    nothing is written
    jobs.kill(ctx, ids, *, actor);  jobs.reschedule(ctx, ids, *, actor)
    fleet.drain(ctx, vm_ids, *, actor, seconds) ;  fleet.halt(ctx, vm_ids, *, actor)
    images.retire(ctx, image, *, seconds, actor) -> RetireOrder;  images.keep(ctx, image, *, actor)
    images.baked(ctx, image, record, *, actor) -> Bake                  what a bake left in an image
    images.used(ctx) -> list[ImageUse]                                  which pools and VMs use which image
    enrolment.enrol(ctx, *, token, instance_id, csr, address) -> Enrolled | RetryAfter
    enrolment.renew(ctx, vm_id, csr) -> Enrolled
    presence.heartbeat / flush / acknowledge / leave                    (for VMs: what they say of themselves)
    vm_logs.store / read / forget_old                                    what VMs leave behind
    work.match / report / input_sandbox / store_output                  (for VMs: their jobs)
    rescheduling.give_back(tx, vm_id, *, minor, max_attempts, actor, at) -> list[int]     (within a transaction)
    endpoints.overview(ctx) -> list[EndpointState];  endpoints.check(ctx, name) -> list[Finding]   the cloud is asked
    canaries.canary(ctx, endpoint, *, pool, seconds, actor, say) -> list[Finding]    one instance, ended at once
    endpoint_warnings.tell(ctx, *, actor);  sweeping.sweep(ctx, endpoint, *, actor)
    explain.why(ctx, subject, *, since, until) -> list[Line]
    written.written / send_written          (what waits for an endpoint);  outputs (what jobs left);  pulse.beat(ctx)
    revisions.refresh(ctx) -> Refreshed                                 load the inventory when its content changed
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from vmdirac_py.base.blobs import BlobStore
from vmdirac_py.base.clock import Clock
from vmdirac_py.base.settings import Home, Settings
from vmdirac_py.clouds.api import CloudEndpoint
from vmdirac_py.ledger.api import Ledger
from vmdirac_py.model.batch import BatchKind, BatchState, ErrorClass
from vmdirac_py.model.inventory import Inventory
from vmdirac_py.queues.api import MatchingQueue

from .contextualising import Bundle
from .user_data import Manager

if TYPE_CHECKING:
    from vmdirac_py.credentials.ca import Authority  # signing needs cryptography; acting on a cloud does not


class Context(Protocol):
    """An installation, opened."""

    home: Home
    settings: Settings
    clock: Clock
    ledger: Ledger
    queue: MatchingQueue
    blobs: BlobStore
    installation_id: str

    @property
    def bundle(self) -> Bundle:
        """The worker as VMs fetch it."""

    @property
    def manager(self) -> Manager:
        """Where VMs find the manager."""

    @property
    def authority(self) -> Authority:
        """The installation's certificate authority (read from disk on first use)."""

    def inventory(self) -> Inventory:
        """Return the active revision. Raises Unusable when none was ever loaded."""

    def endpoint(self, name: str) -> CloudEndpoint:
        """Return the driver of an endpoint of the active revision. Raises UnknownThing."""


@dataclass(frozen=True, slots=True)
class BatchReport:
    """What is true of a batch now. `sent` tells whether this very call went to the cloud.

    `instances` maps our VM ids to the cloud's instance ids, as far as known.
    """

    batch: str
    kind: BatchKind
    state: BatchState
    endpoint: str
    pool: str
    wanted: int
    launched: int
    refused: int
    sent: bool
    instances: Mapping[str, str]
    error_class: ErrorClass | None = None
    error_text: str = ""
