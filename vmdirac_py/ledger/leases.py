"""Leases: the right to act, by database time, with a token that grows with every new holder."""

from __future__ import annotations

from typing import Any

from sqlalchemy import ColumnElement, Double, Select, case, extract, func, or_, select, update

from . import schema
from .api import Lease, LeaseHeld
from .part import Part

_UNIX_EPOCH_IN_JULIAN_DAYS = 2440587.5


class SqlLeases(Part):
    """Leases on SQLite."""

    def take(self, name: str, owner: str, seconds: float) -> Lease:
        """Take a free, expired or own lease. Raises LeaseHeld. The same owner keeps its token."""
        table = schema.leases
        statement = self.upsert(table).values(name=name, owner=owner, token=1, expires_at=self.now() + seconds)
        mine = table.c.owner == owner
        taken = statement.on_conflict_do_update(
            index_elements=["name"],
            set_={
                "owner": owner,
                "token": case((mine, table.c.token), else_=table.c.token + 1),
                "expires_at": statement.excluded.expires_at,
            },
            where=or_(mine, table.c.expires_at <= self.now()),
        ).returning(*table.c)
        row = self.first(taken)
        if row is None:
            raise self._held(name)
        return Lease(**row)

    def release(self, lease: Lease) -> None:
        """Give a lease back; nothing happens when it is somebody else's by now."""
        table = schema.leases
        ours = (table.c.name == lease.name, table.c.token == lease.token, table.c.owner == lease.owner)
        self.changed(update(table).where(*ours).values(owner="", expires_at=0.0))

    def check(self, lease: Lease) -> None:
        """Raise LeaseHeld when `lease` is no longer the current one (token and expiry).

        Within a write transaction nobody can take it over before the commit.
        """
        table = schema.leases
        current = (table.c.token == lease.token, table.c.owner == lease.owner, table.c.expires_at > self.now())
        if self.first(self.locking(select(table).where(table.c.name == lease.name, *current))) is None:
            raise self._held(lease.name)

    def holders(self) -> list[Lease]:
        """Return the leases that are held now, by name."""
        table = schema.leases
        query = select(table).where(table.c.owner != "", table.c.expires_at > self.now()).order_by(table.c.name)
        return [Lease(**row) for row in self.rows(query)]

    def now(self) -> ColumnElement[float]:
        """Return the database's own time in seconds since the epoch, to the millisecond."""
        return (func.julianday("now", type_=Double) - _UNIX_EPOCH_IN_JULIAN_DAYS) * 86400.0

    def locking(self, query: Select[Any]) -> Select[Any]:
        """Return `query` so that its row stays as it is until the commit: on SQLite there is one writer anyway."""
        return query

    def _held(self, name: str) -> LeaseHeld:
        table = schema.leases
        row = self.first(select(table.c.owner, table.c.expires_at).where(table.c.name == name))
        return LeaseHeld(name, row["owner"] or "nobody", row["expires_at"]) if row else LeaseHeld(name, "nobody", 0.0)


class PostgresLeases(SqlLeases):
    """Leases on PostgreSQL."""

    def now(self) -> ColumnElement[float]:
        """Return the database's own time, which goes on within a transaction."""
        return extract("epoch", func.clock_timestamp()).cast(Double)

    def locking(self, query: Select[Any]) -> Select[Any]:
        """Return `query` with its row locked against a take-over, where this transaction may lock."""
        writing = not self.connection.get_execution_options().get("postgresql_readonly", False)
        return query.with_for_update(read=True) if writing else query
