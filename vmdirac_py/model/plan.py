"""What was decided, and why; and the snapshot it was decided from."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from .batch import ErrorClass
from .inventory import Inventory
from .queue import Demand
from .reason import Reason
from .vm import Capacity


class Action(StrEnum):
    """What a decision asks for."""

    LAUNCH = "launch"
    DRAIN = "drain"


@dataclass(frozen=True, slots=True)
class Decision:
    """One action on one pool: launch `count` VMs, or drain `vms`."""

    action: Action
    endpoint: str
    pool: str
    vo: str
    count: int
    reason: Reason
    vms: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Placement:
    """Where the waiting jobs of one queue are expected to run; the four numbers add up to its waiting jobs."""

    queue: str
    vo: str
    on_running: int
    on_booting: int
    on_new: int
    unplaced: int
    reasons: tuple[Reason, ...] = ()


@dataclass(frozen=True, slots=True)
class PoolNote:
    """Reasons that bind a pool this time (limits, back-off, nothing to do)."""

    pool: str
    reasons: tuple[Reason, ...]


@dataclass(frozen=True, slots=True)
class SoftEnd:
    """From now on a VM takes only jobs that are expected to end before `until` (epoch; 0.0: takes all)."""

    vm: str
    until: float


@dataclass(frozen=True, slots=True)
class Plan:
    """All decisions of one step, in the order they should be acted on."""

    at: float
    decisions: tuple[Decision, ...]
    placements: tuple[Placement, ...]
    pools: tuple[PoolNote, ...]
    ends: tuple[SoftEnd, ...] = ()

    @property
    def acts(self) -> bool:
        """Tell whether anything is to be done."""
        return bool(self.decisions)


@dataclass(frozen=True, slots=True)
class Outcome:
    """How one launch batch ended, by ledger sequence number, for the launch budget.

    With `booted` it is not about a create call but about one VM of such a batch: it came to run (`launched` 1), or
    ended before it ever did (`refused` 1, class stillborn); `seconds` is then how long its boot took.
    """

    seq: int
    at: float
    endpoint: str
    pool: str
    launched: int
    refused: int
    error_class: ErrorClass | None
    booted: bool = False
    seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class Finished:
    """A payload that ended by itself, by ledger sequence number: whose, how long it ran, and what was asked for."""

    seq: int
    vo: str
    owner: str
    group: str
    seconds: float
    cpu_seconds: int


@dataclass(frozen=True, slots=True)
class EndpointView:
    """What is known of an endpoint now: when it was listed completely last (epoch, 0.0: never), and foreign use.

    `max_vms`/`max_cores` here are the cloud's own limits (None: not told); `foreign_*` is use that is not ours.
    """

    name: str
    listed_at: float = 0.0
    foreign_vms: int = 0
    foreign_cores: int = 0
    max_vms: int | None = None
    max_cores: int | None = None


@dataclass(frozen=True, slots=True)
class RetireOrder:
    """Somebody wants no VM of an image left at `by`; there were `vms` of them `since` (epoch) the order stands."""

    image: str
    since: float
    by: float
    vms: int
    actor: str


@dataclass(frozen=True, slots=True)
class Snapshot:
    """Everything a plan may know. `at` is the only time; `base_seq` the ledger event it was read at."""

    at: float
    base_seq: int
    inventory: Inventory
    demand: Demand
    fleet: tuple[Capacity, ...]
    endpoints: tuple[EndpointView, ...] = ()
    outcomes: tuple[Outcome, ...] = ()
    finished: tuple[Finished, ...] = ()
    orders: tuple[RetireOrder, ...] = ()
