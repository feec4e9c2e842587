"""A real installation in a folder for tests: SQLite ledger, authority, blobs, embedded queue. Nothing is faked.

ctx = make_context(tmp_path)                       # two VOs, one endpoint, one pool each, a clock that stands still
vm = add_vm(ctx, state=VmState.RUNNING)            # a launch batch with one VM, brought there by real moves
job = submit(ctx, vo="astro", cores=1)             # a waiting job
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from msgspec.structs import replace

from vmdirac_py.base.blobs import BlobStore
from vmdirac_py.base.clock import Clock, ManualClock
from vmdirac_py.base.errors import UnknownThing
from vmdirac_py.base.ids import new_id, token_hash
from vmdirac_py.base.settings import Home, Settings
from vmdirac_py.clouds.api import CloudEndpoint
from vmdirac_py.credentials.ca import Authority
from vmdirac_py.ledger.api import Event, Ledger
from vmdirac_py.ledger.engine import open_ledger
from vmdirac_py.lifecycle.states import move, rules_for
from vmdirac_py.model.batch import Batch, BatchKind, BatchState
from vmdirac_py.model.inventory import Endpoint, Inventory, Pool, Vo
from vmdirac_py.model.job import Job, JobSpec, Payload
from vmdirac_py.model.queue import Shape
from vmdirac_py.model.reason import Reason
from vmdirac_py.model.resources import Resources
from vmdirac_py.model.vm import Vm, VmState
from vmdirac_py.operations.contextualising import Bundle
from vmdirac_py.operations.user_data import Manager
from vmdirac_py.queues.api import MatchingQueue
from vmdirac_py.queues.embedded import EmbeddedQueue

TOKEN = "the-token-of-the-batch"
WHY = Reason.of("test")
LIFE = (VmState.NEW, VmState.SUBMITTED, VmState.CONTEXTUALISING, VmState.RUNNING)
WAY = {
    **{state: LIFE[: place + 1] for place, state in enumerate(LIFE)},
    VmState.STALLED: (*LIFE, VmState.STALLED),
    VmState.DRAINING: (*LIFE, VmState.DRAINING),
    VmState.STOPPING: (*LIFE, VmState.STOPPING),
    VmState.HALTED: (*LIFE, VmState.STOPPING, VmState.HALTED),
    VmState.FAILED: (VmState.NEW, VmState.FAILED),
}
"""State → the states a VM passes on its usual way there."""


@dataclass
class TestContext:
    """An opened installation (`vmdirac_py.operations.api.Context`)."""

    __test__ = False  # not a test class, whatever pytest thinks of the name

    home: Home
    settings: Settings
    clock: Any  # most tests move it, a few need the machine's own
    ledger: Ledger
    queue: MatchingQueue
    blobs: BlobStore
    installation_id: str
    endpoints: Mapping[str, CloudEndpoint] = field(default_factory=dict)

    @cached_property
    def authority(self) -> Authority:
        """The certificate authority, read from disk on first use."""
        return Authority.load(self.home.ca)

    @property
    def bundle(self) -> Bundle:
        """A worker nobody fetches."""
        return Bundle("0" * 64, "print('boot')")

    @property
    def manager(self) -> Manager:
        """A manager nobody calls."""
        return Manager("https://127.0.0.1:8443", "PEM of the CA")

    def inventory(self) -> Inventory:
        """The active revision."""
        with self.ledger.read() as tx:
            inventory = tx.revisions.active()
        assert inventory is not None
        return inventory

    def endpoint(self, name: str) -> CloudEndpoint:
        """The driver of an endpoint."""
        if name not in self.endpoints:
            raise UnknownThing("no such endpoint", where=name)
        return self.endpoints[name]


def make_pool(name: str, vo: str, **changes: Any) -> Pool:
    """Return a pool of 8 cores and 16 GB on the endpoint `north`."""
    pool = Pool(
        name=name,
        endpoint="north",
        vo=vo,
        site="CLOUD.North.xy",
        flavor="m8",
        image="debian",
        resources=Resources(8, 16000, 0, 100),
    )
    return replace(pool, **changes)


def make_inventory(*pools: Pool) -> Inventory:
    """Return an inventory of these pools (given none: one for VO astro, one for VO bio) and what they hang on."""
    chosen = pools or (make_pool("astro-8", "astro"), make_pool("bio-8", "bio"))
    return Inventory(
        fingerprint=new_id("test"),
        vos={pool.vo: Vo(pool.vo, groups=(f"{pool.vo}_user",)) for pool in chosen},
        endpoints={pool.endpoint: Endpoint(pool.endpoint, "local", "CLOUD.North.xy") for pool in chosen},
        pools={pool.name: pool for pool in chosen},
    )


def make_context(
    folder: Path, *, inventory: Inventory | None = None, clock: Clock | None = None, **settings: Any
) -> TestContext:
    """Make an installation in `folder`; `settings` are keys of `vmdirac.yml`. Close its ledger when done."""
    home, clock = Home(folder), clock or ManualClock()
    home.static.mkdir(parents=True, exist_ok=True)
    ledger = open_ledger(f"sqlite:///{home.database}", clock, create=True)
    Authority.create(home.ca, installation_id="inst-test")
    with ledger.write() as tx:
        tx.meta.set("created_at", str(clock.now()))
        tx.revisions.add(inventory or make_inventory())
    given = Settings(inventory="inventory", **{"vm_port": 0, "people_port": 0, **settings})
    return TestContext(home, given, clock, ledger, EmbeddedQueue(ledger), BlobStore(home.blobs), "inst-test")


def open_again(folder: Path, *, clock: Clock | None = None, **settings: Any) -> TestContext:
    """Open an installation that `make_context` made, as another process would."""
    home, clock = Home(folder), clock or ManualClock()
    ledger = open_ledger(f"sqlite:///{home.database}", clock)
    given = Settings(inventory="inventory", **{"vm_port": 0, "people_port": 0, **settings})
    return TestContext(home, given, clock, ledger, EmbeddedQueue(ledger), BlobStore(home.blobs), "inst-test")


def add_batch(ctx: TestContext, *, pool: str = "astro-8", wanted: int = 1, token: str = TOKEN, **changes: Any) -> Batch:
    """Write a claimed launch batch, its token good for half an hour."""
    at, where = ctx.clock.now(), ctx.inventory().pools[pool]
    batch = Batch(
        id=new_id("batch"),
        kind=BatchKind.LAUNCH,
        endpoint=where.endpoint,
        pool=pool,
        vo=where.vo,
        wanted=wanted,
        plan="",
        actor="test",
        created_at=at,
        deadline=at + 600,
        state=BatchState.CLAIMED,
        token_hash=token_hash(token),
        token_deadline=at + 1800,
    )
    batch = replace(batch, **changes)
    with ctx.ledger.write() as tx:
        tx.batches.insert([batch])
    return batch


def add_vm(
    ctx: TestContext,
    *,
    batch: Batch | None = None,
    state: VmState = VmState.SUBMITTED,
    instance: str = "",
    **place: Any,
) -> Vm:
    """Write a VM of a batch (given none: of a new one in pool `place["pool"]`) and bring it to a state."""
    batch = batch or add_batch(ctx, token=new_id("token"), **place)
    pool, at = ctx.inventory().pools[batch.pool], ctx.clock.now()
    vm = Vm(
        id=new_id("vm"),
        batch=batch.id,
        endpoint=batch.endpoint,
        pool=batch.pool,
        vo=batch.vo,
        resources=pool.resources,
        state=VmState.NEW,
        state_since=at,
        created_at=at,
        deadline=at + 600,
        instance_id=instance,
    )
    with ctx.ledger.write() as tx:
        tx.vms.insert([vm], actor="test", reason=WHY)
    for step in WAY[state][1:]:
        vm = bring(ctx, vm, step)
    return vm


def bring(ctx: TestContext, vm: Vm, to: VmState) -> Vm:
    """Move a VM on by one edge and return its new row."""
    at, rules = ctx.clock.now(), rules_for(vm, ctx.inventory())
    with ctx.ledger.write() as tx:
        assert tx.vms.move([move(vm, to, WHY, pool=rules.pool, endpoint=rules.endpoint, at=at)], actor="test", at=at)
    return row_of(ctx, vm.id)


def row_of(ctx: TestContext, vm_id: str) -> Vm:
    """Return a VM as the ledger has it now."""
    with ctx.ledger.read() as tx:
        vm = tx.vms.get(vm_id)
    assert vm is not None
    return vm


def submit(ctx: TestContext, *, vo: str = "astro", cores: int = 1, cpu_seconds: int = 3600, **payload: Any) -> Job:
    """Write a waiting job, of one hour unless told otherwise."""
    return submit_many(ctx, 1, vo=vo, cores=cores, cpu_seconds=cpu_seconds, **payload)[0]


def submit_many(
    ctx: TestContext, count: int, *, vo: str = "astro", cores: int = 1, cpu_seconds: int = 3600, **payload: Any
) -> list[Job]:
    """Write equal waiting jobs, of one hour unless told otherwise."""
    shape = Shape(min_cores=cores, max_cores=cores, cpu_seconds=cpu_seconds)
    spec = JobSpec("work", vo, "jane", f"{vo}_user", shape, Payload(**{"executable": "/bin/true", **payload}))
    with ctx.ledger.write() as tx:
        return tx.jobs.insert([spec] * count, at=ctx.clock.now())


def vms_of(ctx: TestContext, *states: VmState) -> list[Vm]:
    """Return the VMs in these states, or all, oldest first."""
    with ctx.ledger.read() as tx:
        return tx.vms.in_states(states or tuple(VmState))


def batch_of(ctx: TestContext, batch_id: str) -> Batch:
    """Return a batch as the ledger has it now."""
    with ctx.ledger.read() as tx:
        batch = tx.batches.get(batch_id)
    assert batch is not None
    return batch


def job_of(ctx: TestContext, job_id: int) -> Job:
    """Return a job as the ledger has it now."""
    with ctx.ledger.read() as tx:
        job = tx.jobs.get(job_id)
    assert job is not None
    return job


def events(ctx: TestContext, *topics: str) -> list[Event]:
    """Return the events of these topics, oldest first."""
    with ctx.ledger.read() as tx:
        return tx.events.after(0, topics=topics)
