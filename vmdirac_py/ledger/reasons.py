"""Reasons as intervals: a line is written when one begins to hold, and changed once, when it ends."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from sqlalchemy import insert, select, update

from vmdirac_py.model.reason import Reason

from . import rows, schema
from .api import ReasonSpan
from .codec import encode
from .part import Part, chunks


class SqlReasons(Part):
    """Why things are as they are, since when."""

    def record(self, current: Mapping[str, Sequence[Reason]], *, at: float, kinds: Collection[str]) -> None:
        """Make `current` (subject → reasons) what holds now for all subjects of these kinds; write changes only.

        Raises ValueError for a subject of another kind: it would never be closed again.
        """
        strange = [subject for subject in current if subject.partition(":")[0] not in kinds]
        if strange:
            raise ValueError(f"{strange[0]} is not of the kinds {', '.join(sorted(kinds))}")
        now = {(subject, encode(reason)): reason for subject, reasons in current.items() for reason in reasons}
        before = self._open(kinds)
        self._close([seq for key, seq in before.items() if key not in now], at)
        new = [rows.span_columns(key[0], reason, at) for key, reason in now.items() if key not in before]
        self.many(insert(schema.reasons), new)

    def holding(self, subject: str = "") -> list[ReasonSpan]:
        """Return what holds now, of one subject or of all."""
        table = schema.reasons
        query = select(table).where(table.c.until == 0).order_by(table.c.subject, table.c.seq)
        return [rows.span(row) for row in self.rows(query.where(table.c.subject == subject) if subject else query)]

    def history(self, subject: str) -> list[ReasonSpan]:
        """Return what ever held of a subject, oldest first."""
        table = schema.reasons
        return [
            rows.span(row) for row in self.rows(select(table).where(table.c.subject == subject).order_by(table.c.seq))
        ]

    def _open(self, kinds: Collection[str]) -> dict[tuple[str, str], int]:
        table = schema.reasons
        query = select(table.c.subject, table.c.reason, table.c.seq).where(table.c.until == 0, table.c.kind.in_(kinds))
        return {(row["subject"], row["reason"]): row["seq"] for row in self.rows(query)}

    def _close(self, ended: Collection[int], at: float) -> None:
        table = schema.reasons
        for chunk in chunks(ended):
            self.changed(update(table).where(table.c.seq.in_(chunk)).values(until=at))
