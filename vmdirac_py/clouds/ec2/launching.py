"""A launch: one request a subnet, in turn, until all instances are there or the cloud says why not."""

from __future__ import annotations

import time
from dataclasses import dataclass, field

from vmdirac_py.clouds.api import (
    AnswerLost,
    CloudError,
    Instance,
    LaunchRequest,
    LaunchResult,
    NoCapacity,
    Refusal,
    Unavailable,
)
from vmdirac_py.clouds.marks import BATCH

from .client import Client, items
from .listing import listed
from .options import PoolOptions
from .orders import parameters
from .reading import instance_of

SHORT = "the cloud gave fewer than asked for"
ASKED_BEFORE = "this batch was sent before: what it gave counts, and no more is asked for"


@dataclass
class Launch:
    """One launch on its way.

    Each turn asks for what is still missing, under a token of its own: a repeat gets each turn's first answer. With
    one subnet (or none) that alone keeps a repeat from giving more. With several, a subnet that had no room before
    may have some now; so whatever bears the batch's mark already ends a repeat before it asks.
    """

    client: Client
    request: LaunchRequest
    options: PoolOptions
    launched: list[Instance] = field(default_factory=list)
    refusal: CloudError | None = None

    def result(self) -> LaunchResult:
        """Return what became of it. Raises CloudError where nothing was launched, AnswerLost where nobody knows."""
        if len(self.options.subnets) > 1 and (before := self._before()):
            return LaunchResult(before, self._missing(len(before), NoCapacity(ASKED_BEFORE)))
        self._ask_in_turn()
        if self.refusal and not self.launched:
            raise self.refusal
        short = self.refusal or NoCapacity(SHORT, where=self.client.name)
        return LaunchResult(tuple(self.launched), self._missing(len(self.launched), short))

    def _before(self) -> tuple[Instance, ...]:
        mark = self.request.mark
        return listed(self.client, mark.installation, **{BATCH: mark.batch})

    def _ask_in_turn(self) -> None:
        """Ask one subnet after the other; the last one twice if it gave too few, to be told why."""
        until = time.monotonic() + self.client.timeout
        subnets = self.options.subnets or [""]
        for turn, subnet in enumerate([*subnets, subnets[-1]]):
            told = self.refusal is not None and turn == len(subnets)
            if told or self._is_over(until):
                return
            self._ask(turn, subnet)

    def _is_over(self, until: float) -> bool:
        if self.refusal is not None and not isinstance(self.refusal, NoCapacity):
            return True
        if len(self.launched) >= len(self.request.vms):
            return True
        if time.monotonic() > until:
            self.refusal = Unavailable("no time was left to ask another subnet", where=self.client.name)
        return time.monotonic() > until

    def _ask(self, turn: int, subnet: str) -> None:
        missing = len(self.request.vms) - len(self.launched)
        params = parameters(self.request, self.options, count=missing, turn=turn, subnet=subnet)
        try:
            answer = self.client.change("run_instances", **params)
            with self.client.told("run_instances", AnswerLost):
                given = items(answer, "Instances", "run_instances")
                self.launched += [instance_of(item, self.request.mark) for item in given]
        except AnswerLost:
            raise
        except CloudError as error:
            self.refusal = error
        else:
            self.refusal = None

    def _missing(self, launched: int, why: CloudError) -> tuple[Refusal, ...]:
        missing = len(self.request.vms) - launched
        return (Refusal(missing, why.error_class, str(why)),) if missing > 0 else ()
