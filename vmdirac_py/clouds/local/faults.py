"""Faults set on purpose, for tests and demonstrations: the cloud refuses, hangs, lags, lies or boots badly.

A fault is a JSON object with a `kind` and the keys of that kind:

    refuse        call, times, error_class             the next calls fail with that class
    hang          call, times, seconds, when           wait `before` or `after` acting
    lose          call, times                          act, then close the connection without an answer
    partial       times, count, error_class            refuse `count` VMs of the next launch
    lag           times, seconds                       listings do not show instances younger than this
    omit          times, count                         listings silently leave out the last `count` instances
    half          times                                listings show half and admit to be incomplete
    boot_failure  times                                the next VMs stop at once
    slow_boot     times, seconds                       the next VMs wait before they run anything
    garble        call, times, how                     act, then answer with a page (html), with half of the answer,
                                                       or with an error nobody can read (error_inside)
    leave         instance                             announce that this VM will be taken away
    kill          instance                             SIGKILL this VM now

`times` is how often it strikes (0: until cleared); 1 if not given, but 0 for lag, omit and half.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from typing import Any

from vmdirac_py.clouds.api import BadRequest
from vmdirac_py.model.batch import ErrorClass

from .garbling import WAYS

KINDS: Mapping[str, frozenset[str]] = {
    "refuse": frozenset({"call", "times", "error_class"}),
    "hang": frozenset({"call", "times", "seconds", "when"}),
    "lose": frozenset({"call", "times"}),
    "partial": frozenset({"times", "count", "error_class"}),
    "lag": frozenset({"times", "seconds"}),
    "omit": frozenset({"times", "count"}),
    "half": frozenset({"times"}),
    "boot_failure": frozenset({"times"}),
    "slow_boot": frozenset({"times", "seconds"}),
    "garble": frozenset({"call", "times", "how"}),
    "leave": frozenset({"instance"}),
    "kill": frozenset({"instance"}),
}
LONGEST_SECONDS = 86400
LASTING = frozenset({"lag", "omit", "half"})
CALLS = frozenset({"launch", "list", "terminate", "limits", "console"})


@dataclass(frozen=True, slots=True)
class Fault:
    """One fault; which fields mean something depends on its kind."""

    kind: str
    call: str = "launch"
    times: int = 1
    seconds: float = 1.0
    count: int = 1
    error_class: ErrorClass = ErrorClass.NO_CAPACITY
    when: str = "before"
    how: str = "html"
    instance: str = ""


def read_fault(raw: Any) -> Fault:
    """Read one fault from JSON.

    Raises:
        BadRequest: an unknown kind or key, or a value of the wrong type.
    """
    if not isinstance(raw, dict) or raw.get("kind") not in KINDS:
        raise _refusal(f"kind must be one of {', '.join(KINDS)}")
    if unknown := raw.keys() - KINDS[raw["kind"]] - {"kind"}:
        raise _refusal(f"{raw['kind']} does not take {', '.join(sorted(unknown))}")
    given = {"times": 0, **raw} if raw["kind"] in LASTING else dict(raw)
    _typed(given)
    return Fault(**given)


def _typed(given: dict[str, Any]) -> None:
    for name, value in given.items():
        good, words = CHECKS[name]
        if not good(value):
            raise _refusal(f"{name} must be {words}")
    if "error_class" in given:
        given["error_class"] = ErrorClass(given["error_class"])


def _count(value: Any) -> bool:
    return type(value) is int and value >= 0


def _seconds(value: Any) -> bool:
    return type(value) in {int, float} and 0 <= value <= LONGEST_SECONDS


CHECKS = {
    "kind": (KINDS.__contains__, "known"),
    "call": (CALLS.__contains__, "one of " + ", ".join(sorted(CALLS))),
    "times": (_count, "a whole number"),
    "count": (_count, "a whole number"),
    "seconds": (_seconds, "seconds, at most a day"),
    "error_class": (set(ErrorClass).__contains__, "one of " + ", ".join(ErrorClass)),
    "when": ({"before", "after"}.__contains__, "before or after"),
    "how": (WAYS.__contains__, "one of " + ", ".join(WAYS)),
    "instance": (lambda value: isinstance(value, str), "an instance id"),
}
assert set(CHECKS) == {field.name for field in fields(Fault)}


def _refusal(what: str) -> BadRequest:
    return BadRequest(what, where="fault", mend="see vmdirac_py/clouds/local/faults.py")


class Faults:
    """The faults now set; safe for threads."""

    def __init__(self) -> None:
        self._faults: list[Fault] = []
        self._lock = threading.Lock()

    def set(self, fault: Fault) -> None:
        """Add one."""
        with self._lock:
            self._faults.append(fault)

    def clear(self) -> None:
        """Remove all."""
        with self._lock:
            self._faults.clear()

    def take(self, kind: str, *, call: str = "", when: str = "") -> Fault | None:
        """Return the first fault of this kind that strikes here, counting it down; None when there is none."""
        with self._lock:
            for place, fault in enumerate(self._faults):
                if fault.kind == kind and call in {"", fault.call} and when in {"", fault.when}:
                    self._count_down(place, fault)
                    return fault
        return None

    def _count_down(self, place: int, fault: Fault) -> None:
        if fault.times == 1:
            del self._faults[place]
        elif fault.times > 1:
            self._faults[place] = replace(fault, times=fault.times - 1)
