"""Listings: what a cloud shows, bound to what the ledger knows. The only place where VMs become Halted by sight."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from vmdirac_py.base.ids import new_id
from vmdirac_py.clouds.api import CloudError, CloudLimits, Instance
from vmdirac_py.ledger.api import Listing, Transaction
from vmdirac_py.lifecycle.leaks import Leak, verdicts
from vmdirac_py.lifecycle.observe import Sighting, observe as observe_vm
from vmdirac_py.model.batch import Batch, BatchKind
from vmdirac_py.model.inventory import Endpoint, Inventory
from vmdirac_py.model.plan import EndpointView
from vmdirac_py.model.reason import Reason
from vmdirac_py.model.vm import Vm, VmState

from .afterlife import settle_jobs
from .api import Context
from .launches import bind
from .lookup import pool_of

ACTOR = "listing"
LIVE = tuple(state for state in VmState if state is not VmState.HALTED)


@dataclass(frozen=True, slots=True)
class ListingReport:
    """What one listing found: instances of ours, VMs it moved, instances no VM explains, or why it failed."""

    endpoint: str
    complete: bool
    instances: int = 0
    moved: int = 0
    strangers: int = 0
    error: str = ""


def observe(ctx: Context, endpoint_name: str) -> ListingReport:
    """List one endpoint once and commit what follows from it; a failed listing changes nothing but its note."""
    inventory = ctx.inventory()
    endpoint = inventory.endpoints[endpoint_name]
    started = ctx.clock.now()
    try:
        driver = ctx.endpoint(endpoint_name)
        instances, limits = driver.instances(), driver.limits()
    except CloudError as error:
        return _note_failure(ctx, endpoint_name, error)
    with ctx.ledger.write() as tx:
        binding = _Binding(tx, inventory, endpoint, instances, started, ctx.settings.max_attempts)
        result = binding.commit()
        tx.documents.save(f"endpoint:{endpoint_name}", _use(instances, limits, tx, endpoint_name))
    return result


def endpoint_views(tx: Transaction, inventory: Inventory) -> tuple[EndpointView, ...]:
    """Return what the last complete listings told of each endpoint's limits and foreign use."""
    listings = tx.observations.listings()
    views = []
    for name in sorted(inventory.endpoints):
        told = tx.documents.load(f"endpoint:{name}") or {}
        listed_at = listings[name].complete_at if name in listings else 0.0
        views.append(EndpointView(name=name, listed_at=listed_at, **told))
    return tuple(views)


def _use(instances: Sequence[Instance], limits: CloudLimits, tx: Transaction, endpoint: str) -> dict[str, int | None]:
    living = {instance.id for instance in instances if not instance.terminal}
    ours = [vm for vm in tx.vms.in_states(LIVE, endpoint=endpoint) if vm.instance_id in living]
    cores = sum(vm.resources.cores for vm in ours)
    return {
        "max_vms": limits.max_vms,
        "max_cores": limits.max_cores,
        "foreign_vms": max(0, (limits.used_vms or 0) - len(living)),
        "foreign_cores": max(0, (limits.used_cores or 0) - cores),
    }


def _note_failure(ctx: Context, endpoint: str, error: CloudError) -> ListingReport:
    with ctx.ledger.write() as tx:
        before = tx.observations.listings().get(endpoint)
        complete_at = before.complete_at if before else 0.0
        tx.observations.note_listing(Listing(endpoint, ctx.clock.now(), complete_at, 0, str(error)))
        if before is None or before.error != str(error):
            data = {"error": str(error), "class": str(error.error_class)}
            tx.events.append("alarm.listing", subject=endpoint, actor=ACTOR, data=data)
    return ListingReport(endpoint, complete=False, error=str(error))


@dataclass
class _Binding:
    """One complete listing on its way into the ledger, within one transaction."""

    tx: Transaction
    inventory: Inventory
    endpoint: Endpoint
    instances: Sequence[Instance]
    at: float
    max_attempts: int

    def commit(self) -> ListingReport:
        strangers = self._bind_strangers()
        present = [instance.id for instance in self.instances]
        self.tx.vms.listed(self.endpoint.name, present, at=self.at)
        moved = self._move_known()
        self._sweep(strangers)
        error_free = Listing(self.endpoint.name, self.at, self.at, len(self.instances))
        self.tx.observations.note_listing(error_free)
        return ListingReport(self.endpoint.name, True, len(self.instances), len(moved), len(strangers))

    def _bind_strangers(self) -> list[Instance]:
        """Bind living instances that no VM row has yet to rows of their batch; return those left over."""
        known = {vm.instance_id for vm in self._living()}
        by_batch = defaultdict(list)
        for instance in self.instances:
            if instance.id not in known and not instance.terminal and not self._buried(instance):
                by_batch[instance.mark.batch].append(instance)
        left: list[Instance] = []
        for batch_id, group in by_batch.items():
            left.extend(self._bind_to_batch(self.tx.batches.get(batch_id), group))
        return left

    def _bind_to_batch(self, batch: Batch | None, group: list[Instance]) -> list[Instance]:
        pool = self.inventory.pools.get(batch.pool) if batch else None
        if batch is None or pool is None or batch.kind is not BatchKind.LAUNCH:
            return group
        left = bind(self.tx, batch, group, pool, self.endpoint, actor=ACTOR, at=self.at)
        return [instance for instance in left if not self._adopt(batch, instance)]

    def _adopt(self, batch: Batch, instance: Instance) -> bool:
        """Take in a late arrival: its batch's row was given up, but its enrolment token is still good."""
        bound = [vm for vm in self.tx.vms.of_batch(batch.id) if vm.instance_id]
        if len(bound) >= batch.wanted or self.at >= batch.token_deadline:
            return False
        self._insert(batch, instance, VmState.SUBMITTED, Reason.of("vm.adopted", batch=batch.id))
        return True

    def _insert(self, batch: Batch, instance: Instance, state: VmState, reason: Reason) -> None:
        pool = self.inventory.pools[batch.pool]
        vm = Vm(
            id=new_id("vm"),
            batch=batch.id,
            endpoint=self.endpoint.name,
            pool=pool.name,
            vo=batch.vo,
            resources=pool.resources,
            state=state,
            state_since=self.at,
            created_at=instance.created_at or self.at,
            deadline=self.at + pool.boot_deadline,
            instance_id=instance.id,
            address=instance.address,
        )
        self.tx.vms.insert([vm], actor=ACTOR, reason=reason)
        self.tx.events.append("vm.adopted", subject=vm.id, actor=ACTOR, data={"state": str(state)})

    def _move_known(self) -> list[str]:
        shown = {instance.id: instance for instance in self.instances}
        moves = []
        for vm in self._living():
            if vm.instance_id:
                sighting = Sighting.of(shown.get(vm.instance_id))
                pool = pool_of(self.inventory, vm)
                moves.append(observe_vm(vm, sighting, at=self.at, pool=pool, endpoint=self.endpoint))
        wanted = [change for change in moves if change]
        moved = self.tx.vms.move(wanted, actor=ACTOR, at=self.at)
        gone = [change.vm for change in wanted if change.to is VmState.HALTED and change.vm in moved]
        settle_jobs(self.tx, gone, at=self.at, max_attempts=self.max_attempts, actor=ACTOR)
        if moved:
            self.tx.events.append("vm.moved", subject=self.endpoint.name, actor=ACTOR, data={"vms": moved[:100]})
        return moved

    def _sweep(self, strangers: list[Instance]) -> None:
        """Remember what nothing explains; what has been a leak for long enough gets a row and is retired like any VM."""
        self.tx.observations.sight(
            self.endpoint.name, {instance.id: instance.mark.batch for instance in strangers}, at=self.at
        )
        by_id = {instance.id: instance for instance in strangers}
        for leak in self._leaks(by_id):
            self._bury(by_id[leak])

    def _leaks(self, by_id: dict[str, Instance]) -> list[str]:
        sightings = self.tx.observations.sightings(self.endpoint.name)
        leaks = [
            Leak(
                instance_id=sighting.instance_id,
                first_seen=sighting.first_seen,
                last_seen=sighting.last_seen,
                listings=sighting.listings,
                created_at=by_id[sighting.instance_id].created_at,
                batch_deadline=self._token_deadline(sighting.batch),
                enrolled=self.tx.enrolments.get(sighting.batch, sighting.instance_id) is not None,
            )
            for sighting in sightings
            if sighting.instance_id in by_id
        ]
        known = len(self.instances) - len(by_id)
        share = known / len(self.instances) if self.instances else 1.0
        created_at = float(self.tx.meta.get("created_at") or self.at)
        return verdicts(leaks, at=self.at, known_fraction=share, ledger_created_at=created_at)

    def _token_deadline(self, batch_id: str) -> float:
        batch = self.tx.batches.get(batch_id)
        return batch.token_deadline if batch else 0.0

    def _bury(self, leak: Instance) -> None:
        batch = self.tx.batches.get(leak.mark.batch)
        if batch and batch.pool in self.inventory.pools:
            self._insert(batch, leak, VmState.FAILED, Reason.of("vm.leaked", batch=batch.id))

    def _living(self) -> list[Vm]:
        return self.tx.vms.in_states(LIVE, endpoint=self.endpoint.name)

    def _buried(self, instance: Instance) -> bool:
        """Tell whether a row that is Halted already has this instance (a cloud listing its dead)."""
        return self.tx.vms.by_instance(self.endpoint.name, instance.id) is not None
