"""Our record of a virtual machine."""

from __future__ import annotations

from enum import StrEnum

from .reason import Reason
from .resources import Resources
from .value import Amount, Count, Seconds, Value

QUIET_LOAD = 0.05
"""A machine with a smaller load average does nothing."""


class VmState(StrEnum):
    """DIRAC's names where it has one."""

    NEW = "New"  # intent written
    SUBMITTED = "Submitted"  # the cloud took it
    CONTEXTUALISING = "Contextualising"  # enrolled
    RUNNING = "Running"
    DRAINING = "Draining"
    STOPPING = "Stopping"
    HALTED = "Halted"
    STALLED = "Stalled"
    FAILED = "Failed"


class Vm(Value, frozen=True):
    """One VM; times in seconds since the epoch, 0.0 or empty where not yet known.

    `deadline` belongs to the present state. `retire_batch` is the batch that asks the cloud to terminate it.
    `image` and `profile` are those of its pool when it was launched (empty: not recorded).
    It takes jobs beyond its reach (`planner/ends.py`) only if they end by `soft_end` (0.0: none is set).
    """

    id: str
    batch: str
    endpoint: str
    pool: str
    vo: str
    resources: Resources
    state: VmState
    state_since: Seconds
    created_at: Seconds
    deadline: Seconds
    instance_id: str = ""
    address: str = ""
    soft_end: Seconds = 0.0
    last_seen: Seconds = 0.0
    missed_listings: Count = 0
    retire_batch: str = ""
    reason: Reason | None = None
    image: str = ""
    profile: str = ""


class Run(Value, frozen=True):
    """A payload that runs: whose it is, since when (epoch), on how many cores, and CPU seconds per core asked for."""

    owner: str
    group: str
    since: Seconds
    cores: Count = 1
    cpu_seconds: Count = 86400
    disk_gb: Count = 0


class Capacity(Value, frozen=True):
    """A VM with what is free on it now; for a booting VM everything, for a draining one nothing.

    `runs` are the payloads we know of; a VM may tell of more `busy_slots` than that. `idle_since` (epoch) is since when
    nothing runs on it (0.0: something does, or nobody knows). `cpu_load` is its load average (None: not told), on this
    side of `QUIET_LOAD` since `load_since` (epoch, 0.0: not known); `failed_matches` how often in a row it got no job.
    """

    vm: Vm
    free: Resources
    busy_slots: Count = 0
    runs: tuple[Run, ...] = ()
    idle_since: Seconds = 0.0
    cpu_load: Amount | None = None
    load_since: Seconds = 0.0
    failed_matches: Count = 0


class Move(Value, frozen=True):
    """One transition that should happen: the guard is `(vm, was)`, the effect is the rest."""

    vm: str
    was: VmState
    to: VmState
    reason: Reason
    deadline: Seconds
