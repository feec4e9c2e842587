"""The ledger's contract: what it keeps and how it is asked. Frozen values in and out, no SQL leaves the room.

Usage::

    with ledger.write() as tx:            # one transaction; BEGIN IMMEDIATE on SQLite; rolled back on any exception
        tx.vms.move(moves, actor="root")
        tx.events.append("vm.moved", subject="vm-1", actor="root")
    with ledger.read() as tx: ...         # a consistent read snapshot
    ledger.wait(after=seq, timeout=5.0)   # returns when an event with seq > after is there, or at the timeout
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from typing import Any, Protocol

from vmdirac_py.base.errors import Conflict, Unusable
from vmdirac_py.model.batch import Batch, BatchKind, BatchState, ErrorClass
from vmdirac_py.model.inventory import Inventory
from vmdirac_py.model.job import Job, JobSpec, JobState, Used
from vmdirac_py.model.plan import Finished, Outcome, Plan, SoftEnd
from vmdirac_py.model.queue import TaskQueue
from vmdirac_py.model.reason import Reason
from vmdirac_py.model.value import Value
from vmdirac_py.model.vm import Move, Run, Vm, VmState

# Topics the launch budget is counted by; whoever answers a batch, or sees a VM run, work or end, appends them.
ANSWERED = "batch.answered"
RAN = "vm.running"
STILLBORN = "vm.stillborn"
# These two carry `shapes`: what the VM was launched for, and found or found not.
WORKED = "vm.worked"
UNMATCHED = "vm.unmatched"
# Topics job lengths are learned from; a report appends them with whose job it was and how long it ran.
ENDED = ("job.done", "job.failed")


class LeaseHeld(Conflict):
    """Somebody else holds the lease; `owner` and `expires_at` say who and until when."""

    def __init__(self, name: str, owner: str, expires_at: float) -> None:
        super().__init__(
            f"lease {name} is held by {owner}", where="ledger", mend="stop that process, or wait until its lease ends"
        )
        self.name, self.owner, self.expires_at = name, owner, expires_at


class WrongSchema(Unusable):
    """The ledger's schema is newer than this program, or was never made."""


class Event(Value, frozen=True):
    """One line of the append-only event log."""

    seq: int
    at: float
    topic: str
    subject: str
    actor: str
    data: Mapping[str, Any]


class Lease(Value, frozen=True):
    """The right to act, until `expires_at` (epoch seconds by database time). `token` grows with every new holder."""

    name: str
    owner: str
    token: int
    expires_at: float


class Transition(Value, frozen=True):
    """One step in a VM's history."""

    vm: str
    at: float
    was: VmState | None
    to: VmState
    actor: str
    reason: Reason


class Command(Value, frozen=True):
    """Something a VM was told to do; `verb` is `drain` or `halt`."""

    id: int
    vm: str
    verb: str
    at: float
    deadline: float
    actor: str
    acked_at: float = 0.0


class Heartbeat(Value, frozen=True):
    """A VM's last sign of life; `data` is the message as the worker sent it."""

    vm: str
    at: float
    data: Mapping[str, Any]


class Sighting(Value, frozen=True):
    """An instance bearing our mark that no VM row explains; `listings` counts complete listings that showed it."""

    endpoint: str
    instance_id: str
    batch: str
    first_seen: float
    last_seen: float
    listings: int


class Listing(Value, frozen=True):
    """The last listing of an endpoint: when it was complete last, and what it found or why it failed."""

    endpoint: str
    at: float
    complete_at: float
    count: int
    error: str = ""


class PlanRecord(Value, frozen=True):
    """Which plan was made when, with the fingerprint of the inventory revision it was decided from."""

    id: str
    at: float
    revision: str


class ReasonSpan(Value, frozen=True):
    """A reason held for `subject` (`pool:NAME`, `queue:ID`, `job:ID`) from `since` to `until` (0.0: still holds)."""

    subject: str
    reason: Reason
    since: float
    until: float = 0.0


class Enrolment(Value, frozen=True):
    """Instance `instance_id` enrolled as `vm`; `key_hash` is the SHA-256 of its key's SubjectPublicKeyInfo (DER)."""

    batch: str
    instance_id: str
    vm: str
    key_hash: str
    at: float


class Meta(Protocol):
    """Small facts about the installation itself (`installation_id`, `created_at` ...)."""

    def get(self, key: str) -> str | None: ...
    def set(self, key: str, value: str) -> None: ...


class Events(Protocol):
    def append(self, topic: str, *, subject: str = "", actor: str = "", data: Mapping[str, Any] | None = None) -> int:
        """Write one event, return its sequence number; on PostgreSQL also NOTIFY."""

    def append_each(self, topic: str, subjects: Collection[str], *, actor: str = "") -> None:
        """Write one event a subject, in bulk."""

    def after(self, seq: int, *, topics: Collection[str] = (), limit: int = 1000) -> list[Event]: ...
    def last(self) -> int:
        """Return the newest sequence number, 0 when there is none."""


class Leases(Protocol):
    def take(self, name: str, owner: str, seconds: float) -> Lease:
        """Take a free, expired or own lease. Raises LeaseHeld. The same owner keeps its token."""

    def release(self, lease: Lease) -> None: ...
    def check(self, lease: Lease) -> None:
        """Raise LeaseHeld when `lease` is no longer the current one (token and expiry)."""

    def holders(self) -> list[Lease]: ...


class Revisions(Protocol):
    def add(self, inventory: Inventory) -> None:
        """Store and activate this inventory; a repeat of the active fingerprint changes nothing."""

    def active(self) -> Inventory | None: ...
    def get(self, fingerprint: str) -> Inventory | None: ...


class Plans(Protocol):
    def add(self, plan_id: str, plan: Plan, *, base_seq: int, revision: str) -> None: ...
    def get(self, plan_id: str) -> Plan | None: ...
    def latest(self) -> tuple[str, Plan] | None: ...
    def record(self, plan_id: str) -> PlanRecord | None: ...
    def made_at(self, at: float) -> PlanRecord | None:
        """Return the plan of exactly this moment: what it wrote bears the plan's own time."""


class Batches(Protocol):
    def insert(self, batches: Sequence[Batch]) -> None: ...
    def get(self, batch_id: str) -> Batch | None: ...
    def by_token(self, token_hash: str) -> Batch | None: ...
    def claim(
        self, batch_id: str, by: str, *, token_hash: str, token_deadline: float, deadline: float, at: float
    ) -> bool:
        """Written → Claimed as a compare-and-set; False when it was not Written any more."""

    def settle(
        self,
        batch_id: str,
        was: Collection[BatchState],
        to: BatchState,
        *,
        at: float,
        launched: int | None = None,
        refused: int | None = None,
        error_class: ErrorClass | None = None,
        error_text: str = "",
        deadline: float | None = None,
    ) -> bool:
        """Move a batch on from one of `was`; None leaves a field; False when it was in none of them."""

    def in_states(
        self, states: Collection[BatchState], *, endpoint: str = "", pool: str = "", kind: BatchKind | None = None
    ) -> list[Batch]: ...
    def outcomes(self, after_seq: int) -> list[Outcome]:
        """Return what the launch budget counts, by sequence number.

        That is launch batches answered or closed since (each by its newest event), VMs that came to run or ended
        before they ever did, and VMs that found the work they were launched for or ended without any.
        """


class Vms(Protocol):
    def insert(self, vms: Sequence[Vm], *, actor: str, reason: Reason) -> None:
        """Insert rows and the first line of their history."""

    def get(self, vm_id: str) -> Vm | None: ...
    def get_many(self, ids: Collection[str]) -> list[Vm]: ...
    def made_of(self, ids: Collection[str], *, image: str, profile: str) -> int:
        """Note what these VMs are made of; return how many there were."""

    def by_instance(self, endpoint: str, instance_id: str) -> Vm | None: ...
    def of_batch(self, batch_id: str) -> list[Vm]: ...
    def to_retire(self, batch_id: str) -> list[Vm]:
        """Return the VMs whose `retire_batch` is this."""

    def in_states(self, states: Collection[VmState], *, endpoint: str = "", pool: str = "", vo: str = "") -> list[Vm]:
        """Return VMs in these states, oldest first."""

    def next_deadline(self) -> float:
        """Return the earliest deadline of a VM that is not Halted; infinity when there is none."""

    def vos(self, states: Collection[VmState]) -> set[str]:
        """Return the VOs that have VMs in these states."""

    def counts(self) -> dict[tuple[str, str, VmState], int]:
        """Return the number of VMs by (VO, pool, state)."""

    def move(self, moves: Iterable[Move], *, actor: str, at: float) -> list[str]:
        """Apply guarded transitions in bulk with their history; return the ids that moved (the rest had before)."""

    def bind(self, vm_id: str, instance_id: str, address: str) -> bool:
        """Join a VM row to its instance; False when the row already has another instance."""

    def mark_retire(self, ids: Collection[str], batch_id: str) -> int: ...
    def soften(self, ends: Sequence[SoftEnd]) -> int:
        """Set soft ends in bulk; return how many VMs have another one now."""

    def listed(self, endpoint: str, present: Collection[str], *, at: float) -> None:
        """Note a complete listing: rows whose instance is present get missed_listings = 0, live bound others +1."""

    def seen(self, vm_ids: Collection[str], *, at: float) -> None: ...
    def worked(self, vm_id: str, *, at: float) -> bool:
        """Note that a VM was given a payload; tell whether it was its first."""

    def unworked(self, ids: Collection[str]) -> dict[str, tuple[str, ...]]:
        """Return which of these VMs never had a payload, each with the shapes it was launched for, if any are known."""

    def history(self, vm_id: str) -> list[Transition]: ...


class Jobs(Protocol):
    def insert(self, specs: Sequence[JobSpec], *, at: float) -> list[Job]: ...
    def get(self, job_id: int) -> Job | None: ...
    def find(
        self,
        *,
        states: Collection[JobState] = (),
        vo: str = "",
        vm: str = "",
        ids: Collection[int] | None = None,
        limit: int = 10_000,
    ) -> list[Job]:
        """Return jobs by number that meet all that is given (`ids` None: any); of more than `limit`, the newest."""

    def queues(self, *, vo: str = "") -> list[TaskQueue]:
        """Return the non-empty task queues, of a VO or of all.

        A queue is waiting jobs of one owner, group, VO, shape and priority.
        """

    def waiting_vos(self) -> set[str]:
        """Return the VOs that have jobs waiting."""

    def counts(self) -> dict[tuple[str, JobState], int]:
        """Return the number of jobs by (VO, state)."""

    def take(self, queue_id: str, vm: str, cores: int, *, at: float) -> Job | None:
        """Match the oldest waiting job of a queue to a VM: Waiting → Matched; None when it just emptied."""

    def move(
        self,
        job_id: int,
        was: Collection[JobState],
        to: JobState,
        *,
        at: float,
        vm: str = "",
        minor: str = "",
        exit_code: int | None = None,
        output: str = "",
        used: Used | None = None,
    ) -> bool:
        """Guarded transition with history (a non-empty `vm` also guards on the VM); sets started_at/ended_at."""

    def requeue(self, job_id: int, *, at: float, minor: str) -> bool:
        """Matched | Running | Failed | Killed → Waiting, attempt + 1, VM cleared."""

    def history(self, job_id: int) -> list[tuple[float, JobState, str, str]]:
        """Return (at, state, vm, minor), oldest first."""

    def used_cores(self, vm_ids: Collection[str]) -> dict[str, tuple[int, int, int, int]]:
        """Return per VM (busy slots, cores, ram_mb, gpus) of its Matched and Running jobs; VMs without are absent."""

    def runs(self, vm_ids: Collection[str]) -> dict[str, tuple[Run, ...]]:
        """Return the Matched and Running jobs of these VMs by number, in one query; VMs without are absent."""

    def last_ended(self, vm_ids: Collection[str]) -> dict[str, float]:
        """Return when the last job of each of these VMs ended; VMs that never had one end are absent."""

    def finished(self, after_seq: int, limit: int = 10_000) -> list[Finished]:
        """Return the payloads that ran and ended by themselves since, oldest first, at most `limit`."""


class Observations(Protocol):
    """Heartbeats, listings, sightings: last wins, no history."""

    def beat(self, beats: Sequence[Heartbeat]) -> None: ...
    def heartbeats(self, vm_ids: Collection[str] | None = None) -> dict[str, Heartbeat]:
        """Return the last heartbeats of these VMs (None: of all that ever beat)."""

    def note_listing(self, listing: Listing) -> None: ...
    def listings(self) -> dict[str, Listing]: ...
    def sight(self, endpoint: str, strangers: Mapping[str, str], *, at: float) -> None:
        """Note a complete listing's unexplained instances (instance id → batch mark); those gone are forgotten."""

    def sightings(self, endpoint: str) -> list[Sighting]: ...


class Commands(Protocol):
    def give(self, vms: Collection[str], verb: str, *, at: float, deadline: Mapping[str, float], actor: str) -> None:
        """Give a command once; the same unacknowledged verb again only updates its deadline."""

    def open(self, vm: str) -> list[Command]: ...
    def acknowledge(self, vm: str, verb: str, *, at: float) -> bool: ...
    def of(self, vm: str) -> list[Command]: ...


class Reasons(Protocol):
    def record(self, current: Mapping[str, Sequence[Reason]], *, at: float, kinds: Collection[str]) -> None:
        """Make `current` (subject → reasons) what holds now for all subjects of these kinds; write changes only."""

    def holding(self, subject: str = "") -> list[ReasonSpan]: ...
    def history(self, subject: str) -> list[ReasonSpan]: ...


class Enrolments(Protocol):
    def get(self, batch_id: str, instance_id: str) -> Enrolment | None: ...
    def count(self, batch_id: str) -> int: ...
    def add(self, enrolment: Enrolment) -> bool:
        """Insert; False when this instance of this batch has enrolled before."""


class Documents(Protocol):
    """Named JSON documents, such as the planner's memory."""

    def load(self, name: str) -> Any | None: ...
    def text(self, name: str) -> str | None:
        """Return a document as it is kept, for readers that know it by its text already."""

    def save(self, name: str, document: Any) -> None: ...


class Transaction(Protocol):
    """Everything the ledger keeps, seen through one database transaction."""

    meta: Meta
    events: Events
    leases: Leases
    revisions: Revisions
    plans: Plans
    batches: Batches
    vms: Vms
    jobs: Jobs
    observations: Observations
    commands: Commands
    reasons: Reasons
    enrolments: Enrolments
    documents: Documents


class Ledger(Protocol):
    """The database as a whole; safe to share between threads."""

    def write(self) -> AbstractContextManager[Transaction]: ...
    def read(self) -> AbstractContextManager[Transaction]: ...
    def wait(self, *, after: int, timeout: float) -> int:
        """Sleep until an event newer than `after` exists, or `timeout` seconds; return the newest sequence number."""

    def close(self) -> None: ...
