"""What the parts of a transaction share: the connection, the clock, and statements both databases understand."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from importlib import import_module
from typing import TYPE_CHECKING, Any, TypeVar

from sqlalchemy import Connection, RowMapping, Table
from sqlalchemy.sql import Executable

from vmdirac_py.base.clock import Clock

if TYPE_CHECKING:
    from sqlalchemy.dialects import postgresql, sqlite

T = TypeVar("T")
CHUNK = 500  # ids in one statement: far below both databases' limits, and measured fast


def chunks(items: Collection[T]) -> Iterator[list[T]]:
    """Yield `items` in lists of at most `CHUNK`."""
    listed = list(items)
    for start in range(0, len(listed), CHUNK):
        yield listed[start : start + CHUNK]


class Part:
    """One part of a transaction.

    Args:
        connection: the database connection with the transaction begun.
        clock: for the time of rows whose time the caller does not give.
    """

    def __init__(self, connection: Connection, clock: Clock) -> None:
        self.connection = connection
        self.clock = clock

    def upsert(self, table: Table) -> sqlite.Insert | postgresql.Insert:
        """Return an INSERT that knows ON CONFLICT; only the dialect in use is ever loaded."""
        dialect = import_module(f"sqlalchemy.dialects.{self.connection.dialect.name}")
        made: sqlite.Insert | postgresql.Insert = dialect.insert(table)
        return made

    def rows(self, statement: Executable) -> Sequence[RowMapping]:
        """Run a query and return all rows."""
        return self.connection.execute(statement).mappings().all()

    def first(self, statement: Executable) -> RowMapping | None:
        """Run a query and return its first row, if any."""
        return self.connection.execute(statement).mappings().first()

    def changed(self, statement: Executable) -> int:
        """Run an UPDATE or DELETE and return how many rows it touched."""
        return int(self.connection.execute(statement).rowcount)

    def many(self, statement: Executable, rows: Sequence[Mapping[str, Any]]) -> None:
        """Run a statement once for each of `rows`, of which there may be none."""
        if rows:
            self.connection.execute(statement, rows)

    def put(self, table: Table, rows: Sequence[Mapping[str, Any]]) -> None:
        """Insert rows, replacing what has the same primary key."""
        keys = [column.name for column in table.primary_key]
        statement = self.upsert(table)
        others = {column.name: statement.excluded[column.name] for column in table.c if column.name not in keys}
        self.many(statement.on_conflict_do_update(index_elements=keys, set_=others), rows)
