"""How long this VM may live."""

import time
from math import inf

from . import policy


class Life:
    """How long this VM has lived and may still live, in seconds by the monotonic clock.

    Args:
        max_life: its whole life.
        born_at: when it was made (epoch); a worker that is started again goes on with the same life.
    """

    def __init__(self, max_life: float, born_at: float) -> None:
        self.max_life = max_life
        self._started = time.monotonic() - max(0.0, time.time() - born_at)
        self._taken_at = inf

    @property
    def uptime(self) -> float:
        """Seconds since the VM was made."""
        return time.monotonic() - self._started

    @property
    def seconds_left(self) -> float:
        """Seconds until the end of life."""
        return min(self.max_life - self.uptime, self._taken_at - time.time())

    def end_by(self, at: float) -> None:
        """End at this time (epoch) if not before: the cloud takes the VM back."""
        self._taken_at = at

    def for_jobs(self) -> float:
        """Return the seconds that may be given to a job; 0 or below: none should start."""
        return self.seconds_left - policy.margin(self.max_life)
