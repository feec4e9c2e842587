"""What a replay is given and what it tells: a trace of jobs in, a result with its curves out."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

from msgspec import Struct

from vmdirac_py.model.plan import Plan, Snapshot
from vmdirac_py.model.queue import Shape


class TraceJob(Struct, frozen=True):
    """One job of a trace.

    `at` (seconds since the trace began) is its submission; `seconds` its real run time, which no rule may see before
    it ended; `shape.cpu_seconds` the requested time, which it may.
    """

    id: int
    at: float
    vo: str
    owner: str
    group: str
    shape: Shape
    seconds: float
    priority: float = 1.0


class Trace(Struct, frozen=True):
    """Jobs by submission time; by cause, `dropped` counts rows left out, `mended` those kept but put right."""

    name: str
    jobs: tuple[TraceJob, ...]
    dropped: Mapping[str, int] = {}
    mended: Mapping[str, int] = {}


class Rule(Protocol):
    """What decides in a replay: the production planner, or another system's rule behind the same call."""

    name: str

    def step(self, snapshot: Snapshot, memory: Any) -> tuple[Plan, Any]:
        """Return a plan and what the rule wants to remember; `memory` is None at the first step."""


class VoResult(Struct, frozen=True):
    """One VO's share: core-seconds used by its payloads and paid for its VMs, and its jobs' waiting in seconds.

    `excess_*` is the mean of max(0, wait - boot) over jobs, `boot` being the median boot time of the scenario.
    """

    vo: str
    jobs: int
    used_core_seconds: float
    paid_core_seconds: float
    wait_mean: float
    wait_p95: float
    excess_mean: float
    vms: int


class Series(Struct, frozen=True):
    """Curves on one time axis `at` (seconds): cores wanted, used, and paid; waiting jobs by VO."""

    at: tuple[float, ...]
    wanted: tuple[int, ...]
    used: tuple[int, ...]
    paid: tuple[int, ...]
    waiting: Mapping[str, tuple[int, ...]]


class Result(Struct, frozen=True):
    """What a replay came to.

    Paid is from the moment the cloud accepted a VM until it is gone, times its cores, with the tail after the last
    submission; `cost` in the inventory's currency. `excess_*` is max(0, wait - boot): mean over jobs, weighted by
    core-seconds, and of the VO where it is worst. `calls` counts cloud calls by verb, `reasons` the codes of all plans.
    """

    trace: str
    rule: str
    seed: int
    jobs: int
    unserved: int
    seconds: float
    used_core_seconds: float
    paid_core_seconds: float
    cost: float
    wait_mean: float
    wait_p50: float
    wait_p95: float
    excess_mean: float
    excess_weighted: float
    excess_worst_vo: float
    worst_vo: str
    vms_started: int
    vms_lost: int
    jobs_restarted: int
    peak_vms: int
    peak_cores: int
    plans: int
    acting_plans: int
    calls: Mapping[str, int]
    reasons: Mapping[str, int]
    vos: tuple[VoResult, ...]
    series: Series

    @property
    def paid_per_used(self) -> float:
        """Return core-hours paid per core-hour used."""
        return self.paid_core_seconds / self.used_core_seconds if self.used_core_seconds else 0.0
