"""What a replay costs and brings, counted while it runs."""

from __future__ import annotations

from array import array
from collections import Counter, defaultdict
from collections.abc import Mapping

from vmdirac_py.model.plan import Plan

from .api import Series, Trace, VoResult
from .lines import Lines
from .machine import Machine, Slot

MOST_POINTS = 1000
HOUR = 3600.0


class Tally:
    """One VO's jobs and VMs."""

    __slots__ = ("paid", "used", "vms", "waits", "works")

    def __init__(self) -> None:
        self.waits, self.works = array("d"), array("d")
        self.used = self.paid = 0.0
        self.vms = 0

    def result(self, vo: str, boot: float) -> VoResult:
        """Return it summed up; `boot` is the median boot time in seconds."""
        return VoResult(
            vo=vo,
            jobs=len(self.waits),
            used_core_seconds=self.used,
            paid_core_seconds=self.paid,
            wait_mean=mean(self.waits),
            wait_p95=quantile(sorted(self.waits), 0.95),
            excess_mean=mean(self.excesses(boot)),
            vms=self.vms,
        )

    def excesses(self, boot: float) -> list[float]:
        """Return for each job how much longer than a boot it waited, in seconds."""
        return [max(0.0, wait - boot) for wait in self.waits]


class Curves:
    """Numbers of moments on a grid; when there are too many, every second one is dropped and the grid widened."""

    def __init__(self, trace: Trace, begins: float) -> None:
        span = trace.jobs[-1].at if trace.jobs else 0.0
        self._step = max(1.0, span / (MOST_POINTS * 0.8))
        self._begins = self.next_at = begins
        self._at: list[float] = []
        self._rows: list[tuple[int, int, int]] = []
        self._waiting: dict[str, list[int]] = {vo: [] for vo in sorted({job.vo for job in trace.jobs})}

    def sample(self, at: float, wanted: int, used: int, paid: int, waiting: Mapping[str, int]) -> None:
        """Note the numbers that held until `at` at each point of the grid up to it."""
        while self.next_at < at:
            self._at.append(self.next_at - self._begins)
            self._rows.append((wanted, used, paid))
            for vo, values in self._waiting.items():
                values.append(waiting.get(vo, 0))
            self.next_at += self._step
            if len(self._at) >= MOST_POINTS:
                self._thin()

    def _thin(self) -> None:
        self._step *= 2
        self._at, self._rows = self._at[::2], self._rows[::2]
        self._waiting = {vo: values[::2] for vo, values in self._waiting.items()}
        self.next_at = self._begins + self._at[-1] + self._step

    def series(self) -> Series:
        """Return the curves."""
        wanted, used, paid = zip(*self._rows, strict=True) if self._rows else ((), (), ())
        waiting = {vo: tuple(values) for vo, values in self._waiting.items()}
        return Series(tuple(self._at), wanted, used, paid, waiting)


class Accounts:
    """Everything that is counted."""

    def __init__(self, trace: Trace, begins: float) -> None:
        self.vos: defaultdict[str, Tally] = defaultdict(Tally)
        for job in trace.jobs:
            self.vos.setdefault(job.vo, Tally())
        self.curves = Curves(trace, begins)
        self.busy_cores = self.vms = self.cores = self.peak_vms = self.peak_cores = 0
        self.done = self.unserved = self.lost = self.restarted = self.plans = self.acting = 0
        self.cost = 0.0
        self.reasons: Counter[str] = Counter()

    def sample(self, at: float, lines: Lines) -> None:
        """Draw the curves up to a moment."""
        self.curves.sample(at, self.busy_cores + lines.cores, self.busy_cores, self.cores, lines.jobs)

    def accepted(self, machine: Machine) -> None:
        """A VM is paid for from now on."""
        self.vos[machine.pool.vo].vms += 1
        self.vms += 1
        self.cores += machine.pool.resources.cores
        self.peak_vms, self.peak_cores = max(self.peak_vms, self.vms), max(self.peak_cores, self.cores)

    def gone(self, machine: Machine, at: float) -> None:
        """A VM is paid for no more."""
        seconds, cores = at - machine.accepted_at, machine.pool.resources.cores
        self.vos[machine.pool.vo].paid += seconds * cores
        self.cost += machine.pool.price * seconds / HOUR
        self.vms -= 1
        self.cores -= cores

    def began(self, slot: Slot) -> None:
        """A payload runs."""
        self.busy_cores += slot.useful

    def broke(self, slot: Slot) -> None:
        """The VM of a payload ended under it."""
        self.busy_cores -= slot.useful

    def finished(self, slot: Slot, begins: float) -> None:
        """A payload ended by itself."""
        self.busy_cores -= slot.useful
        self.done += 1
        job, tally = slot.job, self.vos[slot.job.vo]
        work = job.seconds * job.shape.min_cores
        tally.used += work
        tally.works.append(work)
        tally.waits.append(max(0.0, slot.since - begins - job.at))

    def planned(self, plan: Plan) -> None:
        """A plan was made."""
        self.plans += 1
        self.acting += plan.acts
        counts = self.reasons
        for decision in plan.decisions:
            counts[decision.reason.code] += 1
        for told in (plan.placements, plan.pools):
            for one in told:
                for reason in one.reasons:
                    counts[reason.code] += 1


def mean(values: array[float] | list[float]) -> float:
    """Return the mean; 0.0 of nothing."""
    return sum(values) / len(values) if values else 0.0


def quantile(ordered: list[float], share: float) -> float:
    """Return the value below which this share of the ordered values lies (nearest rank); 0.0 of nothing."""
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))] if ordered else 0.0
