"""Who uses CPU, and for how long somebody has not: pure, fed with readings of counters."""

from typing import Dict, List, Mapping, NamedTuple


class Reading(NamedTuple):
    """Counters at one moment (seconds by the monotonic clock): CPU seconds of the machine and of each payload."""

    at: float
    machine: float
    payloads: Mapping[str, float]


class Activity:
    """Compares each reading with the one before. The machine is never quiet while a payload runs.

    Args:
        first: where counting begins.
    """

    def __init__(self, first: Reading) -> None:
        self._last, self._active_at = first, first.at
        self._used: Dict[str, float] = dict(first.payloads)
        self._active: Dict[str, float] = dict.fromkeys(first.payloads, first.at)
        self.cores = 0.0

    def note(self, reading: Reading, quiet_cpu: float) -> None:
        """Take in a reading; fewer than `quiet_cpu` cores in use count as no activity."""
        last, self._last = self._last, reading
        seconds = max(1e-6, reading.at - last.at)
        self.cores = max(0.0, reading.machine - last.machine) / seconds
        if self.cores >= quiet_cpu or reading.payloads:
            self._active_at = reading.at
        # A counter may shrink where a payload's processes ended unseen: what was used stays used.
        used = {name: max(value, self._used.get(name, 0.0)) for name, value in reading.payloads.items()}
        grown = {name for name in used if used[name] - self._used.get(name, 0.0) >= quiet_cpu * seconds}
        new = used.keys() - self._used.keys()
        self._active = {name: reading.at if name in grown | new else self._active[name] for name in used}
        self._used = used

    def quiet_seconds(self, at: float) -> float:
        """Return for how long the machine has used no CPU."""
        return at - self._active_at

    def used(self, payload: str) -> float:
        """Return the CPU seconds a payload has used, as far as seen."""
        return self._used.get(payload, 0.0)

    def quiet_payloads(self, at: float, seconds: float) -> List[str]:
        """Return the payloads that have used no CPU for so long."""
        return sorted(name for name, active_at in self._active.items() if at - active_at >= seconds)
