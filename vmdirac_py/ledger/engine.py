"""Opening a ledger, and its transactions."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from threading import Event
from weakref import WeakKeyDictionary

from sqlalchemy import URL, Connection, Engine, event, make_url
from sqlalchemy.engine import ExceptionContext
from sqlalchemy.exc import ArgumentError, PendingRollbackError

from vmdirac_py.base.clock import Clock
from vmdirac_py.base.errors import BadInput, VmdiracError

from . import migrate
from .api import Transaction
from .backend import Backend
from .events import SqlEvents
from .postgres import Postgres
from .sqlite import Sqlite
from .transaction import SqlTransaction

_BACKENDS: Mapping[str, Backend] = {"sqlite": Sqlite(), "postgresql": Postgres()}


def open_ledger(url: str, clock: Clock, *, create: bool = False) -> SqlLedger:
    """Open the ledger at an SQLAlchemy URL (`sqlite:////path/ledger.db`, `postgresql+psycopg://user@host/name`).

    Args:
        url: where it is; a password in it appears in no error.
        clock: the time of events and documents.
        create: make or upgrade its tables instead of refusing a database without them.

    Raises:
        BadInput: not such a URL.
        WrongSchema: no ledger here, or one of another version than this program's.
        Unusable: the database cannot be reached, read or written.
    """
    parsed = _parse(url)
    backend = _BACKENDS[parsed.get_backend_name()]
    place = backend.place(parsed)
    if create:
        backend.make(parsed)
    elif not backend.exists(parsed):
        raise migrate.never_made(place)
    ledger = SqlLedger(backend.engine(parsed), backend, place, clock)
    try:
        ledger.match_schema(upgrade=create)
    except BaseException:
        ledger.close()
        raise
    return ledger


class SqlLedger:
    """The ledger on one database, safe to share between threads; made by `open_ledger`."""

    def __init__(self, engine: Engine, backend: Backend, place: str, clock: Clock) -> None:
        self._engine = engine
        self._backend = backend
        self._place = place
        self._clock = clock
        self._reader, self._writer = backend.reader(engine), backend.writer(engine)
        self._failed: WeakKeyDictionary[Connection, VmdiracError] = WeakKeyDictionary()
        self._closed = Event()
        event.listen(engine, "handle_error", self._translate)

    @contextmanager
    def write(self) -> Iterator[Transaction]:
        """Begin a transaction that may write; commit at the end, roll back on any exception.

        Raises:
            Conflict: somebody else kept the ledger locked, or changed the same rows.
            Unusable: the database failed (full, read-only, gone ...); nothing of the transaction was kept.
        """
        with self._begin(self._writer) as tx:
            yield tx

    @contextmanager
    def read(self) -> Iterator[Transaction]:
        """Begin a consistent snapshot. Raises Unusable when the database failed."""
        with self._begin(self._reader) as tx:
            yield tx

    def wait(self, *, after: int, timeout: float) -> int:
        """Sleep until an event newer than `after` exists, or `timeout` seconds; return the newest sequence number."""
        until = time.monotonic() + timeout
        with self._backend.watch(self._engine) as watcher:
            events = SqlEvents(watcher.connection, self._clock)
            while True:
                watcher.mark()
                seq, left = events.last(), until - time.monotonic()
                if seq > after or left <= 0 or self._closed.is_set():
                    return seq
                watcher.pause(left, self._closed)

    def close(self) -> None:
        """Wake whoever waits and close all connections."""
        self._closed.set()
        self._engine.dispose()

    def match_schema(self, *, upgrade: bool) -> None:
        """Bring the schema to ours, or check that it is. Raises WrongSchema."""
        if not upgrade:
            with self._reader.begin() as connection:
                migrate.check(connection, self._place)
            return
        with self._writer.begin() as connection:
            self._backend.lock_schema(connection)
            migrate.upgrade(connection, self._place)

    @contextmanager
    def _begin(self, engine: Engine) -> Iterator[Transaction]:
        with engine.begin() as connection:
            try:
                yield SqlTransaction(connection, self._clock, self._backend)
            except PendingRollbackError as error:
                raise self._failed[connection] from error
            failure = self._failed.get(connection)
            if failure is not None:  # even if the caller swallowed it: half a transaction is never committed
                raise failure

    def _translate(self, context: ExceptionContext) -> BaseException | None:
        failure = self._backend.failure(context.original_exception)
        if failure is None or context.is_pre_ping:  # a dead connection in the pool is replaced without a word
            return None
        error = failure.kind(failure.what, where=self._place, mend=failure.mend)
        if failure.broken:  # SQLite may have rolled back by itself: what follows must not run outside a transaction
            context.is_disconnect = True
            context.invalidate_pool_on_disconnect = False
        if context.connection is not None:  # the first failure is the cause of those that follow
            return self._failed.setdefault(context.connection, error)
        return error


def _parse(url: str) -> URL:
    mend = "say sqlite:////path/to/ledger.db or postgresql+psycopg://user@host/name"
    try:
        parsed = make_url(url)
    except (ArgumentError, ValueError):
        raise BadInput("not a database URL", where="database", mend=mend) from None
    if parsed.get_backend_name() not in _BACKENDS:
        raise BadInput(f"no ledger on {parsed.get_backend_name()}", where="database", mend=mend)
    return parsed
