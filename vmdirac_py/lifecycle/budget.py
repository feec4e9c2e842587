"""The launch budget: how many VMs may be asked for after an endpoint, pool or kind of job refused some.

After a refusal nothing is asked for during a back-off that doubles with each further refusal, then exactly one VM (a
probe); each success doubles the allowance until it is unlimited again. So a refusing cloud costs at most one create
call a minute, however many pools it has.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from vmdirac_py.model.batch import ErrorClass
from vmdirac_py.model.plan import Outcome
from vmdirac_py.model.reason import Reason
from vmdirac_py.model.value import Count, Seconds, Value

LONGEST_BACKOFF = 1800.0
UNLIMITED_FROM = 128
"""An allowance of so many VMs is as good as none: it exceeds the ramp of one batch."""

# error class -> first back-off in seconds; a class that is not listed does not concern that scope.
ENDPOINT_BACKOFF: Mapping[ErrorClass, float] = MappingProxyType(
    {
        ErrorClass.QUOTA: 60.0,
        ErrorClass.NO_CAPACITY: 60.0,
        ErrorClass.AUTH: 600.0,
        ErrorClass.THROTTLED: 60.0,
        ErrorClass.UNAVAILABLE: 60.0,
        ErrorClass.LOST: 60.0,
    }
)
# Quota and capacity are counted for the pool as well, so that the endpoint's next probe tries another flavor.
POOL_BACKOFF: Mapping[ErrorClass, float] = MappingProxyType(
    {
        ErrorClass.BAD_REQUEST: 60.0,
        ErrorClass.NO_CAPACITY: 60.0,
        ErrorClass.QUOTA: 60.0,
        ErrorClass.STILLBORN: 60.0,
    }
)
# A VM without a payload is told long after its launch: by then a first back-off of a minute would be over.
MATCH_BACKOFF: Mapping[ErrorClass, float] = MappingProxyType({ErrorClass.NO_MATCH: 300.0})


class Budget(Value, frozen=True):
    """`failures` in a row; `allowance` VMs in flight at once (None: unlimited); nothing before `not_before`."""

    failures: Count = 0
    allowance: Count | None = None
    not_before: Seconds = 0.0
    error_class: ErrorClass | None = None


UNLIMITED = Budget()
OF_VMS = frozenset({ErrorClass.STILLBORN, ErrorClass.NO_MATCH})
"""What is wrong with VMs, not with create calls."""


def allow(budget: Budget, wanted: int, at: float, *, scope: str, in_flight: int = 0) -> tuple[int, Reason | None]:
    """Return how many of `wanted` VMs may be asked for now, and why not all.

    `in_flight` counts VMs asked for whose answer is still out; `scope` is the endpoint or pool, for the reason.
    """
    if at < budget.not_before:
        return 0, _backoff(budget, scope)
    if budget.allowance is None:
        return wanted, None
    free = max(0, budget.allowance - in_flight)
    if wanted <= free:
        return wanted, None
    return free, Reason.of("budget.slow_start", scope=scope, allowance=budget.allowance, in_flight=in_flight)


def _backoff(budget: Budget, scope: str) -> Reason:
    error = budget.error_class.value if budget.error_class else ""
    return Reason.of("budget.backoff", scope=scope, error=error, failures=budget.failures, until=int(budget.not_before))


def after(budget: Budget, outcome: Outcome, backoff: Mapping[ErrorClass, float]) -> Budget:
    """Return the budget after a launch ended, with its scope's back-offs (`ENDPOINT_`, `POOL_` or `MATCH_BACKOFF`).

    Nothing is sent during a back-off, so an outcome that falls into one answers an older request of the same
    burst: it neither lengthens the back-off nor ends it.
    """
    if outcome.at < budget.not_before:
        return budget
    if outcome.error_class is not None:
        base = backoff.get(outcome.error_class)
        return budget if base is None else _refused(budget, outcome, base)
    return _succeeded(budget) if outcome.launched and _proves(budget, outcome) else budget


def _proves(budget: Budget, outcome: Outcome) -> bool:
    """Tell whether a success answers what was wrong: after VMs that brought nothing only one that does."""
    return outcome.booted == (budget.error_class in OF_VMS)


def _refused(budget: Budget, outcome: Outcome, base: float) -> Budget:
    # A partial success shows that the cloud lives, so its back-off starts afresh.
    failures = 1 if outcome.launched else budget.failures + 1
    # Exponents beyond the cap would only overflow.
    wait = min(LONGEST_BACKOFF, base * 2.0 ** min(failures - 1, 16))
    return Budget(failures, 1, outcome.at + wait, outcome.error_class)


def _succeeded(budget: Budget) -> Budget:
    if budget.allowance is None:
        return UNLIMITED
    allowance = budget.allowance * 2
    return UNLIMITED if allowance >= UNLIMITED_FROM else Budget(allowance=allowance, error_class=budget.error_class)
