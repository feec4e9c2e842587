"""A cloud in memory that does what a test tells it; records every call. It is a `CloudEndpoint`.

cloud = ScriptedCloud(clock)
cloud.answers.append(Refuse(QuotaExceeded))         # what the next launches do, in order; then all is well
cloud.kill(instance_id)                             # the instance ends by itself
cloud.alive()                                       # instances that cost money now
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection
from dataclasses import dataclass, field, replace

from vmdirac_py.base.clock import Clock
from vmdirac_py.clouds.api import (
    AnswerLost,
    CloudError,
    CloudLimits,
    Instance,
    LaunchRequest,
    LaunchResult,
    Mark,
    NoCapacity,
    Refusal,
)

RUNNING, ENDED = "running", "terminated"


class Killed(BaseException):
    """The acting process was killed at this very point."""


@dataclass(frozen=True)
class Refuse:
    """All are refused with this error; with `keep`, so many are given first (a partial success)."""

    error: type[CloudError] = NoCapacity
    keep: int = 0


@dataclass(frozen=True)
class Lose:
    """The answer never comes; the cloud acted before (`acted`) or not; `late` acts only so many seconds later."""

    acted: bool = True
    late: float = 0.0


@dataclass(frozen=True)
class Die:
    """The process that calls is killed, before or after the cloud acted."""

    acted: bool = False


Answer = Refuse | Lose | Die


@dataclass
class ScriptedCloud:
    """One tenant; `foreign` counts VMs that are not ours, `lag` is how old a listing's newest instance is."""

    clock: Clock
    name: str = "north"
    instance_id_file: str = "/run/instance-id"
    max_user_data: int = 65_535
    answers: list[Answer] = field(default_factory=list)
    lag: float = 0.0
    foreign: int = 0
    max_vms: int | None = None
    unreachable: type[CloudError] | None = None
    deaf: bool = False
    launches: list[LaunchRequest] = field(default_factory=list)
    terminations: list[tuple[str, ...]] = field(default_factory=list)
    listings: int = 0
    before_launch: Callable[[LaunchRequest], None] | None = None
    _instances: dict[str, Instance] = field(default_factory=dict)
    _pending: list[tuple[float, LaunchRequest]] = field(default_factory=list)
    _made: int = 0

    def launch(self, request: LaunchRequest) -> LaunchResult:
        """Do what the next answer says."""
        self.launches.append(request)
        if self.before_launch:
            self.before_launch(request)
        match self.answers.pop(0) if self.answers else None:
            case None:
                return LaunchResult(self._make(request, len(request.vms)))
            case Refuse(error, 0):
                raise error("told to refuse", where=self.name)
            case Refuse(error, keep):
                refusal = Refusal(len(request.vms) - keep, error.error_class, "told to refuse some")
                return LaunchResult(self._make(request, keep), (refusal,))
            case Lose(acted, late):
                self._act(request, acted=acted, late=late)
                raise AnswerLost("told to lose the answer", where=self.name)
            case Die(acted):
                self._act(request, acted=acted, late=0.0)
                raise Killed
        raise AssertionError

    def instances(self) -> tuple[Instance, ...]:
        """List all that is old enough to be seen."""
        self.listings += 1
        self._reach()
        self._act_late()
        return tuple(one for one in self._instances.values() if one.created_at <= self.clock.now() - self.lag)

    def terminate(self, instance_ids: Collection[str]) -> None:
        """End instances, unless it is deaf."""
        self.terminations.append(tuple(instance_ids))
        self._reach()
        if not self.deaf:
            for instance_id in instance_ids:
                self.forget(instance_id)

    def limits(self) -> CloudLimits:
        """Tell the tenant's limit and use."""
        self._reach()
        return CloudLimits(max_vms=self.max_vms, used_vms=len(self.alive()) + self.foreign)

    def alive(self) -> list[Instance]:
        """Return the instances that run, seen by a listing or not."""
        self._act_late()
        return [one for one in self._instances.values() if not one.terminal]

    def calls(self) -> Counter[str]:
        """Return how many create calls there were by batch."""
        return Counter(request.mark.batch for request in self.launches)

    def kill(self, instance_id: str) -> None:
        """Let an instance end by itself: it stays listed as ended."""
        if instance_id in self._instances:
            self._instances[instance_id] = replace(self._instances[instance_id], state=ENDED, terminal=True)

    def announce(self, instance_id: str, notice: str) -> None:
        """Say that an instance will be taken away."""
        self._instances[instance_id] = replace(self._instances[instance_id], leaving=notice)

    def forget(self, instance_id: str) -> None:
        """Let an instance vanish without a trace."""
        self._instances.pop(instance_id, None)

    def add(self, mark: Mark, *, created_at: float | None = None) -> Instance:
        """Put an instance there that nobody asked for now."""
        self._made += 1
        at = self.clock.now() if created_at is None else created_at
        made = Instance(f"i-{self._made}", mark, RUNNING, address="10.0.0.1", created_at=at)
        self._instances[made.id] = made
        return made

    def _make(self, request: LaunchRequest, count: int) -> tuple[Instance, ...]:
        return tuple(self.add(request.mark) for _ in range(count))

    def _act(self, request: LaunchRequest, *, acted: bool, late: float) -> None:
        if late:
            self._pending.append((self.clock.now() + late, request))
        elif acted:
            self._make(request, len(request.vms))

    def _act_late(self) -> None:
        due = [request for at, request in self._pending if at <= self.clock.now()]
        self._pending = [(at, request) for at, request in self._pending if at > self.clock.now()]
        for request in due:
            self._make(request, len(request.vms))

    def _reach(self) -> None:
        if self.unreachable:
            raise self.unreachable(f"told to raise {self.unreachable.__name__}", where=self.name)
