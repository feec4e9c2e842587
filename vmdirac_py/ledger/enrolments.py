"""Which instance enrolled as which VM, with which key."""

from __future__ import annotations

from sqlalchemy import func, select

from . import rows, schema
from .api import Enrolment
from .part import Part


class SqlEnrolments(Part):
    """Enrolments, one for each instance of a batch."""

    def get(self, batch_id: str, instance_id: str) -> Enrolment | None:
        """Return an enrolment, or None."""
        table = schema.enrolments
        row = self.first(select(table).where(table.c.batch == batch_id, table.c.instance_id == instance_id))
        return None if row is None else Enrolment(**row)

    def count(self, batch_id: str) -> int:
        """Return how many instances of a batch have enrolled."""
        table = schema.enrolments
        return int(self.connection.scalar(select(func.count()).where(table.c.batch == batch_id)) or 0)

    def add(self, enrolment: Enrolment) -> bool:
        """Insert; False when this instance of this batch has enrolled before."""
        statement = self.upsert(schema.enrolments).on_conflict_do_nothing().returning(schema.enrolments.c.batch)
        return self.connection.execute(statement, rows.columns(enrolment)).first() is not None
