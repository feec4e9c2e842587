"""When the next plan is due: one rule for the daemon and for the replay.

What happens is planned together with what happens soon after. How long is gathered follows from how long a VM boots: a
boot of five minutes does not suffer from a minute, one of a second does.
"""

from __future__ import annotations

from collections.abc import Iterable

GAP = 0.2
"""Shortest time in seconds between two plans."""
PATIENCE = 0.2
"""Share of the shortest boot time for which events are gathered."""
LONGEST_PATIENCE = 60.0


def patience(boots: Iterable[float]) -> float:
    """Return for how many seconds events are gathered before a plan looks at them.

    Args:
        boots: how many seconds VMs boot (`Memory.boot_seconds`), for each pool that the events concern.
    """
    return min(LONGEST_PATIENCE, max(GAP, PATIENCE * min(boots, default=0.0)))


def due(*, planned: float, event: float | None, waits: float, cycle_seconds: float) -> float:
    """Return when the next plan is due.

    Args:
        planned: when the last plan was made.
        event: when the first thing happened since that it did not see, None: nothing did.
        waits: for how long that may be gathered (`patience`; 0.0 when a VO without any VM has jobs waiting).
        cycle_seconds: the longest time between two plans.
    """
    longest = planned + cycle_seconds
    return longest if event is None else min(longest, max(planned + GAP, event + waits))
