"""The gate before the pilot: a VM that is not what its pool promises asks for no jobs, and says why.

What is looked at, and what it must be, comes from the configuration's `gate` (made by `operations/gates.py`); a key
that is not there is not looked at, and an empty gate is open. What may pass by itself (a mount, a clock that is still
being set, a manager that restarts) is looked at again until `seconds` are over; missing hardware stays missing.
"""

import os
import pwd
import time
from pathlib import Path
from typing import Any, Callable, Dict, Iterable, Iterator, List, NamedTuple, Tuple

from . import hardware
from .backoff import Backoff
from .client import Client
from .log import say
from .probing import Trial, failing, look
from .trust import TalkError
from .wire import Time

CVMFS = "/cvmfs"
METADATA_PORT = 80
PROBE_SECONDS, RUNTIME_SECONDS = 30.0, 120.0
_NOBODY = "nobody"


class Around(NamedTuple):
    """What the checks look at: the work folder, the manager, and the whole gate, for what belongs together."""

    work_dir: Path
    client: Client
    gate: Dict[str, Any]


def _hardware(name: str) -> Callable[[Any, Around], Iterable[str]]:
    return lambda promised, around: hardware.short(name, promised, hardware.look(around.work_dir))


def _payload_users(users: List[str], _around: Around) -> Iterator[str]:
    for user in users:
        uid = _uid(user)
        if uid is None:
            yield f"payload user {user} does not exist"
        elif uid in (0, os.geteuid()):
            yield f"payload user {user} is the worker's own or root"


def _metadata(addresses: List[str], around: Around) -> List[str]:
    """Ask as a payload would; a worker that is not root is itself among those that must not get through."""
    uid = _payload_uid(around)
    trials = [look("unreachable", f"metadata {one}", one, str(METADATA_PORT), uid=uid) for one in addresses]
    return failing(trials, PROBE_SECONDS)


def _clock(most: float, around: Around) -> Iterator[str]:
    asked = time.time()
    try:
        told = around.client.post("time", {}, Time).at
    except TalkError as error:
        yield f"manager: {error}"
        return
    # The answer was made somewhere in between.
    ahead = max(0.0, asked - told) or min(0.0, time.time() - told)
    if abs(ahead) > most:
        yield f"clock: {abs(ahead):.0f} s {'ahead of' if ahead > 0 else 'behind'} the manager's"


def _cvmfs(repositories: List[str], _around: Around) -> List[str]:
    return failing([look("files", f"{CVMFS}/{one}", f"{CVMFS}/{one}") for one in repositories], PROBE_SECONDS)


def _trust_anchors(wanted: Dict[str, Any], _around: Around) -> List[str]:
    folder, hours = wanted["folder"], wanted["crl_hours"]
    return failing([look("anchors", f"trust anchors {folder}", folder, str(hours))], PROBE_SECONDS)


def _runtime(command: List[str], around: Around) -> List[str]:
    return failing([Trial(f"container runtime {command[0]}", command, _payload_uid(around))], RUNTIME_SECONDS)


class Check(NamedTuple):
    """One row: the gate's key, what finds failures, and whether these may pass by themselves."""

    key: str
    find: Callable[[Any, Around], Iterable[str]]
    passing: bool


CHECKS: Tuple[Check, ...] = (
    *(Check(name, _hardware(name), passing=name == "gpus") for name in hardware.LEAST),
    Check("payload_users", _payload_users, passing=False),
    Check("metadata", _metadata, passing=False),
    Check("clock_seconds", _clock, passing=True),
    Check("cvmfs", _cvmfs, passing=True),
    Check("trust_anchors", _trust_anchors, passing=True),
    Check("runtime", _runtime, passing=True),
)
KEYS = ("seconds", *(check.key for check in CHECKS))


def failures(around: Around, sleep: Callable[[float], None] = time.sleep) -> List[str]:
    """Return all that is wrong with this VM, in words; empty: it may ask for jobs."""
    until, backoff = time.monotonic() + around.gate.get("seconds", 0.0), Backoff()
    checks = [check for check in CHECKS if check.key in around.gate]
    while True:
        found = {check: list(_found(check, around)) for check in checks}
        checks = [check for check in checks if found[check]]
        wrong = [text for check in checks for text in found[check]]
        left = until - time.monotonic()
        if left <= 0 or not all(check.passing for check in checks) or not wrong:
            return wrong
        say(f"gate: {'; '.join(wrong)}")
        sleep(min(left, backoff.wait()))


def _found(check: Check, around: Around) -> Iterable[str]:
    try:
        yield from check.find(around.gate[check.key], around)
    except OSError as error:
        yield f"{check.key}: cannot be looked at: {error.strerror}"


def _payload_uid(around: Around) -> "int | None":
    """Return as whom to try what payloads do or must not; only root can become somebody else."""
    user = (around.gate.get("payload_users") or [_NOBODY])[0]
    return _uid(user) if os.geteuid() == 0 else None


def _uid(user: str) -> "int | None":
    try:
        return pwd.getpwnam(user).pw_uid
    except KeyError:
        return None
