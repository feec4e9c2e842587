"""What is seen and may be forgotten: heartbeats, listings, strangers. The last wins, there is no history."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from sqlalchemy import Select, delete, select

from . import rows, schema
from .api import Heartbeat, Listing, Sighting
from .codec import encode
from .part import Part, chunks


class SqlObservations(Part):
    """Heartbeats, listings, sightings."""

    def beat(self, beats: Sequence[Heartbeat]) -> None:
        """Keep the newest heartbeat of each VM."""
        statement = self.upsert(schema.heartbeats)
        new = statement.excluded
        newer = statement.on_conflict_do_update(
            index_elements=["vm"], set_={"at": new.at, "data": new.data}, where=schema.heartbeats.c.at <= new.at
        )
        self.many(newer, [{"vm": beat.vm, "at": beat.at, "data": encode(beat.data)} for beat in beats])

    def heartbeats(self, vm_ids: Collection[str] | None = None) -> dict[str, Heartbeat]:
        """Return the last heartbeats of these VMs (None: of all that are kept)."""
        every = select(schema.heartbeats)
        queries: Sequence[Select[tuple[object, ...]]] = [every]
        if vm_ids is not None:
            queries = [every.where(schema.heartbeats.c.vm.in_(chunk)) for chunk in chunks(set(vm_ids))]
        return {row["vm"]: rows.heartbeat(row) for query in queries for row in self.rows(query)}

    def note_listing(self, listing: Listing) -> None:
        """Keep the last listing of an endpoint."""
        self.put(schema.listings, [rows.columns(listing)])

    def listings(self) -> dict[str, Listing]:
        """Return the last listing of each endpoint."""
        return {row["endpoint"]: Listing(**row) for row in self.rows(select(schema.listings))}

    def sight(self, endpoint: str, strangers: Mapping[str, str], *, at: float) -> None:
        """Note a complete listing's unexplained instances (instance id → batch mark); those gone are forgotten."""
        table = schema.sightings
        known = {sighting.instance_id: sighting for sighting in self.sightings(endpoint)}
        for gone in chunks(known.keys() - strangers.keys()):
            self.changed(delete(table).where(table.c.endpoint == endpoint, table.c.instance_id.in_(gone)))
        seen = [_again(known.get(instance), endpoint, instance, batch, at) for instance, batch in strangers.items()]
        self.put(table, [rows.columns(sighting) for sighting in seen])

    def sightings(self, endpoint: str) -> list[Sighting]:
        """Return the strangers of an endpoint, by instance id."""
        table = schema.sightings
        query = select(table).where(table.c.endpoint == endpoint).order_by(table.c.instance_id)
        return [Sighting(**row) for row in self.rows(query)]


def _again(known: Sighting | None, endpoint: str, instance: str, batch: str, at: float) -> Sighting:
    if known is None:
        return Sighting(endpoint, instance, batch, first_seen=at, last_seen=at, listings=1)
    return Sighting(endpoint, instance, batch, known.first_seen, last_seen=at, listings=known.listings + 1)
