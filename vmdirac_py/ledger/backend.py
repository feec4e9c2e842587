"""What differs between the databases; all else is the same code on both."""

from __future__ import annotations

from contextlib import AbstractContextManager
from dataclasses import dataclass
from threading import Event
from typing import Protocol

from sqlalchemy import URL, Connection, Engine

from vmdirac_py.base.errors import VmdiracError

from .events import SqlEvents
from .leases import SqlLeases


@dataclass(frozen=True, slots=True)
class Failure:
    """What a database error means to us; `broken`: the connection's transaction may be gone already."""

    kind: type[VmdiracError]
    what: str
    mend: str
    broken: bool = False


class Watcher(Protocol):
    """Somebody waiting for other people's commits on a connection of its own."""

    connection: Connection

    def pause(self, seconds: float, stop: Event) -> None:
        """Return when somebody may have committed since the last `mark`, on `stop`, or after so many seconds."""

    def mark(self) -> None:
        """Forget what was committed so far; to be called before looking at the data."""


class Backend(Protocol):
    """One kind of database."""

    @property
    def events(self) -> type[SqlEvents]:
        """How events are kept there."""

    @property
    def leases(self) -> type[SqlLeases]:
        """How leases are kept there."""

    def place(self, url: URL) -> str:
        """Return where the database is, in words without secrets."""

    def engine(self, url: URL) -> Engine:
        """Return an engine. Raises BadInput or Unusable for a URL that cannot work."""

    def exists(self, url: URL) -> bool:
        """Tell whether there is something to connect to, as far as that is known without connecting."""

    def make(self, url: URL) -> None:
        """Make the place the tables will live in, where that is ours to make. Raises Unusable."""

    def reader(self, engine: Engine) -> Engine:
        """Return the engine whose transactions are read-only snapshots."""

    def writer(self, engine: Engine) -> Engine:
        """Return the engine whose transactions may write from their first statement."""

    def lock_schema(self, connection: Connection) -> None:
        """Keep every other migration out until this transaction ends."""

    def failure(self, error: BaseException) -> Failure | None:
        """Say what a driver's error means, or None when it is not the database's."""

    def watch(self, engine: Engine) -> AbstractContextManager[Watcher]:
        """Watch for other people's commits."""
