"""What a replay costs and brings, counted while it runs."""

from __future__ import annotations

from collections import Counter, defaultdict

from vmdirac_py.model.plan import Plan

from .api import Trace
from .curves import Curves
from .lines import Lines
from .machine import Machine, Slot
from .tally import Tally

HOUR = 3600.0


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
