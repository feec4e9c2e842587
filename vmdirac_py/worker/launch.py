"""What `Config.pilot` says of the pilot: which flavour, and how DIRAC's own is started."""

import os
import pwd
import stat
from pathlib import Path
from typing import Any, Dict, Mapping, NamedTuple, Tuple

from .payload import instance

EMBEDDED, DIRAC = "embedded", "dirac"
FLAVOURS = (EMBEDDED, DIRAC)
MARK = "VMDIRAC_PILOT"
VM = "{vm}"  # in command and environment: this VM's id
NAMES = ("DIRAC_PILOT_STAMP", "PILOT_UUID")  # by which the pilot knows its stamp, and its reference in a cloud
_PASS = 0o711  # to be passed through, not to be looked into
_PATH = "/usr/local/bin:/usr/bin:/bin:/usr/local/sbin:/usr/sbin:/sbin"
_KINDS: Mapping[str, Any] = {"flavour": str, "command": list, "environment": dict, "user": str, "home": str}


class BadPilot(ValueError):
    """`pilot` of the configuration cannot be used; the text names the key."""


class Launch(NamedTuple):
    """How DIRAC's pilot is started: as `user` (empty: the worker's own), in a new folder below `home`."""

    command: Tuple[str, ...]
    environment: Mapping[str, str]
    user: str
    home: Path


def flavour(pilot: Mapping[str, Any]) -> str:
    """Return the flavour; the embedded one where nothing is said.

    Raises:
        BadPilot: it is unknown, or what DIRAC's needs is missing or of a wrong type.
    """
    named = pilot.get("flavour", EMBEDDED)
    if named not in FLAVOURS:
        raise BadPilot(f"pilot.flavour {named!r} is unknown; known are {', '.join(FLAVOURS)}")
    if named == DIRAC:
        read(pilot, "")
    return str(named)


def read(pilot: Mapping[str, Any], vm: str) -> Launch:
    """Return how to start DIRAC's pilot on the VM of this id. Raises BadPilot."""
    for key, kind in _KINDS.items():
        if not isinstance(pilot.get(key), kind):
            raise BadPilot(f"pilot.{key} is missing or of a wrong type")
    words = tuple(str(word).replace(VM, vm) for word in pilot["command"])
    if not words:
        raise BadPilot("pilot.command is empty")
    _account(str(pilot["user"]))
    given = {str(name): str(value).replace(VM, vm) for name, value in pilot["environment"].items()}
    return Launch(words, given, str(pilot["user"]), Path(pilot["home"]))


def environment(launch: Launch, vm: str, home: Path) -> Dict[str, str]:
    """Return the pilot's whole environment: nothing of the worker's comes in, and all its processes bear a mark."""
    own = {"PATH": _PATH, "HOME": str(home), "LANG": "C.UTF-8", **dict.fromkeys(NAMES, vm)}
    name, _, value = mark(vm).partition("=")
    return {**own, **launch.environment, name: value, **instance()}


def mark(vm: str) -> str:
    """Return the environment entry that all of the pilot's processes carry."""
    return f"{MARK}={vm}"


def identity(user: str) -> Dict[str, Any]:
    """Return what makes a process another user's, for `subprocess.Popen`; nothing for the worker's own."""
    if not user:
        return {}
    account = _account(user)
    return {"user": account.pw_uid, "group": account.pw_gid, "extra_groups": []}


def make_safe(homes: Path) -> None:
    """Make the folder of homes if it is missing; nobody but us and root may own it, who could put links into it.

    Raises:
        BadPilot: it is somebody else's, or no folder.
        OSError: it cannot be made.
    """
    if not os.path.lexists(homes):
        homes.mkdir(parents=True)
        homes.chmod(_PASS)
    found = homes.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid not in (0, os.geteuid()):
        raise BadPilot(f"pilot.home {homes} must be a folder of root's: whoever owns it could lead root astray")


def _account(user: str) -> Any:
    if not user:
        return None
    try:
        account = pwd.getpwnam(user)
    except KeyError:
        raise BadPilot(f"pilot.user {user!r}: this machine has no such user") from None
    if account.pw_uid == 0:
        raise BadPilot("pilot.user must not be root: its payloads would own this machine")
    if os.geteuid() not in (0, account.pw_uid):
        raise BadPilot(f"pilot.user {user!r}: only root can start a process as another user")
    return account
