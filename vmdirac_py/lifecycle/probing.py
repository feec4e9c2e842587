"""One try at a time over a whole endpoint, after any of its pools failed.

Each pool backs off by itself (`budget.py`); a hundred misconfigured pools would still cost a hundred calls. So the
pools that proved nothing since share one probe, of one VM, a minute. A pool that runs VMs is not held up.
"""

from __future__ import annotations

from dataclasses import dataclass

from vmdirac_py.model.batch import ErrorClass
from vmdirac_py.model.plan import Outcome
from vmdirac_py.model.reason import Reason

from .budget import OF_VMS, Budget

PROBE_SECONDS = 60.0
"""Least time between two probes of one endpoint."""


@dataclass(frozen=True, slots=True)
class Pace:
    """When a call to the endpoint or a VM of it failed last (epoch), and what is wrong since a success (None: nothing)."""

    failed_at: float = 0.0
    error_class: ErrorClass | None = None


STEADY = Pace()


def paced(pace: Pace, outcome: Outcome) -> Pace:
    """Return the pace of an endpoint after one more outcome; a success ends what it disproves."""
    if outcome.error_class is not None:
        return Pace(max(pace.failed_at, outcome.at), outcome.error_class)
    proves = outcome.launched and outcome.booted == (pace.error_class in OF_VMS)
    return Pace(pace.failed_at) if proves else pace


def probes(pace: Pace, budget: Budget, *, proved: bool) -> bool:
    """Tell whether a pool's next launch is a probe: its own last try failed, or others failed and it proved nothing."""
    return budget.allowance == 1 or (pace.error_class is not None and not proved)


def probe_room(pace: Pace, at: float, *, last_probe: float, in_flight: int, endpoint: str) -> tuple[int, Reason]:
    """Return how many probes an endpoint may get now, 0 or 1, and why not more.

    Args:
        pace: the endpoint's.
        at: now, epoch.
        last_probe: when the newest VM of the pools that probe was asked for (epoch, 0.0: none lives).
        in_flight: how many VMs of those pools are asked for and not answered.
        endpoint: its name, for the reason.
    """
    free_at = max(pace.failed_at, last_probe) + PROBE_SECONDS
    # A clock that was set back must not keep an endpoint shut for long.
    waits = at < free_at <= at + PROBE_SECONDS
    reason = Reason.of("budget.probe", endpoint=endpoint, every=int(PROBE_SECONDS))
    return 0 if waits or in_flight else 1, reason
