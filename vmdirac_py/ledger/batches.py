"""Batches: intents, claims, answers."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from sqlalchemy import ColumnElement, insert, select, update

from vmdirac_py.model.batch import Batch, BatchKind, BatchState, ErrorClass
from vmdirac_py.model.plan import Outcome

from . import rows, schema
from .api import ANSWERED
from .part import Part


class SqlBatches(Part):
    """Requests to clouds, each sent at most once."""

    def insert(self, batches: Sequence[Batch]) -> None:
        """Write intents."""
        self.many(insert(schema.batches), [rows.columns(batch) for batch in batches])

    def get(self, batch_id: str) -> Batch | None:
        """Return a batch, or None."""
        return self._one(schema.batches.c.id == batch_id)

    def by_token(self, token_hash: str) -> Batch | None:
        """Return the batch this enrolment token belongs to, or None."""
        return self._one(schema.batches.c.token_hash == token_hash) if token_hash else None

    def claim(
        self, batch_id: str, by: str, *, token_hash: str, token_deadline: float, deadline: float, at: float
    ) -> bool:
        """Written → Claimed as a compare-and-set; False when it was not Written any more."""
        table = schema.batches
        written = (table.c.id == batch_id, table.c.state == BatchState.WRITTEN)
        claimed = {
            "state": BatchState.CLAIMED,
            "claimed_by": by,
            "token_hash": token_hash,
            "token_deadline": token_deadline,
            "deadline": deadline,
            "updated_at": at,
        }
        return self.changed(update(table).where(*written).values(claimed)) == 1

    def settle(
        self,
        batch_id: str,
        was: Collection[BatchState],
        to: BatchState,
        *,
        at: float,
        launched: int | None = None,
        refused: int | None = None,
        error_class: ErrorClass | None = None,
        error_text: str = "",
        deadline: float | None = None,
    ) -> bool:
        """Move a batch on from one of `was`; None leaves a field; False when it was in none of them."""
        table = schema.batches
        given = {
            "launched": launched,
            "refused": refused,
            "error_class": error_class,
            "error_text": error_text or None,
            "deadline": deadline,
        }
        changes = {name: value for name, value in given.items() if value is not None}
        guard = (table.c.id == batch_id, table.c.state.in_(was))
        return self.changed(update(table).where(*guard).values(state=to, updated_at=at, **changes)) == 1

    def in_states(
        self, states: Collection[BatchState], *, endpoint: str = "", pool: str = "", kind: BatchKind | None = None
    ) -> list[Batch]:
        """Return batches in these states, oldest first, of one endpoint, pool and kind or of all."""
        table = schema.batches
        query = select(table).where(table.c.state.in_(states)).order_by(table.c.created_at, table.c.id)
        if endpoint:
            query = query.where(table.c.endpoint == endpoint)
        if pool:
            query = query.where(table.c.pool == pool)
        if kind:
            query = query.where(table.c.kind == kind)
        return [rows.batch(row) for row in self.rows(query)]

    def outcomes(self, after_seq: int) -> list[Outcome]:
        """Return what the launch budget counts: batches answered or closed since, and what VMs came to."""
        return sorted([*self._answers(after_seq), *self._lives(after_seq)], key=lambda outcome: outcome.seq)

    def _lives(self, after_seq: int) -> list[Outcome]:
        vms, events = schema.vms, schema.events
        told = (events.c.seq, events.c.topic, events.c.at.label("told_at"), events.c.data)
        query = (
            select(*told, vms.c.endpoint, vms.c.pool, vms.c.created_at)
            .join_from(events, vms, vms.c.id == events.c.subject)
            .where(events.c.topic.in_(rows.LIVES), events.c.seq > after_seq)
        )
        return [rows.vm_outcome(row) for row in self.rows(query)]

    def _answers(self, after_seq: int) -> list[Outcome]:
        table, events = schema.batches, schema.events
        query = (
            select(events.c.seq, events.c.at.label("answered_at"), table)
            .join_from(events, table, table.c.id == events.c.subject)
            .where(events.c.topic == ANSWERED, events.c.seq > after_seq, table.c.kind == BatchKind.LAUNCH)
            .order_by(events.c.seq)
        )
        return list({row["id"]: rows.outcome(row) for row in self.rows(query)}.values())

    def _one(self, condition: ColumnElement[bool]) -> Batch | None:
        row = self.first(select(schema.batches).where(condition))
        return None if row is None else rows.batch(row)
