"""What plans cost against the optimum: two limits bind, waiting jobs are priced, HiGHS is given the same problem."""

from __future__ import annotations

import random
import secrets
import statistics
import time
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, replace

from vmdirac_py.model.plan import Snapshot
from vmdirac_py.planner.memory import Memory
from vmdirac_py.planner.step import step

from .figures import Numbers, percentile
from .instances import instance
from .milp import Problem, solve

RUNS = 1
INSTANCES, FEW = 200, 20
PACKED = 0.001
"""How well the planned VMs are packed when they are judged; what is missed counts against the plan."""


@dataclass(frozen=True, slots=True)
class Case:
    """One instance: our cost in parts of the bound no plan can go below, and our seconds."""

    ratio: float
    seconds: float
    failed: bool
    unserved: bool


def measure(*, quick: bool) -> Numbers:
    """Return the ratios over instances from a fresh seed; an optimum not proved in time is a failure."""
    seed = secrets.randbelow(2**32)
    cases = [case(seed, number) for number in range(FEW if quick else INSTANCES)]
    return {"seed": seed, **summed(cases)}


def summed(cases: list[Case]) -> Numbers:
    """Return mean, percentile and worst; failures are counted, not averaged."""
    done = [case for case in cases if not case.failed]
    ratios, seconds = [case.ratio for case in done], [case.seconds for case in done]
    return {
        "instances": len(cases),
        "failures": len(cases) - len(done),
        "with_waiting_jobs": sum(case.unserved for case in done),
        "mean_ratio": statistics.fmean(ratios),
        "p95_ratio": percentile(ratios, 0.95),
        "worst_ratio": max(ratios),
        "mean_plan_s": statistics.fmean(seconds),
        "worst_plan_s": max(seconds),
    }


def case(seed: int, number: int) -> Case:
    """Draw one instance and plan it."""
    drawn = instance(random.Random(f"{seed}/{number}"))
    started = time.process_time()
    vms = planned(drawn.snapshot)
    seconds = time.process_time() - started
    ratio = paid(drawn.problem, vms) / drawn.best.bound
    return Case(ratio, seconds, not drawn.best.proved, any(drawn.best.unserved))


def paid(problem: Problem, vms: Mapping[str, int]) -> float:
    """Return what these VMs cost with the jobs they cannot serve, packed by the solver.

    Raises:
        AssertionError: they are more than a limit allows.
    """
    for uses, most in problem.bounds:
        assert sum(uses.get(name, 0) * count for name, count in vms.items()) <= most
    packed = solve(_fixed(problem, vms), gap=PACKED)
    return sum(problem.prices[name] * count for name, count in vms.items()) + packed.cost


def _fixed(problem: Problem, vms: Mapping[str, int]) -> Problem:
    """Return the problem in which just these VMs are there, and already paid."""
    return replace(
        problem,
        prices=dict.fromkeys(problem.prices, 0.0),
        bounds=[({name: 1}, vms.get(name, 0)) for name in problem.prices],
    )


def planned(snapshot: Snapshot) -> Mapping[str, int]:
    """Return how many VMs of each pool the planner launches."""
    vms = Counter[str]()
    for decision in step(snapshot, Memory())[0].decisions:
        vms[decision.pool] += decision.count
    return vms
