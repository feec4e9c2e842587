"""Our record of a virtual machine."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from .reason import Reason
from .resources import Resources

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


@dataclass(frozen=True, slots=True)
class Vm:
    """One VM; times in seconds since the epoch, 0.0 or empty where not yet known.

    `deadline` belongs to the present state. `retire_batch` is the batch that asks the cloud to terminate it.
    `image` and `profile` are those of its pool when it was launched (empty: not recorded).
    Until `soft_end` (0.0: none) jobs should have ended; it takes none that are expected to run longer.
    """

    id: str
    batch: str
    endpoint: str
    pool: str
    vo: str
    resources: Resources
    state: VmState
    state_since: float
    created_at: float
    deadline: float
    instance_id: str = ""
    address: str = ""
    soft_end: float = 0.0
    last_seen: float = 0.0
    missed_listings: int = 0
    retire_batch: str = ""
    reason: Reason | None = None
    image: str = ""
    profile: str = ""


@dataclass(frozen=True, slots=True)
class Run:
    """A payload that runs: whose it is, since when (epoch), on how many cores, and the CPU seconds per core asked for."""

    owner: str
    group: str
    since: float
    cores: int = 1
    cpu_seconds: int = 86400


@dataclass(frozen=True, slots=True)
class Capacity:
    """A VM with what is free on it now; for a booting VM everything, for a draining one nothing.

    `runs` are the payloads we know of; a VM may tell of more `busy_slots` than that. `idle_since` (epoch) is since when
    nothing runs on it (0.0: something does, or nobody knows). `cpu_load` is its load average (None: not told), on this
    side of `QUIET_LOAD` since `load_since` (epoch, 0.0: not known); `failed_matches` how often in a row it got no job.
    """

    vm: Vm
    free: Resources
    busy_slots: int = 0
    runs: tuple[Run, ...] = ()
    idle_since: float = 0.0
    cpu_load: float | None = None
    load_since: float = 0.0
    failed_matches: int = 0


@dataclass(frozen=True, slots=True)
class Move:
    """One transition that should happen: the guard is `(vm, was)`, the effect is the rest."""

    vm: str
    was: VmState
    to: VmState
    reason: Reason
    deadline: float
