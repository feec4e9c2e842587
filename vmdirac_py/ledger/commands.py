"""Commands to VMs: given once, acknowledged once."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from sqlalchemy import ColumnElement, select, text, update

from . import schema
from .api import Command
from .part import Part


class SqlCommands(Part):
    """What VMs were told to do."""

    def give(self, vms: Collection[str], verb: str, *, at: float, deadline: Mapping[str, float], actor: str) -> None:
        """Give a command once; the same unacknowledged verb again only updates its deadline."""
        statement = self.upsert(schema.commands)
        once = statement.on_conflict_do_update(
            index_elements=["vm", "verb"],
            index_where=text(schema.UNACKNOWLEDGED),
            set_={"deadline": statement.excluded.deadline},
        )
        given = {"verb": verb, "at": at, "actor": actor, "acked_at": 0.0}
        self.many(once, [{"vm": vm, "deadline": deadline[vm], **given} for vm in vms])

    def open(self, vm: str) -> list[Command]:
        """Return what a VM has not acknowledged yet, oldest first."""
        return self._all(schema.commands.c.vm == vm, schema.commands.c.acked_at == 0)

    def acknowledge(self, vm: str, verb: str, *, at: float) -> bool:
        """Note that a VM obeyed; False when there was no such open command."""
        table = schema.commands
        open_ones = (table.c.vm == vm, table.c.verb == verb, table.c.acked_at == 0)
        return self.changed(update(table).where(*open_ones).values(acked_at=at)) > 0

    def of(self, vm: str) -> list[Command]:
        """Return everything a VM was told, oldest first."""
        return self._all(schema.commands.c.vm == vm)

    def _all(self, *conditions: ColumnElement[bool]) -> list[Command]:
        query = select(schema.commands).where(*conditions).order_by(schema.commands.c.id)
        return [Command(**row) for row in self.rows(query)]
