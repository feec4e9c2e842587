"""What the cloud of a replay is like; the defaults are a calm cloud of unlimited size."""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path
from random import Random
from typing import Annotated

import msgspec
from msgspec import Meta, Struct

from vmdirac_py.base.errors import BadInput
from vmdirac_py.model.batch import ErrorClass
from vmdirac_py.model.inventory import Pool

Seconds = Annotated[float, Meta(ge=0.0, le=1e12)]
Rate = Annotated[float, Meta(ge=0.0, le=1e6)]
Share = Annotated[float, Meta(ge=0.0, le=1.0)]
Count = Annotated[int, Meta(ge=0)]


class Boot(Struct, frozen=True, forbid_unknown_fields=True):
    """How long VMs boot, from acceptance to ready for jobs: a lognormal with this median (seconds); sigma 0: fixed."""

    median: Seconds = 300.0
    sigma: Annotated[float, Meta(ge=0.0, le=3.0)] = 0.0

    def draw(self, random: Random) -> float:
        """Return one boot time."""
        return self.median * math.exp(self.sigma * random.gauss(0.0, 1.0)) if self.sigma else self.median


class Window(Struct, frozen=True, forbid_unknown_fields=True):
    """When (seconds since the trace began; no end: to the last) and where (empty: everywhere) something holds."""

    endpoint: str = ""
    start: Seconds = 0.0
    end: Seconds | None = None

    def holds(self, endpoint: str, at: float) -> bool:
        """Tell whether it holds on an endpoint at a moment since the trace began."""
        return self.endpoint in {"", endpoint} and self.start <= at and (self.end is None or at < self.end)


class Trouble(Window, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Create calls fail with this class and probability; `pool` (empty: any) narrows it.

    With `unavailable` and probability 1 the endpoint is dark: it neither lists nor terminates. With `lost` the VMs come
    into being, but nobody is told before a listing shows them.
    """

    error: ErrorClass
    probability: Share = 1.0
    pool: str = ""


class Slow(Window, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Calls take this many times as long."""

    factor: Annotated[float, Meta(ge=1.0, le=1e6)]


class Foreign(Struct, frozen=True, forbid_unknown_fields=True):
    """From `at` (seconds since the trace began) on, others use so much of the quota."""

    at: Seconds = 0.0
    vms: Count = 0
    cores: Count = 0


class Quota(Struct, frozen=True, forbid_unknown_fields=True):
    """What a tenant may hold at once (None: no limit), foreign use included."""

    max_vms: Count | None = None
    max_cores: Count | None = None
    foreign: tuple[Foreign, ...] = ()

    def foreign_at(self, at: float) -> Foreign:
        """Return the foreign use at a moment since the trace began."""
        past = [use for use in self.foreign if use.at <= at]
        return max(past, key=lambda use: use.at, default=Foreign())


class Spot(Struct, frozen=True, forbid_unknown_fields=True):
    """A pool whose VMs the cloud takes back, that often per hour of life, after this notice."""

    interruptions_per_hour: Rate
    notice_seconds: Seconds = 120.0


class Scenario(Struct, frozen=True, forbid_unknown_fields=True):
    """A scripted cloud.

    Args:
        boot: boot times of all pools that are not in `boots` (by pool); None: each takes just its `boot_seconds`.
        create_seconds: how long a create call takes; `slow` windows stretch it.
        act_seconds: what a run costs before its first call.
        listing_lag: seconds until a listing shows what changed.
        troubles: create calls that fail.
        quotas: by endpoint.
        spots: by pool.
        deaths_per_hour: how often a VM dies in an hour of its life.
        stillborn_share: share of the accepted VMs that never enrol.
        termination_seconds: from a VM's wish to end, or the call that ends it, until it is paid for no more.
        max_attempts: how often a job is started at most when its VMs die; then it counts as unserved.
        begins: epoch second at which the trace begins, for whatever in an inventory follows the calendar.
    """

    boot: Boot | None = None
    boots: Mapping[str, Boot] = {}
    create_seconds: Seconds = 1.0
    act_seconds: Seconds = 2.0
    listing_lag: Seconds = 0.0
    troubles: tuple[Trouble, ...] = ()
    slow: tuple[Slow, ...] = ()
    quotas: Mapping[str, Quota] = {}
    spots: Mapping[str, Spot] = {}
    deaths_per_hour: Rate = 0.0
    stillborn_share: Share = 0.0
    termination_seconds: Seconds = 15.0
    max_attempts: Annotated[int, Meta(ge=1)] = 3
    begins: Annotated[float, Meta(gt=0.0, le=1e11)] = 1_800_000_000.0

    def boot_of(self, pool: Pool) -> Boot:
        """Return the boot times of a pool."""
        return self.boots.get(pool.name) or self.boot or Boot(pool.boot_seconds)

    @property
    def last_change(self) -> float:
        """Return when (seconds since the trace began) the cloud changes for the last time."""
        windows = (*self.troubles, *self.slow)
        foreign = (use.at for quota in self.quotas.values() for use in quota.foreign)
        return max((0.0, *(window.end or window.start for window in windows), *foreign))


def read_scenario(path: Path) -> Scenario:
    """Read a scenario from a YAML or JSON file.

    Raises:
        BadInput: it cannot be read, or says something a scenario does not have.
    """
    try:
        return msgspec.yaml.decode(path.read_bytes(), type=Scenario)
    except OSError as error:
        raise BadInput(f"cannot be read: {error.strerror}", where=str(path), mend="name a scenario file") from error
    except msgspec.DecodeError as error:
        raise BadInput(" ".join(str(error).split()), where=str(path), mend="see docs/replay.md, Scenarios") from error
