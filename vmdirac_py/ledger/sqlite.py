"""SQLite: one file in WAL mode, one writer at a time, and polling for other people's commits."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Event
from typing import Any

from sqlalchemy import URL, Connection, Engine, create_engine, event

from vmdirac_py.base.errors import BadInput, Conflict, TryAgain, Unusable

from .backend import Failure
from .events import SqlEvents
from .leases import SqlLeases

BUSY_SECONDS = 30.0  # how long a writer waits for the one before it
POLL_SECONDS = 0.03  # a poll costs about 0.2 ms of CPU, and half of this is the mean delay of a wake-up
_BEGIN = "vmdirac_begin"
_READ, _WRITE = ("PRAGMA query_only=1", "BEGIN"), ("PRAGMA query_only=0", "BEGIN IMMEDIATE")
_SETTINGS = (
    "PRAGMA synchronous=FULL",  # an intent must survive a power cut; measured cost 0.3 ms a commit
    "PRAGMA foreign_keys=ON",
)
_FAILURES = {
    sqlite3.SQLITE_FULL: Failure(Unusable, "the disk is full", "free space, then repeat", broken=True),
    sqlite3.SQLITE_IOERR: Failure(Unusable, "the disk cannot be read or written", "look at the disk", broken=True),
    sqlite3.SQLITE_NOMEM: Failure(Unusable, "out of memory", "free memory, then repeat", broken=True),
    sqlite3.SQLITE_READONLY: Failure(Unusable, "cannot be written", "mend the rights of the file and its folder"),
    sqlite3.SQLITE_CANTOPEN: Failure(Unusable, "cannot be opened", "mend the path, or the rights of its folder"),
    sqlite3.SQLITE_PERM: Failure(Unusable, "cannot be opened", "mend the rights of the file"),
    sqlite3.SQLITE_CORRUPT: Failure(Unusable, "the file is damaged", "restore it from a backup"),
    sqlite3.SQLITE_NOTADB: Failure(Unusable, "the file is not a ledger", "mend `database` in the settings"),
    sqlite3.SQLITE_BUSY: Failure(TryAgain, "another process kept the ledger locked", "repeat; end the stuck process"),
    sqlite3.SQLITE_LOCKED: Failure(TryAgain, "another process kept the ledger locked", "repeat; end the stuck process"),
    sqlite3.SQLITE_CONSTRAINT: Failure(Conflict, "this contradicts what the ledger holds", "look again, then repeat"),
    sqlite3.SQLITE_TOOBIG: Failure(BadInput, "a text is too long", "shorten it"),
}
_OTHER = Failure(Unusable, "the database failed", "look at the cause below")


class Sqlite:
    """SQLite in WAL mode."""

    events = SqlEvents
    leases = SqlLeases

    def place(self, url: URL) -> str:
        """Return the file's path."""
        return url.database or "sqlite"

    def engine(self, url: URL) -> Engine:
        """Return an engine. Raises BadInput for a database in memory, which nobody else could see."""
        if not url.database or ":memory:" in url.database or url.query:
            raise BadInput("a SQLite ledger is a file", where="database", mend="say sqlite:////path/to/ledger.db")
        engine = create_engine(url, connect_args={"timeout": BUSY_SECONDS}, max_overflow=-1, hide_parameters=True)
        event.listen(engine, "connect", _prepare)
        event.listen(engine, "begin", _begin)
        return engine

    def exists(self, url: URL) -> bool:
        """Tell whether the file is there: connecting would make an empty one."""
        return Path(url.database or "").exists()

    def make(self, url: URL) -> None:
        """Make the file, readable by its owner only; its rights are the gate to everything in it."""
        try:
            Path(url.database or "").touch(mode=0o600)
        except OSError as error:
            raise Unusable(
                f"cannot be made: {error.strerror}", where=self.place(url), mend="mend the path or the folder's rights"
            ) from error

    def reader(self, engine: Engine) -> Engine:
        """Return the engine whose transactions are read-only snapshots."""
        return engine.execution_options(**{_BEGIN: _READ})

    def writer(self, engine: Engine) -> Engine:
        """Return the engine whose transactions hold the write lock from their first statement."""
        return engine.execution_options(**{_BEGIN: _WRITE})

    def lock_schema(self, connection: Connection) -> None:
        """Nothing to do: a write transaction keeps all others out."""

    def failure(self, error: BaseException) -> Failure | None:
        """Say what a driver's error means."""
        if isinstance(error, UnicodeError | OverflowError):
            return Failure(BadInput, "a value the database cannot hold", "mend that text or number")
        if not isinstance(error, sqlite3.Error):
            return None
        return _FAILURES.get(getattr(error, "sqlite_errorcode", 0) & 0xFF, _OTHER)

    @contextmanager
    def watch(self, engine: Engine) -> Iterator[SqliteWatcher]:
        """Watch for other people's commits, on a connection that itself begins no transaction."""
        with engine.connect() as connection:
            yield SqliteWatcher(connection)


class SqliteWatcher:
    """Polls `PRAGMA data_version`, which grows with every commit of any other connection, of this process or not."""

    def __init__(self, connection: Connection) -> None:
        self.connection = connection
        self._version = 0

    def mark(self) -> None:
        """Forget what was committed so far."""
        self._version = self._data_version()

    def pause(self, seconds: float, stop: Event) -> None:
        """Return on a commit since the last `mark`, on `stop`, or after so many seconds."""
        until = time.monotonic() + seconds
        while self._data_version() == self._version and (left := until - time.monotonic()) > 0:
            if stop.wait(min(POLL_SECONDS, left)):
                return

    def _data_version(self) -> int:
        return int(self.connection.exec_driver_sql("PRAGMA data_version").scalar_one())


def _prepare(connection: Any, _record: Any) -> None:
    """Take transactions over from the driver, which would begin them late and never IMMEDIATE."""
    connection.isolation_level = None
    (mode,) = connection.execute("PRAGMA journal_mode=WAL").fetchone()
    if mode != "wal":
        raise Unusable(
            "SQLite cannot use WAL on this file system", where="database", mend="use a local disk, or PostgreSQL"
        )
    for setting in _SETTINGS:
        connection.execute(setting)


def _begin(connection: Connection) -> None:
    for statement in connection.get_execution_options().get(_BEGIN, ()):
        connection.exec_driver_sql(statement)
