"""When a worker stops its VM: pure rules over a small state, tried in order.

A rule with a policy's name holds only where the pool chose that policy (`pool_stop_policies`); the others always do.
The manager and the replay know these names too; tests hold all three together.
"""

from math import inf
from typing import Any, Callable, Mapping, NamedTuple, Tuple

GONE, HALTED, EXPIRED, UNHEARD, BROKEN, DRAINED = "gone", "halted", "expired", "unheard", "error", "drained"
TAKEN = "taken_back"  # by the cloud
END_OF_LIFE, SOFT_ENDED, IDLE, QUIET, UNMATCHED = "end_of_life", "soft_end", "idle", "no_cpu", "failed_matches"
PAID_UP = "billing_boundary"
ENVIRONMENT = "environment"  # before the first job: `gate.py` found the VM unfit

NO_JOBS, NO_CPU, FAILED_MATCHES, MAX_LIFE = "no_jobs", "no_cpu", "failed_matches", "max_life"
SOFT_END, BILLING_BOUNDARY, NEVER = "soft_end", "billing_boundary", "never"
POLICIES = (NO_JOBS, NO_CPU, FAILED_MATCHES, MAX_LIFE, SOFT_END, BILLING_BOUNDARY, NEVER)
IDLENESS = (NO_JOBS, NO_CPU, FAILED_MATCHES)
"""Policies that end a VM for want of work; with `billing_boundary` they wait for the end of what is paid for."""

MAY_BE_KEPT = (IDLE, QUIET, UNMATCHED, PAID_UP)  # reasons for which the manager may say "stay"
UNTOLD = (GONE, EXPIRED, UNHEARD)  # reasons nobody need be told: the manager said so, or it does not answer
FIRST_WAIT, LONGEST_WAIT = 1.0, 20.0  # seconds between two requests for a job: doubling from the one to the other
_MARGIN_SECONDS, _MARGIN_SHARE = 60.0, 0.05
_DOUBLINGS = 5  # after so many a wait is the longest
_WINDOW_SECONDS, _WINDOW_SHARE = 300.0, 0.1

STOPPED, WORK_DONE, NOTHING_TO_DO, BAD_ENVIRONMENT, OTHER = 100, 200, 300, 500, 700
CODES: Mapping[str, int] = {
    HALTED: STOPPED,
    DRAINED: STOPPED,
    TAKEN: STOPPED,
    GONE: STOPPED,
    END_OF_LIFE: STOPPED,
    SOFT_ENDED: STOPPED,
    ENVIRONMENT: BAD_ENVIRONMENT,
}
"""Reasons → HEPiX shutdown codes, as DIRAC's VMs told them; those for want of work depend on whether there was some."""


class Terms(NamedTuple):
    """The policies a pool chose and their numbers; times in seconds, `quiet_cpu` in cores.

    `quiet_seconds` without CPU activity (less than `quiet_cpu`) end a VM by `no_cpu`, and with `kill_quiet` a payload.
    """

    policies: Tuple[str, ...] = (NO_JOBS, MAX_LIFE)
    quiet_seconds: float = 1800.0
    quiet_cpu: float = 0.05
    kill_quiet: bool = False
    failed_matches: int = 10
    soft_life: float = inf
    billing_seconds: float = 3600.0


class State(NamedTuple):
    """What the rules look at. Times in seconds.

    `gone`: the manager says this VM is no more; `taken`: its cloud takes it back; `busy` counts running payloads (and a
    match in flight), `undelivered` reports the manager has not got, `expired`: the certificate ended without contact;
    `broken`: the pilot can do no more; `over`: it ended by itself, and nothing is left to do. `quiet_seconds` is how
    long the machine has used no CPU, `silent_seconds` how long the manager has not answered, and `dead_man` how long a
    VM bears that.
    """

    busy: int
    undelivered: int
    failed_matches: int
    idle_seconds: float
    idle_limit: float
    seconds_left: float
    max_life: float
    draining: bool = False
    taken: bool = False
    halted: bool = False
    expired: bool = False
    broken: bool = False
    gone: bool = False
    over: bool = False
    quiet_seconds: float = 0.0
    silent_seconds: float = 0.0
    dead_man: float = inf
    terms: Terms = Terms()


class Rule(NamedTuple):
    """Why a VM stops, when that holds, and the policy it belongs to (empty: it always counts)."""

    reason: str
    holds: Callable[[State], bool]
    policy: str = ""


def terms(told: Mapping[str, Any]) -> Terms:
    """Return terms as configuration and manager tell them; what they leave out stays as it is without them.

    Raises:
        ValueError: a name or policy is unknown.
    """
    unknown = sorted(set(told) - set(Terms._fields)) + sorted(set(told.get("policies", ())) - set(POLICIES))
    if unknown:
        raise ValueError(f"unknown stop policy or term: {', '.join(unknown)}")
    found = Terms(**{name: value for name, value in told.items() if value is not None})
    return found._replace(policies=tuple(found.policies))


def margin(max_life: float) -> float:
    """Return how long before its end of life a VM stops taking jobs."""
    return min(_MARGIN_SECONDS, _MARGIN_SHARE * max_life)


def ending(seconds_left: float, max_life: float) -> bool:
    """Tell whether so little life is left that no further job should start."""
    return seconds_left <= margin(max_life)


def asking(requests: int, longest: float) -> float:
    """Return how many seconds pass from the first to the last of so many requests in vain, none waiting longer."""
    doubled = (FIRST_WAIT * 2.0 ** min(place, _DOUBLINGS) for place in range(requests - 1))
    return sum(min(wait, LONGEST_WAIT, longest) for wait in doubled)


def code(reason: str, *, worked: bool) -> int:
    """Return the HEPiX shutdown code of a reason; `worked`: payloads ran on this VM."""
    if reason in MAY_BE_KEPT:
        return WORK_DONE if worked else NOTHING_TO_DO
    return CODES.get(reason, OTHER)


def closing(state: State) -> bool:
    """Tell whether no more jobs shall be asked for, whatever runs."""
    chosen = SOFT_END in state.terms.policies
    told = state.draining or state.taken or state.halted
    return told or state.expired or _unheard(state) or (chosen and _soft_ended(state))


def is_quiet(state: State) -> bool:
    """Tell whether the machine has used no CPU for long."""
    return state.quiet_seconds >= state.terms.quiet_seconds


def due(state: State) -> float:
    """Return after how many seconds a rule may begin to hold by time alone (infinity: never)."""
    chosen = state.terms
    waits = (
        state.idle_limit - state.idle_seconds,
        chosen.quiet_seconds - state.quiet_seconds,
        state.seconds_left - margin(state.max_life),
        chosen.soft_life - _lived(state),
        state.dead_man - state.silent_seconds,
        _to_window(state),
    )
    return min((seconds for seconds in waits if seconds > 0), default=inf)


def decide(state: State) -> str:
    """Return why to stop now, or the empty string."""
    chosen = state.terms.policies
    return next((rule.reason for rule in RULES if rule.policy in ("", *chosen) and rule.holds(state)), "")


def _lived(state: State) -> float:
    return state.max_life - state.seconds_left


def _free(state: State) -> bool:
    return not state.busy and not state.undelivered


def _unheard(state: State) -> bool:
    return state.silent_seconds >= state.dead_man


def _soft_ended(state: State) -> bool:
    return _lived(state) >= state.terms.soft_life


def _asked(state: State) -> bool:
    # A failed match is asked for too: a worker that could not ask (manager away) is not idle.
    return state.failed_matches > 0


def _to_window(state: State) -> float:
    """Return the seconds until the last part of what is paid for begins; 0 or below: it has."""
    if BILLING_BOUNDARY not in state.terms.policies:
        return 0.0
    period = state.terms.billing_seconds
    left = period - _lived(state) % period
    return left - min(_WINDOW_SECONDS, _WINDOW_SHARE * period)


def _unneeded(*conditions: Callable[[State], bool]) -> Callable[[State], bool]:
    """Return a rule for want of work: nothing runs, all was told, and what is paid for is used up."""
    return lambda state: _free(state) and _to_window(state) <= 0 and all(holds(state) for holds in conditions)


RULES: Tuple[Rule, ...] = (
    Rule(GONE, lambda state: state.gone),
    Rule(HALTED, lambda state: state.halted),
    Rule(EXPIRED, lambda state: state.expired and not state.busy),
    Rule(UNHEARD, lambda state: _unheard(state) and not state.busy),
    Rule(BROKEN, lambda state: state.broken and _free(state)),
    Rule(TAKEN, lambda state: state.taken and _free(state)),
    Rule(DRAINED, lambda state: state.draining and _free(state)),
    Rule(END_OF_LIFE, lambda state: ending(state.seconds_left, state.max_life) and _free(state), MAX_LIFE),
    Rule(SOFT_ENDED, lambda state: _soft_ended(state) and _free(state), SOFT_END),
    Rule(IDLE, lambda state: state.over and _free(state)),
    Rule(IDLE, _unneeded(_asked, lambda state: state.idle_seconds >= state.idle_limit), NO_JOBS),
    Rule(QUIET, _unneeded(is_quiet), NO_CPU),
    Rule(UNMATCHED, _unneeded(lambda state: state.failed_matches >= state.terms.failed_matches), FAILED_MATCHES),
    Rule(
        PAID_UP,
        _unneeded(_asked, lambda state: not set(IDLENESS) & set(state.terms.policies)),
        BILLING_BOUNDARY,
    ),
)
