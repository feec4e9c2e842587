"""Inventory revisions and plans: whole documents, the newest of which counts."""

from __future__ import annotations

from functools import lru_cache

from sqlalchemy import ColumnElement, Table, insert, select

from vmdirac_py.model.inventory import Inventory
from vmdirac_py.model.plan import Plan

from . import schema
from .api import PlanRecord
from .codec import decode, encode
from .part import Part


class SqlRevisions(Part):
    """Inventories in the order they became active."""

    def add(self, inventory: Inventory) -> None:
        """Store and activate this inventory; a repeat of the active fingerprint changes nothing."""
        if self._newest("fingerprint") != inventory.fingerprint:
            row = {"fingerprint": inventory.fingerprint, "added_at": self.clock.now(), "body": encode(inventory)}
            self.connection.execute(insert(schema.revisions), row)

    def active(self) -> Inventory | None:
        """Return the inventory added last, or None."""
        body = self._newest("body")
        return None if body is None else _inventory(body)

    def get(self, fingerprint: str) -> Inventory | None:
        """Return the inventory of a fingerprint, as it was added last, or None."""
        table = schema.revisions
        query = select(table.c.body).where(table.c.fingerprint == fingerprint).order_by(table.c.seq.desc()).limit(1)
        body = self.connection.scalar(query)
        return None if body is None else _inventory(body)

    def _newest(self, column: str) -> str | None:
        table: Table = schema.revisions
        found: str | None = self.connection.scalar(select(table.c[column]).order_by(table.c.seq.desc()).limit(1))
        return found


@lru_cache(maxsize=2)  # every match asks for it, and a thousand pools take tens of milliseconds to read
def _inventory(body: str) -> Inventory:
    return decode(Inventory, body)


class SqlPlans(Part):
    """Plans in the order they were made."""

    def add(self, plan_id: str, plan: Plan, *, base_seq: int, revision: str) -> None:
        """Store a plan with the event and inventory revision it was decided from."""
        row = {"id": plan_id, "at": plan.at, "base_seq": base_seq, "revision": revision, "body": encode(plan)}
        self.connection.execute(insert(schema.plans), row)

    def get(self, plan_id: str) -> Plan | None:
        """Return a plan, or None."""
        body = self.connection.scalar(select(schema.plans.c.body).where(schema.plans.c.id == plan_id))
        return None if body is None else decode(Plan, body)

    def latest(self) -> tuple[str, Plan] | None:
        """Return the newest plan with its id, or None."""
        table = schema.plans
        row = self.first(select(table.c.id, table.c.body).order_by(table.c.seq.desc()).limit(1))
        return None if row is None else (row["id"], decode(Plan, row["body"]))

    def record(self, plan_id: str) -> PlanRecord | None:
        """Return when a plan was made, and from which inventory, or None."""
        return self._record(schema.plans.c.id == plan_id)

    def made_at(self, at: float) -> PlanRecord | None:
        """Return the plan of exactly this moment, or None."""
        return self._record(schema.plans.c.at == at)

    def _record(self, condition: ColumnElement[bool]) -> PlanRecord | None:
        table = schema.plans
        row = self.first(select(table.c.id, table.c.at, table.c.revision).where(condition).limit(1))
        return None if row is None else PlanRecord(**row)
