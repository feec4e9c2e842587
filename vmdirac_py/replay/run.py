"""`replay`: one trace, one inventory, one rule, one scripted cloud; what it came to."""

from __future__ import annotations

from collections.abc import Iterable

from vmdirac_py.base.errors import BadInput
from vmdirac_py.model.inventory import Inventory

from .accounts import Accounts
from .api import Result, Rule, Trace, TraceJob
from .engine import Engine, Progress
from .scenario import Scenario
from .tally import mean, mean_by, quantile


def replay(
    trace: Trace,
    inventory: Inventory,
    *,
    rule: Rule,
    scenario: Scenario,
    seed: int,
    progress: Progress | None = None,
) -> Result:
    """Replay a trace; the same arguments give the same result.

    Raises:
        BadInput: the trace is not in order of time, has a job that cannot be, or the scenario names what the inventory
            does not have.
    """
    _check(trace)
    _check_names(scenario, inventory)
    inventory = getattr(rule, "inventory", _as_given)(inventory)
    engine = Engine(trace, inventory, rule, scenario, seed)
    engine.run(progress)
    return _result(engine, trace, inventory, rule.name, scenario, seed)


def _as_given(inventory: Inventory) -> Inventory:
    return inventory


def _check(trace: Trace) -> None:
    before, ids = 0.0, set[int]()
    for job in trace.jobs:
        fault = _fault(job, before, ids)
        if fault:
            raise BadInput(fault, where=f"{trace.name}, job {job.id}", mend="mend the trace, or leave the job out")
        before = job.at
        ids.add(job.id)


def _fault(job: TraceJob, before: float, ids: set[int]) -> str:
    faults = {
        f"is submitted {before - job.at} s before its forerunner": not job.at >= before,
        f"runs {job.seconds} s": not 0.0 <= job.seconds < float("inf"),
        f"needs {job.shape.min_cores} cores": job.shape.min_cores < 1,
        "has the number of another job": job.id in ids,
    }
    return next((fault for fault, holds in faults.items() if holds), "")


def _check_names(scenario: Scenario, inventory: Inventory) -> None:
    windows = (*scenario.troubles, *scenario.slow)
    _known(inventory.endpoints, [*scenario.quotas, *(one.endpoint for one in windows)], "endpoint")
    _known(inventory.pools, [*scenario.boots, *scenario.spots, *(one.pool for one in scenario.troubles)], "pool")


def _known(known: Iterable[str], named: Iterable[str], what: str) -> None:
    missing = sorted({name for name in named if name} - set(known))
    if missing:
        raise BadInput(
            f"the inventory has no such {what}: {', '.join(missing)}",
            where="scenario",
            mend=f"one of: {', '.join(known)}",
        )


def _boots(inventory: Inventory, scenario: Scenario, vos: Iterable[str]) -> dict[str, float]:
    """Return the median boot time by VO: that of its fastest pool."""
    pools = inventory.pools.values()
    medians = {vo: [scenario.boot_of(pool).median for pool in pools if pool.vo == vo] for vo in vos}
    return {vo: min(found, default=0.0) for vo, found in medians.items()}


def _result(engine: Engine, trace: Trace, inventory: Inventory, rule: str, scenario: Scenario, seed: int) -> Result:
    accounts = engine.world.accounts
    boots = _boots(inventory, scenario, accounts.vos)
    vos = tuple(tally.result(vo, boots[vo]) for vo, tally in sorted(accounts.vos.items()))
    waits = sorted(wait for tally in accounts.vos.values() for wait in tally.waits)
    worst = max((vo for vo in vos if vo.jobs), key=lambda vo: vo.excess_mean, default=None)
    return Result(
        trace=trace.name,
        rule=rule,
        seed=seed,
        jobs=len(trace.jobs),
        unserved=accounts.unserved,
        seconds=engine.ended_at - scenario.begins,
        used_core_seconds=sum(vo.used_core_seconds for vo in vos),
        paid_core_seconds=sum(vo.paid_core_seconds for vo in vos),
        cost=accounts.cost,
        wait_mean=mean(waits),
        wait_p50=quantile(waits, 0.5),
        wait_p95=quantile(waits, 0.95),
        excess_mean=mean_by((vo.jobs, vo.excess_mean) for vo in vos),
        excess_weighted=_weighted(accounts, boots),
        excess_worst_vo=worst.excess_mean if worst else 0.0,
        worst_vo=worst.vo if worst else "",
        vms_started=sum(vo.vms for vo in vos),
        vms_lost=accounts.lost,
        jobs_restarted=accounts.restarted,
        peak_vms=accounts.peak_vms,
        peak_cores=accounts.peak_cores,
        plans=accounts.plans,
        acting_plans=accounts.acting,
        calls=dict(sorted(engine.world.cloud.calls.items())),
        reasons=dict(sorted(accounts.reasons.items())),
        vos=vos,
        series=accounts.curves.series(),
    )


def _weighted(accounts: Accounts, boots: dict[str, float]) -> float:
    """Return the mean of what jobs waited longer than a boot, weighted by core-seconds."""
    return mean_by(
        (work, excess)
        for vo, tally in accounts.vos.items()
        for work, excess in zip(tally.works, tally.excesses(boots[vo]), strict=True)
    )
