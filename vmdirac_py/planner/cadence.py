"""When the next plan is due: one rule for the daemon and for the replay.

What happens is planned together with what happens soon after. How long is gathered follows from how long a VM boots: a
boot of five minutes does not suffer from a minute, one of a second does.
"""

from __future__ import annotations

from collections.abc import Iterable

from vmdirac_py.model.inventory import Pool

GAP = 0.2
"""Shortest time in seconds between two plans."""
PATIENCE = 0.2
"""Share of the shortest boot time for which events are gathered."""
LONGEST_PATIENCE = 60.0


def patience(pools: Iterable[Pool]) -> float:
    """Return for how many seconds events that concern these pools are gathered before a plan looks at them."""
    boot = min((pool.boot_seconds for pool in pools), default=0.0)
    return min(LONGEST_PATIENCE, max(GAP, PATIENCE * boot))


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
