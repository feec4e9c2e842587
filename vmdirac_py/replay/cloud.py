"""The scripted cloud: what it answers, and what becomes of the VMs it gave."""

from __future__ import annotations

from collections import Counter
from math import ceil, inf
from random import Random
from typing import NamedTuple

from vmdirac_py.model.batch import ErrorClass
from vmdirac_py.model.inventory import Inventory, Pool
from vmdirac_py.model.plan import EndpointView

from .scenario import Foreign, Quota, Scenario, Trouble

HOUR = 3600.0


class Birth(NamedTuple):
    """The fate of an accepted VM (epoch seconds, infinity: never)."""

    ready_at: float
    dies_at: float
    notice_at: float


class Answer(NamedTuple):
    """What a create call brought; with class `lost` nobody was told of the births."""

    births: tuple[Birth, ...]
    refused: int
    error: ErrorClass | None


class Held(NamedTuple):
    """What a tenant holds of ours."""

    vms: int
    cores: int


class Cloud:
    """All endpoints of an inventory by one scenario; the same seed and the same calls give the same answers."""

    def __init__(self, scenario: Scenario, inventory: Inventory, random: Random) -> None:
        self._scenario, self._inventory, self._random = scenario, inventory, random
        self._held = dict.fromkeys(inventory.endpoints, Held(0, 0))
        self._listed = dict.fromkeys(inventory.endpoints, 0.0)
        self.calls: Counter[str] = Counter()

    def call_seconds(self, endpoint: str, at: float) -> float:
        """Return how long a call that begins at `at` takes."""
        since = at - self._scenario.begins
        factors = (window.factor for window in self._scenario.slow if window.holds(endpoint, since))
        return self._scenario.create_seconds * max(factors, default=1.0)

    def launch(self, pool: Pool, count: int, *, at: float) -> Answer:
        """Ask for VMs of a pool."""
        self.calls["launch"] += 1
        trouble = self._trouble(pool, at)
        if trouble and trouble is not ErrorClass.LOST:
            return Answer((), count, trouble)
        given = min(count, self._room(pool, at))
        held = self._held[pool.endpoint]
        self._held[pool.endpoint] = Held(held.vms + given, held.cores + given * pool.resources.cores)
        births = tuple(self._birth(pool, at) for _ in range(given))
        return Answer(births, count - given, trouble or (ErrorClass.QUOTA if given < count else None))

    def terminate(self, endpoint: str, *, at: float) -> bool:
        """Ask for the end of VMs; return whether the endpoint heard."""
        self.calls["terminate"] += 1
        return not self._dark_until(endpoint, at)

    def gone(self, pool: Pool) -> None:
        """Note that a VM of ours is there no more."""
        held = self._held[pool.endpoint]
        self._held[pool.endpoint] = Held(held.vms - 1, held.cores - pool.resources.cores)

    def shown_at(self, endpoint: str, at: float) -> float:
        """Return when a complete listing first shows what happened at `at`."""
        period = self._inventory.endpoints[endpoint].listing_seconds
        visible = at + self._scenario.listing_lag
        tick = ceil(visible / period) * period if period else visible
        dark = self._dark_until(endpoint, tick)
        return self.shown_at(endpoint, dark) if dark and dark != inf else tick

    def view(self, endpoint: str, at: float) -> EndpointView:
        """Return what listings have told of an endpoint."""
        period = self._inventory.endpoints[endpoint].listing_seconds
        tick = at - at % period if period else at
        if tick != self._listed[endpoint] and not self._dark_until(endpoint, tick):
            self._listed[endpoint] = tick
        listed, quota = self._listed[endpoint], self._quota(endpoint)
        foreign = quota.foreign_at(listed - self._scenario.begins)
        return EndpointView(endpoint, listed, foreign.vms, foreign.cores, quota.max_vms, quota.max_cores)

    def _quota(self, endpoint: str) -> Quota:
        return self._scenario.quotas.get(endpoint, _BOUNDLESS)

    def _room(self, pool: Pool, at: float) -> int:
        quota, held = self._quota(pool.endpoint), self._held[pool.endpoint]
        foreign: Foreign = quota.foreign_at(at - self._scenario.begins)
        vms = inf if quota.max_vms is None else quota.max_vms - held.vms - foreign.vms
        cores = inf if quota.max_cores is None else quota.max_cores - held.cores - foreign.cores
        room = min(vms, cores // max(1, pool.resources.cores))
        return _PLENTY if room == inf else max(0, int(room))

    def _birth(self, pool: Pool, at: float) -> Birth:
        random, scenario = self._random, self._scenario
        ready = at + scenario.boot_of(pool).draw(random)
        if scenario.stillborn_share and random.random() < scenario.stillborn_share:
            ready = inf
        dies = at + self._wait(scenario.deaths_per_hour)
        spot = scenario.spots.get(pool.name)
        notice = at + self._wait(spot.interruptions_per_hour) if spot else inf
        return Birth(ready, min(dies, notice + spot.notice_seconds if spot else inf), notice)

    def _wait(self, per_hour: float) -> float:
        return self._random.expovariate(1.0) * (HOUR / per_hour) if per_hour else inf

    def _trouble(self, pool: Pool, at: float) -> ErrorClass | None:
        since = at - self._scenario.begins
        for trouble in self._scenario.troubles:
            meant = trouble.holds(pool.endpoint, since) and trouble.pool in {"", pool.name}
            if meant and (trouble.probability >= 1.0 or self._random.random() < trouble.probability):
                return trouble.error
        return None

    def _dark_until(self, endpoint: str, at: float) -> float:
        """Return until when (epoch) the endpoint is dark; 0.0: it is not."""
        since = at - self._scenario.begins
        ends = [trouble.end for trouble in self._scenario.troubles if _dark(trouble) and trouble.holds(endpoint, since)]
        return max((inf if end is None else self._scenario.begins + end for end in ends), default=0.0)


def _dark(trouble: Trouble) -> bool:
    return trouble.error is ErrorClass.UNAVAILABLE and trouble.probability >= 1.0 and not trouble.pool


_BOUNDLESS = Quota()
_PLENTY = 10**9
