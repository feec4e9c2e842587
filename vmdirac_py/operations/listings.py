"""Listings: what a cloud shows, bound to what the ledger knows. The only place where VMs become Halted by sight."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from msgspec.structs import replace

from vmdirac_py.base.errors import UnknownThing
from vmdirac_py.clouds.api import CloudEndpoint, CloudError, CloudLimits, Instance
from vmdirac_py.ledger.api import Listing, Transaction
from vmdirac_py.lifecycle.observe import ABSENT, Sighting
from vmdirac_py.lifecycle.observe import observe as observe_vm
from vmdirac_py.lifecycle.states import rules_for
from vmdirac_py.model.batch import Batch, BatchKind, BatchState, ErrorClass
from vmdirac_py.model.inventory import Endpoint, Inventory
from vmdirac_py.model.plan import EndpointView
from vmdirac_py.model.vm import Move, Vm, VmState

from . import purpose, stillbirth, strangers
from .answers import bind, doubt
from .api import Context
from .fleet import tell_drains
from .rescheduling import give_back

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
    error_class: ErrorClass | None = None


def observe(ctx: Context, endpoint_name: str) -> ListingReport:
    """List one endpoint once and commit what follows from it; a failed listing changes nothing but its note.

    Raises:
        UnknownThing: no such endpoint.
    """
    inventory = ctx.inventory()
    endpoint = inventory.endpoints.get(endpoint_name)
    if endpoint is None:
        raise UnknownThing("no such endpoint", where=endpoint_name, mend="see `vmdirac inventory show`")
    started = ctx.clock.now()
    try:
        driver = ctx.endpoint(endpoint_name)
        instances = driver.instances()
    except CloudError as error:
        return _note_failure(ctx, endpoint_name, error)
    limits = _limits(driver)
    with ctx.ledger.write() as tx:
        binding = _Binding(tx, inventory, endpoint, instances, started, ctx.settings.max_attempts)
        result = binding.commit()
        if limits:
            tx.documents.save(f"endpoint:{endpoint_name}", _use(instances, limits, tx, endpoint_name))
    return result


def _limits(driver: CloudEndpoint) -> CloudLimits | None:
    """Return limits and use; a cloud that does not tell them now keeps the last known, and its listing counts."""
    try:
        return driver.limits()
    except CloudError:
        return None


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
        last = before or Listing(endpoint, 0.0, 0.0, 0)
        tx.observations.note_listing(replace(last, at=ctx.clock.now(), error=str(error)))
        if before is None or before.error != str(error):
            data = {"error": str(error), "class": str(error.error_class)}
            tx.events.append("alarm.listing", subject=endpoint, actor=ACTOR, data=data)
    return ListingReport(endpoint, complete=False, error=str(error), error_class=error.error_class)


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
        unexplained = self._bind_strangers()
        present = [instance.id for instance in self.instances]
        self.tx.vms.listed(self.endpoint.name, present, at=self.at)
        moved = self._move_known()
        living = sum(1 for instance in self.instances if not instance.terminal)
        strangers.judge(self.tx, self.inventory, self.endpoint, unexplained, living=living, at=self.at)
        error_free = Listing(self.endpoint.name, self.at, self.at, len(self.instances))
        self.tx.observations.note_listing(error_free)
        return ListingReport(self.endpoint.name, True, len(self.instances), len(moved), len(unexplained))

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
        if batch is None or batch.kind is not BatchKind.LAUNCH:
            return group
        if batch.state is BatchState.WRITTEN:  # sent before this copy of the ledger was made: never send it again
            doubt(self.tx, batch, self.endpoint, was=BatchState.WRITTEN, at=self.at)
        return bind(self.tx, self.inventory, batch, group, actor=ACTOR, at=self.at)

    def _move_known(self) -> list[str]:
        shown = {instance.id: instance for instance in self.instances}
        living = [vm for vm in self._living() if vm.instance_id]
        verdicts = [self._observed(vm, shown.get(vm.instance_id)) for vm in living]
        moves = [verdict for verdict in verdicts if verdict]
        moved = self.tx.vms.move(moves, actor=ACTOR, at=self.at)
        gone = [change.vm for change in moves if change.to is VmState.HALTED and change.vm in moved]
        for vm_id in gone:
            give_back(self.tx, vm_id, minor="its VM is gone", max_attempts=self.max_attempts, actor=ACTOR, at=self.at)
        tell_drains(self.tx, moves, moved, actor=ACTOR, at=self.at)
        stillbirth.tell(self.tx, moves, moved, actor=ACTOR)
        purpose.missed_by(self.tx, self.inventory, moves, moved, actor=ACTOR, at=self.at)
        if moved:
            self.tx.events.append("vm.moved", subject=self.endpoint.name, actor=ACTOR, data={"vms": moved[:100]})
        return moved

    def _observed(self, vm: Vm, instance: Instance | None) -> Move | None:
        pool = rules_for(vm, self.inventory).pool
        return observe_vm(vm, _sighting(instance), at=self.at, pool=pool, endpoint=self.endpoint)

    def _living(self) -> list[Vm]:
        return self.tx.vms.in_states(LIVE, endpoint=self.endpoint.name)

    def _buried(self, instance: Instance) -> bool:
        """Tell whether a row that is Halted already has this instance (a cloud listing its dead)."""
        return self.tx.vms.by_instance(self.endpoint.name, instance.id) is not None


def _sighting(instance: Instance | None) -> Sighting:
    if instance is None:
        return ABSENT
    return Sighting(
        True,
        instance.terminal,
        instance.state,
        instance.fault,
        instance.address,
        instance.leaving,
        str(instance.error_class or ""),
    )
