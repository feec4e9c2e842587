"""One bed for all test processes of a machine: each is a user, and the last that leaves takes it down.

A bed that was brought up by hand is held: it stays up when the last test session leaves.
"""

from __future__ import annotations

import atexit
import os
from pathlib import Path

from . import life
from .bed import Bed
from .places import Places, Say, default_home, lock_of, locked
from .values import Cannot

_got: dict[Path, Bed | Cannot] = {}


def shared(say: Say) -> Bed:
    """Return the bed that tests share, up; this process is one of its users until it ends.

    Raises:
        Cannot: the machine cannot, and why; it is found out once.
        Broke: something failed.
    """
    home = default_home()
    if home not in _got:
        _got[home] = _joined(home, say)
    found = _got[home]
    if isinstance(found, Cannot):
        raise found
    return found


def hold(home: Path) -> None:
    """Keep a bed up until somebody takes it down by hand."""
    Places(home).held.touch()


def users(places: Places) -> set[str]:
    """Return who uses a bed: the living of its processes, and `held` while a person holds it up."""
    found = {file.name: file.read_text() for file in places.users.glob("*")}
    return {name for name, born in found.items() if name == places.held.name or born == _born(name)}


def leave(home: Path, user: str, say: Say) -> None:
    """Stop being a user; the last takes the bed down."""
    places = Places(home)
    with locked(lock_of(home), say):
        (places.users / user).unlink(missing_ok=True)
        if not users(places):
            life.stop(places)


def _joined(home: Path, say: Say) -> Bed | Cannot:
    user = str(os.getpid())
    try:
        # before it is up: a session that leaves meanwhile must not be the last
        _enter(Places(home), user)
        atexit.register(leave, home, user, say)
        return life.bring_up(home, say)
    except Cannot as cannot:
        return cannot


def _enter(places: Places, user: str) -> None:
    places.make()
    (places.users / user).write_text(_born(user))


def _born(pid: str) -> str:
    """Return when a process was started, in ticks since boot: a pid alone may be another's by now."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[19]
    except OSError:
        return ""
