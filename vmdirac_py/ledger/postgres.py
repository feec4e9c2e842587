"""PostgreSQL through psycopg 3: row locks for writers, snapshots for readers, NOTIFY for whoever waits."""

from __future__ import annotations

import importlib.util
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Event
from typing import Any

from sqlalchemy import URL, Connection, Engine, create_engine, text

from vmdirac_py.base.errors import BadInput, Conflict, TryAgain, Unusable

from .backend import Failure
from .events import CHANNEL, PostgresEvents
from .leases import PostgresLeases

LISTEN_SECONDS = 1.0  # longest time until `stop` is looked at
_SCHEMA_LOCK = 0x736368656D61  # "schema"
_REPEAT = Failure(TryAgain, "somebody else changed the same rows", "look again, then repeat")
# By SQLSTATE, the longest prefix counts: https://www.postgresql.org/docs/current/errcodes-appendix.html
_FAILURES = {
    "22": Failure(BadInput, "a value the database cannot hold", "mend that text or number"),
    "23": Failure(Conflict, "this contradicts what the ledger holds", "look again, then repeat"),
    "25006": Failure(Unusable, "cannot be written", "use the primary server, not a standby"),
    "40": _REPEAT,
    "42501": Failure(Unusable, "the user lacks rights", "make the database user the owner of the database"),
    "53": Failure(Unusable, "the server is out of disk, memory or connections", "look at the server, then repeat"),
    "53100": Failure(Unusable, "the disk is full", "free space on the server, then repeat"),
    "55P03": _REPEAT,
    "57": Failure(Unusable, "the server is going down or starting", "wait, then repeat"),
}
_UNREACHABLE = Failure(Unusable, "the server cannot be reached", "start it, or mend `database` in the settings")
_OTHER = Failure(Unusable, "the database failed", "look at the cause below")


class Postgres:
    """PostgreSQL."""

    events = PostgresEvents
    leases = PostgresLeases

    def place(self, url: URL) -> str:
        """Return server and database; the rest of a URL may hold a password."""
        return f"postgresql://{url.host or ''}{f':{url.port}' if url.port else ''}/{url.database or ''}"

    def engine(self, url: URL) -> Engine:
        """Return an engine. Raises Unusable without the driver."""
        if importlib.util.find_spec("psycopg") is None:
            raise Unusable("no PostgreSQL driver here", where="database", mend="pip install 'vmdirac_py[postgres]'")
        driver = url.set(drivername="postgresql+psycopg")
        return create_engine(driver, max_overflow=-1, hide_parameters=True, pool_pre_ping=True)

    def exists(self, url: URL) -> bool:  # noqa: ARG002 - only the server knows
        """Leave the answer to the server."""
        return True

    def make(self, url: URL) -> None:
        """Nothing to make: the database is the administrator's."""

    def reader(self, engine: Engine) -> Engine:
        """Return the engine whose transactions are read-only snapshots."""
        return engine.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)

    def writer(self, engine: Engine) -> Engine:
        """Return the engine whose guarded updates see the newest committed rows."""
        return engine.execution_options(isolation_level="READ COMMITTED")

    def lock_schema(self, connection: Connection) -> None:
        """Keep every other migration out until this transaction ends."""
        connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": _SCHEMA_LOCK})

    def failure(self, error: BaseException) -> Failure | None:
        """Say what a driver's error means."""
        import psycopg  # noqa: PLC0415 - an optional package

        if isinstance(error, UnicodeError | OverflowError):
            return _FAILURES["22"]
        if not isinstance(error, psycopg.Error):
            return None
        if error.sqlstate is None:
            return _not_connected(error) if isinstance(error, psycopg.OperationalError) else _OTHER
        known = (prefix for prefix in _FAILURES if error.sqlstate.startswith(prefix))
        return _FAILURES.get(max(known, key=len, default=""), _OTHER)

    @contextmanager
    def watch(self, engine: Engine) -> Iterator[PostgresWatcher]:
        """Listen for other people's commits."""
        with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            try:
                connection.exec_driver_sql(f"LISTEN {CHANNEL}")
                yield PostgresWatcher(connection)
                connection.exec_driver_sql(f"UNLISTEN {CHANNEL}")
            except BaseException:
                connection.invalidate()
                raise


def _not_connected(error: Exception) -> Failure:
    """A refused connection has no SQLSTATE, but the server's words; they name users and databases, never passwords."""
    refusal = str(error).partition("FATAL:")[2].strip().splitlines()
    if not refusal:
        return _UNREACHABLE
    return Failure(Unusable, f"the server refused: {refusal[0]}", "mend `database` in the settings, or the server")


class PostgresWatcher:
    """Listens for the NOTIFY that every commit with an event sends; the driver keeps what comes meanwhile."""

    def __init__(self, connection: Connection) -> None:
        self.connection = connection

    def mark(self) -> None:
        """Nothing to do: what was heard before only makes the next `pause` shorter."""

    def pause(self, seconds: float, stop: Event) -> None:
        """Return on a commit, soon after `stop`, or after so many seconds."""
        driver: Any = self.connection.connection.driver_connection
        if not stop.is_set():
            for _ in driver.notifies(timeout=min(seconds, LISTEN_SECONDS), stop_after=1):
                return
