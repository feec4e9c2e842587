"""One bed for all test processes of a machine: each is a user, and the last that leaves takes it down.

A bed that was brought up by hand is held: it stays up when the last test session leaves.
"""

from __future__ import annotations

import atexit
import os
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Generic, TypeVar

from .errors import Cannot
from .places import Places, Say, lock_of, locked

BedT = TypeVar("BedT")
_got: dict[Path, object] = {}
_leaving: list[Callable[[], None]] = []


class Shared(Generic[BedT]):
    """A bed that test processes share.

    Args:
        places: where it lies.
        bring_up: returns it, up; raises Cannot, Broke.
        stop: stops every process of it; whoever calls holds its lock.
    """

    def __init__(self, places: Places, bring_up: Callable[[Path, Say], BedT], stop: Callable[[], None]) -> None:
        self._places, self._bring_up, self._stop = places, bring_up, stop

    def get(self, say: Say) -> BedT:
        """Return the bed, up; this process is one of its users until it ends.

        Raises:
            Cannot: the machine cannot, and why; it is found out once.
            Broke: something failed.
        """
        home = self._places.home
        if home not in _got:
            _got[home] = self._joined(say)
        found = _got[home]
        if isinstance(found, Cannot):
            raise found
        return found  # type: ignore[return-value]  # one kind of bed lies in one home

    def enter(self, user: str) -> None:
        """Be a user: the process of this number."""
        self._places.make()
        (self._places.users / user).write_text(_born(user))

    def leave(self, user: str, say: Say) -> None:
        """Stop being a user; the last takes the bed down."""
        with locked(lock_of(self._places.home), say):
            (self._places.users / user).unlink(missing_ok=True)
            if not users(self._places):
                self._stop()

    def _joined(self, say: Say) -> BedT | Cannot:
        user = str(os.getpid())
        try:
            # before it is up: a session that leaves meanwhile must not be the last
            self.enter(user)
            _leaving.append(partial(self.leave, user, say))
            return self._bring_up(self._places.home, say)
        except Cannot as cannot:
            return cannot


def leave_all() -> None:
    """Stop using every bed this process uses.

    A test session calls it at its end: its process may be killed when it takes long to exit.
    """
    while _leaving:
        _leaving.pop()()


atexit.register(leave_all)


def hold(places: Places) -> None:
    """Keep a bed up until somebody takes it down by hand."""
    places.held.touch()


def users(places: Places) -> set[str]:
    """Return who uses a bed: the living of its processes, and `held` while a person holds it up."""
    found = {file.name: file.read_text() for file in places.users.glob("*")}
    return {name for name, born in found.items() if name == places.held.name or born == _born(name)}


def _born(pid: str) -> str:
    """Return when a process was started, in ticks since boot: a pid alone may be another's by now."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[19]
    except OSError:
        return ""
