"""Small traces and inventories to replay."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from vmdirac_py.model.inventory import Endpoint, Inventory, Pool, Vo
from vmdirac_py.model.plan import Action, Decision, Plan, Snapshot
from vmdirac_py.model.queue import Shape
from vmdirac_py.model.reason import Reason
from vmdirac_py.model.resources import Resources
from vmdirac_py.replay.api import Result, Trace, TraceJob
from vmdirac_py.replay.engine import Engine
from vmdirac_py.replay.rules import Production
from vmdirac_py.replay.run import replay
from vmdirac_py.replay.scenario import Scenario

SEED = 7


def job(number: int, at: float = 0.0, seconds: float = 3600.0, *, vo: str = "vo", **more: Any) -> TraceJob:
    """A job of VO `vo`; what is not of a job is of its shape."""
    about = {name: more.pop(name) for name in ("owner", "group", "priority") if name in more}
    more.setdefault("max_cores", more.get("min_cores", 1))
    named = {"owner": "user", "group": f"{vo}_user"} | about
    return TraceJob(number, at, vo, shape=Shape(**more), seconds=seconds, **named)


def trace(*jobs: TraceJob) -> Trace:
    """These jobs."""
    return Trace("test", jobs)


def pool(name: str = "p", cores: int = 8, **more: Any) -> Pool:
    """A pool of VO `vo` on endpoint `e`, unless told otherwise."""
    about = {"endpoint": "e", "vo": "vo", "site": "SITE", "flavor": "f", "image": "i"} | more
    return Pool(name, resources=about.pop("resources", Resources(cores, cores * 2000)), **about)


def inventory(*pools: Pool, **more: Any) -> Inventory:
    """These pools on endpoints without limits; `more` is said of each endpoint."""
    about = {"ramp": 10_000} | more
    endpoints = {one.endpoint: Endpoint(one.endpoint, "local", one.site, **about) for one in pools}
    return Inventory("f", {one.vo: Vo(one.vo) for one in pools}, endpoints, {one.name: one for one in pools})


def run(jobs: Sequence[TraceJob], pools: Sequence[Pool], rule: Any = None, seed: int = SEED, **scenario: Any) -> Result:
    """Replay jobs on pools through the production planner, unless another rule is given."""
    return replay(trace(*jobs), inventory(*pools), rule=rule or Production(), scenario=Scenario(**scenario), seed=seed)


def engine(jobs: Sequence[TraceJob], pools: Sequence[Pool], rule: Any = None, **scenario: Any) -> Engine:
    """The same, not yet run, to look inside."""
    return Engine(trace(*jobs), inventory(*pools), rule or Production(), Scenario(**scenario), SEED)


class Scripted:
    """A rule that does what a function of the snapshot says."""

    name = "scripted"

    def __init__(self, says: Callable[[Snapshot], Plan]) -> None:
        self._says = says

    def step(self, snapshot: Snapshot, _memory: None) -> tuple[Plan, None]:
        """Ask the function."""
        return self._says(snapshot), None


class Watching(Production):
    """The production planner, with all its snapshots kept."""

    def __init__(self) -> None:
        self.seen: list[Snapshot] = []

    def step(self, snapshot: Snapshot, memory: Any) -> Any:
        """Keep the snapshot and plan."""
        self.seen.append(snapshot)
        return super().step(snapshot, memory)


def plan(snapshot: Snapshot, *decisions: Decision, **more: Any) -> Plan:
    """A plan of these decisions."""
    return Plan(snapshot.at, decisions, (), (), **more)


def launch(of: Pool, count: int = 1) -> Decision:
    """Launch VMs of a pool."""
    return Decision(Action.LAUNCH, of.endpoint, of.name, of.vo, count, Reason.of("launch.demand", jobs=1, queues=1))


def drain(of: Pool, *vms: str) -> Decision:
    """Drain VMs of a pool."""
    return Decision(Action.DRAIN, of.endpoint, of.name, of.vo, len(vms), Reason.of("over.pool"), vms)
