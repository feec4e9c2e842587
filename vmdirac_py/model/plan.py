"""What was decided, and why; and the snapshot it was decided from."""

from __future__ import annotations

from enum import StrEnum

from .batch import ErrorClass
from .inventory import Inventory
from .queue import Demand
from .reason import Reason
from .value import Count, Seconds, Value
from .vm import Capacity


class Action(StrEnum):
    """What a decision asks for."""

    LAUNCH = "launch"
    DRAIN = "drain"


class Decision(Value, frozen=True):
    """One action on one pool: launch `count` VMs, or drain `vms`.

    `shapes` are the fingerprints (`Shape.fingerprint`) of the waiting jobs a launch is for; until `soft_end`
    (epoch, 0.0: for ever) its VMs take jobs as long as those.
    """

    action: Action
    endpoint: str
    pool: str
    vo: str
    count: Count
    reason: Reason
    vms: tuple[str, ...] = ()
    shapes: tuple[str, ...] = ()
    soft_end: Seconds = 0.0


class Placement(Value, frozen=True):
    """Where the waiting jobs of one queue are expected to run; the five numbers add up to its waiting jobs.

    `held` ones are not worth a VM yet: they wait for cores that free soon, or for others to fill a VM with.
    """

    queue: str
    vo: str
    on_running: Count
    on_booting: Count
    on_new: Count
    unplaced: Count
    reasons: tuple[Reason, ...] = ()
    held: Count = 0


class PoolNote(Value, frozen=True):
    """Reasons that bind a pool this time (limits, back-off, nothing to do)."""

    pool: str
    reasons: tuple[Reason, ...]


class SoftEnd(Value, frozen=True):
    """From now on a VM also takes jobs beyond its reach that end before `until` (epoch; 0.0: none of these)."""

    vm: str
    until: Seconds


class Plan(Value, frozen=True, tag_field="version", tag=1):
    """All decisions of one step, in the order they should be acted on."""

    at: Seconds
    decisions: tuple[Decision, ...]
    placements: tuple[Placement, ...]
    pools: tuple[PoolNote, ...]
    ends: tuple[SoftEnd, ...] = ()

    @property
    def acts(self) -> bool:
        """Tell whether anything is to be done."""
        return bool(self.decisions)


class Outcome(Value, frozen=True):
    """How one launch batch ended, by ledger sequence number, for the launch budget.

    With `booted` it is not about a create call but about one VM of such a batch: it came to run (`launched` 1), or
    ended before it ever did (`refused` 1, class stillborn); `seconds` is then how long its boot took.
    With `shapes` as well, those its batch was launched for (`Decision.shapes`), it tells of one VM whether it found
    that work: its first payload began (`launched` 1), or it retired without any (`refused` 1, class no_match).
    """

    seq: Count
    at: Seconds
    endpoint: str
    pool: str
    launched: Count
    refused: Count
    error_class: ErrorClass | None
    booted: bool = False
    seconds: Seconds = 0.0
    shapes: tuple[str, ...] = ()


class Finished(Value, frozen=True):
    """A payload that ended by itself, by ledger sequence number: whose, how long it ran, and what was asked for."""

    seq: Count
    vo: str
    owner: str
    group: str
    seconds: Seconds
    cpu_seconds: Count


class EndpointView(Value, frozen=True):
    """What is known of an endpoint now: when it was listed completely last (epoch, 0.0: never), and foreign use.

    `max_vms`/`max_cores` here are the cloud's own limits (None: not told); `foreign_*` is use that is not ours.
    """

    name: str
    listed_at: Seconds = 0.0
    foreign_vms: Count = 0
    foreign_cores: Count = 0
    max_vms: Count | None = None
    max_cores: Count | None = None


class RetireOrder(Value, frozen=True):
    """Somebody wants no VM of an image left at `by`; there were `vms` of them `since` (epoch) the order stands."""

    image: str
    since: Seconds
    by: Seconds
    vms: Count
    actor: str


class Snapshot(Value, frozen=True, tag_field="version", tag=1):
    """Everything a plan may know. `at` is the only time; `base_seq` the ledger event it was read at."""

    at: Seconds
    base_seq: Count
    inventory: Inventory
    demand: Demand
    fleet: tuple[Capacity, ...]
    endpoints: tuple[EndpointView, ...] = ()
    outcomes: tuple[Outcome, ...] = ()
    finished: tuple[Finished, ...] = ()
    orders: tuple[RetireOrder, ...] = ()
