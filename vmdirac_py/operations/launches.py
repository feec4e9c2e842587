"""Launch batches: the intent, the one call to the cloud, and the answer, committed by whoever made the call."""

from __future__ import annotations

from dataclasses import dataclass

from vmdirac_py.base.errors import BadInput, Conflict, UnknownThing
from vmdirac_py.base.ids import new_id, new_token, token_hash
from vmdirac_py.base.processes import own_name
from vmdirac_py.clouds.api import AnswerLost, CloudEndpoint, CloudError, LaunchRequest, LaunchResult, Mark
from vmdirac_py.ledger.api import Transaction
from vmdirac_py.lifecycle.budget import allow
from vmdirac_py.model.batch import Batch, BatchKind, BatchState
from vmdirac_py.model.inventory import Endpoint, Inventory, Pool
from vmdirac_py.model.plan import Action, Decision
from vmdirac_py.model.reason import Reason
from vmdirac_py.model.vm import Vm, VmState
from vmdirac_py.model.words import words

from . import answers, memory, orders
from .api import BatchReport, Context
from .settling import settle, wanting
from .user_data import Cloud, user_data

UNSENT_SECONDS = 600.0  # a batch nobody claimed for so long is given up
UNSENT = Reason.of("batch.unsent")
POOL_GONE = Reason.of("batch.pool_gone")


def intend(ctx: Context, pool_name: str, count: int, *, actor: str) -> str:
    """Write the intent to launch `count` VMs of a pool, as a person does by hand; return the batch id.

    Raises:
        UnknownThing: no such pool.
        BadInput: the count is not between 1 and the endpoint's ramp.
        Conflict: the pool's image is being retired.
    """
    pool, endpoint = check(ctx, pool_name, count)
    reason = Reason.of("launch.by_hand", actor=actor)
    wish = Decision(Action.LAUNCH, endpoint.name, pool.name, pool.vo, count, reason)
    with ctx.ledger.write() as tx:
        return write(tx, pool, endpoint, wish, plan="", actor=actor, at=ctx.clock.now())


def check(ctx: Context, pool_name: str, count: int) -> tuple[Pool, Endpoint]:
    """Return the pool and endpoint that such a launch by hand is for; nothing is written.

    Raises:
        UnknownThing: no such pool.
        BadInput: the count is not between 1 and the endpoint's ramp.
        Conflict: the pool's image is being retired.
    """
    inventory = ctx.inventory()
    pool = inventory.pools.get(pool_name)
    if pool is None:
        raise UnknownThing("no such pool", where=pool_name, mend="see `vmdirac inventory show`")
    endpoint = inventory.endpoints[pool.endpoint]
    if not 1 <= count <= endpoint.ramp:
        raise BadInput(f"cannot launch {count} VMs at once", where=pool_name, mend=f"ask for 1 to {endpoint.ramp}")
    _check_image(ctx, pool)
    return pool, endpoint


def _check_image(ctx: Context, pool: Pool) -> None:
    with ctx.ledger.read() as tx:
        reason = orders.closing(tx, pool.image)
    if reason:
        mend = f"give the pool another image, or `vmdirac image retire {pool.image} --undo`"
        raise Conflict(words(reason), where=pool.name, mend=mend)


def write(
    tx: Transaction, pool: Pool, endpoint: Endpoint, decision: Decision, *, plan: str, actor: str, at: float
) -> str:
    """Write what was decided as one batch and its VMs in state New; return the batch id."""
    batch = Batch(
        id=new_id("b"),
        kind=BatchKind.LAUNCH,
        endpoint=endpoint.name,
        pool=pool.name,
        vo=pool.vo,
        wanted=decision.count,
        plan=plan,
        actor=actor,
        created_at=at,
        deadline=at + UNSENT_SECONDS,
        updated_at=at,
        shapes=decision.shapes,
    )
    tx.batches.insert([batch])
    vms = [new_vm(batch, pool, endpoint, soft_end=decision.soft_end, at=at) for _ in range(batch.wanted)]
    tx.vms.insert(vms, actor=actor, reason=decision.reason)
    tx.events.append("batch.written", subject=batch.id, actor=actor, data={"endpoint": endpoint.name})
    return batch.id


def new_vm(batch: Batch, pool: Pool, endpoint: Endpoint, *, soft_end: float = 0.0, at: float) -> Vm:
    """Return a VM of this batch in state New."""
    return Vm(
        id=new_id("vm"),
        batch=batch.id,
        endpoint=endpoint.name,
        pool=pool.name,
        vo=batch.vo,
        resources=pool.resources,
        state=VmState.NEW,
        state_since=at,
        created_at=at,
        deadline=batch.deadline + endpoint.client_timeout + endpoint.listing_lag,
        image=pool.image,
        profile=pool.profile,
        soft_end=soft_end,
    )


def launch(ctx: Context, batch_id: str, *, actor: str) -> BatchReport:
    """Claim a batch, ask the cloud once, commit what it answered.

    Whoever comes second, or comes again, is told what is true of the batch and sends nothing. A batch that should not
    be sent any more (nobody wants its VMs, its pool is gone, its endpoint refused meanwhile) is closed unsent.
    All that may fail on this machine is done before the claim: then the batch stays Written, for whoever can send it.

    Raises:
        UnknownThing: no such launch batch.
        CloudError, Unusable: this machine cannot send it; nothing was claimed or sent.
    """
    sending = _claim(ctx, batch_id, actor, _means(ctx, batch_id))
    if sending is None:
        return report(ctx, batch_id)
    try:
        result = sending.send(ctx)
    except AnswerLost as error:
        answers.take_doubt(ctx, sending.batch, sending.endpoint, error)
    except CloudError as error:
        answers.take_refusal(ctx, sending.batch, error, actor=actor)
    except Exception as error:  # a fault of the driver: who knows what it had sent by then
        answers.take_doubt(ctx, sending.batch, sending.endpoint, error)
        raise
    else:
        answers.take(ctx, sending.batch, result, actor=actor)
    return report(ctx, batch_id, sent=True)


def report(ctx: Context, batch_id: str, *, sent: bool = False) -> BatchReport:
    """Return what is true of a batch now.

    Raises:
        UnknownThing: no such batch.
    """
    with ctx.ledger.read() as tx:
        batch = _get(tx, batch_id)
        vms = tx.vms.of_batch(batch_id) if batch.kind is BatchKind.LAUNCH else tx.vms.to_retire(batch_id)
    return BatchReport(
        batch=batch.id,
        kind=batch.kind,
        state=batch.state,
        endpoint=batch.endpoint,
        pool=batch.pool,
        wanted=batch.wanted,
        launched=batch.launched,
        refused=batch.refused,
        sent=sent,
        instances={vm.id: vm.instance_id for vm in vms},
        error_class=batch.error_class,
        error_text=batch.error_text,
    )


def _get(tx: Transaction, batch_id: str) -> Batch:
    batch = tx.batches.get(batch_id)
    if batch is None:
        raise UnknownThing("no such batch", where=batch_id, mend="see `vmdirac batch list`")
    return batch


@dataclass(frozen=True, slots=True)
class _Means:
    """What this machine needs to send a batch of a pool."""

    pool: Pool
    driver: CloudEndpoint
    token: str
    user_data: bytes


def _means(ctx: Context, batch_id: str) -> _Means | None:
    """Make what a batch is sent with; None for one that is not to be sent (any more)."""
    with ctx.ledger.read() as tx:
        batch = _get(tx, batch_id)
    if batch.kind is not BatchKind.LAUNCH:
        raise UnknownThing("not a launch batch", where=batch_id, mend="retire batches belong to `retire`")
    inventory = ctx.inventory()
    pool = _pool_of(batch, inventory)
    if batch.state is not BatchState.WRITTEN or pool is None:
        return None
    driver, token = ctx.endpoint(batch.endpoint), new_token()
    cloud, endpoint = Cloud(driver.instance_id_file, driver.max_user_data), inventory.endpoints[pool.endpoint]
    data = user_data(pool, endpoint, token=token, manager=ctx.manager, bundle=ctx.bundle, cloud=cloud)
    return _Means(pool, driver, token, data)


@dataclass(frozen=True, slots=True)
class _Sending:
    """A claimed batch with all that is needed to send it."""

    batch: Batch
    endpoint: Endpoint
    vms: tuple[str, ...]
    means: _Means

    def send(self, ctx: Context) -> LaunchResult:
        """Send it. Raises CloudError."""
        mark = Mark(ctx.installation_id, self.batch.id, self.batch.vo, self.batch.pool)
        return self.means.driver.launch(LaunchRequest(mark, self.means.pool, self.vms, self.means.user_data))


def _claim(ctx: Context, batch_id: str, actor: str, means: _Means | None) -> _Sending | None:
    """Claim the batch for this process; None when it is not there to be claimed (any more)."""
    inventory, at = ctx.inventory(), ctx.clock.now()
    with ctx.ledger.write() as tx:
        batch = _get(tx, batch_id)
        if batch.state is not BatchState.WRITTEN:
            return None
        pool = _pool_of(batch, inventory)
        hindrance = _hindrance(tx, batch, pool, at)
        if pool is None or hindrance:
            settle(tx, inventory, batch, BatchState.CLOSED, hindrance or POOL_GONE, actor=actor, at=at)
            return None
        if means is None or means.pool != pool:
            return None  # the inventory changed this very moment: it stays Written for the next one who looks
        endpoint = inventory.endpoints[batch.endpoint]
        claimed = tx.batches.claim(
            batch_id,
            own_name(actor),
            token_hash=token_hash(means.token),
            token_deadline=at + endpoint.client_timeout + pool.boot_deadline,
            deadline=at + endpoint.client_timeout + endpoint.listing_lag,
            at=at,
        )
        vms = tuple(vm.id for vm in wanting(tx, batch_id))
        tx.vms.made_of(
            vms, image=pool.image, profile=pool.profile
        )  # the inventory may have changed since they were written
    return _Sending(batch, endpoint, vms, means) if claimed else None


def _pool_of(batch: Batch, inventory: Inventory) -> Pool | None:
    """Return the pool a batch was written for; None when it left the inventory or means another one by now."""
    pool = inventory.pools.get(batch.pool)
    return pool if pool and (pool.vo, pool.endpoint) == (batch.vo, batch.endpoint) else None


def _hindrance(tx: Transaction, batch: Batch, pool: Pool | None, at: float) -> Reason | None:
    """Return why this batch must not be sent any more, if so."""
    if pool is None:
        return POOL_GONE
    if at >= batch.deadline:
        return UNSENT
    if not wanting(tx, batch.id):
        return Reason.of("batch.unwanted")
    if closed := orders.closing(tx, pool.image):
        return closed
    # A plan may hold a batch for each of many pools of a cloud: the first refusal speaks for the others.
    return _refused_meanwhile(tx, batch, at) if batch.plan else None


def _refused_meanwhile(tx: Transaction, batch: Batch, at: float) -> Reason | None:
    budget = memory.budget_now(tx, batch.endpoint)
    allowed, reason = allow(budget, batch.wanted, at, scope=batch.endpoint)
    return None if allowed else reason
