"""When a worker stops its VM: pure rules over a small state, tried in order."""

from typing import Callable, NamedTuple, Tuple

GONE, HALTED, EXPIRED, BROKEN, DRAINED, END_OF_LIFE, IDLE, ENVIRONMENT = (
    "gone",
    "halted",
    "expired",
    "error",
    "drained",
    "end_of_life",
    "idle",
    "environment",  # before the first job: `gate.py` found the VM unfit
)
MAY_BE_KEPT = (IDLE,)  # reasons for which the manager may say "stay"
UNTOLD = (GONE, EXPIRED)  # reasons nobody need be told: the manager said so, or the door is closed
_MARGIN_SECONDS, _MARGIN_SHARE = 60.0, 0.05


class State(NamedTuple):
    """What the rules look at. Times in seconds.

    `gone`: the manager says this VM is no more; `busy` counts running payloads (and a match in flight),
    `undelivered` reports the manager has not got, `expired`: the certificate ended without contact; `broken`:
    payloads were lost with an earlier worker.
    """

    busy: int
    undelivered: int
    failed_matches: int
    idle_seconds: float
    idle_limit: float
    seconds_left: float
    max_life: float
    draining: bool = False
    halted: bool = False
    expired: bool = False
    broken: bool = False
    gone: bool = False


def margin(max_life: float) -> float:
    """Return how long before its end of life a VM stops taking jobs."""
    return min(_MARGIN_SECONDS, _MARGIN_SHARE * max_life)


def ending(seconds_left: float, max_life: float) -> bool:
    """Tell whether so little life is left that no further job should start."""
    return seconds_left <= margin(max_life)


def _idle(state: State) -> bool:
    # A failed match is asked for too: a worker that could not ask (manager away) is not idle.
    return state.failed_matches > 0 and state.idle_seconds >= state.idle_limit


def _free(state: State) -> bool:
    return not state.busy and not state.undelivered


RULES: Tuple[Tuple[str, Callable[[State], bool]], ...] = (
    (GONE, lambda state: state.gone),
    (HALTED, lambda state: state.halted),
    (EXPIRED, lambda state: state.expired and not state.busy),
    (BROKEN, lambda state: state.broken and _free(state)),
    (DRAINED, lambda state: state.draining and _free(state)),
    (END_OF_LIFE, lambda state: ending(state.seconds_left, state.max_life) and _free(state)),
    (IDLE, lambda state: _idle(state) and _free(state)),
)


def decide(state: State) -> str:
    """Return why to stop now, or the empty string."""
    return next((reason for reason, holds in RULES if holds(state)), "")
