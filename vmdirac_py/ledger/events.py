"""The append-only event log, whose sequence order is the order of commits."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from sqlalchemy import func, insert, select

from . import rows, schema
from .api import Event
from .codec import encode
from .part import Part

CHANNEL = "vmdirac_events"
_LOCK = 0x766D6469726163  # "vmdirac"


class SqlEvents(Part):
    """Events on SQLite, where the one writer makes sequence order commit order."""

    def append(self, topic: str, *, subject: str = "", actor: str = "", data: Mapping[str, Any] | None = None) -> int:
        """Write one event, return its sequence number."""
        table = schema.events
        row = self._row(topic, subject, actor, data or {})
        return int(self.connection.execute(insert(table).returning(table.c.seq), row).scalar_one())

    def append_each(self, topic: str, subjects: Collection[str], *, actor: str = "") -> None:
        """Write one event a subject, in bulk."""
        if subjects:
            self.connection.execute(insert(schema.events), [self._row(topic, one, actor, {}) for one in subjects])

    def _row(self, topic: str, subject: str, actor: str, data: Mapping[str, Any]) -> dict[str, Any]:
        return {"at": self.clock.now(), "topic": topic, "subject": subject, "actor": actor, "data": encode(data)}

    def after(self, seq: int, *, topics: Collection[str] = (), limit: int = 1000) -> list[Event]:
        """Return events newer than `seq`, oldest first, of these topics or of all."""
        table = schema.events
        query = select(table).where(table.c.seq > seq).order_by(table.c.seq).limit(limit)
        if topics:
            query = query.where(table.c.topic.in_(topics))
        return [rows.event(row) for row in self.rows(query)]

    def last(self) -> int:
        """Return the newest sequence number, 0 when there is none."""
        return int(self.connection.scalar(select(func.max(schema.events.c.seq))) or 0)


class PostgresEvents(SqlEvents):
    """Events on PostgreSQL: writers queue up from their first event to their commit, and wake the listeners."""

    def append(self, topic: str, *, subject: str = "", actor: str = "", data: Mapping[str, Any] | None = None) -> int:
        """Write one event, return its sequence number; listeners hear of it at the commit."""
        self._queue_up()
        return super().append(topic, subject=subject, actor=actor, data=data)

    def append_each(self, topic: str, subjects: Collection[str], *, actor: str = "") -> None:
        """Write one event a subject, in bulk; listeners hear of them at the commit."""
        self._queue_up()
        super().append_each(topic, subjects, actor=actor)

    def _queue_up(self) -> None:
        self.connection.execute(select(func.pg_advisory_xact_lock(_LOCK)))
        self.connection.execute(select(func.pg_notify(CHANNEL, "")))
