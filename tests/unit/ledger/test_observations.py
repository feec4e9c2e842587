"""Heartbeats, listings, strangers."""

from __future__ import annotations

from vmdirac_py.ledger.api import Heartbeat, Listing, Sighting
from vmdirac_py.ledger.engine import SqlLedger


def test_the_newest_heartbeat_wins(ledger: SqlLedger) -> None:
    """Later ones replace, belated ones do not."""
    with ledger.write() as tx:
        tx.observations.beat([Heartbeat("vm-1", 100.0, {"n": 1}), Heartbeat("vm-2", 100.0, {})])
        newest = Heartbeat("vm-1", 130.0, {"slots": [{"job": 1}]})
        tx.observations.beat([newest, Heartbeat("vm-1", 110.0, {"n": "late"})])
        tx.observations.beat([])
        assert tx.observations.heartbeats({"vm-1", "vm-none"}) == {"vm-1": newest}
        assert set(tx.observations.heartbeats()) == {"vm-1", "vm-2"}


def test_the_last_listing_of_each_endpoint_is_kept(ledger: SqlLedger) -> None:
    """One line per endpoint."""
    with ledger.write() as tx:
        tx.observations.note_listing(Listing("a", 100.0, 100.0, 3))
        failed = Listing("a", 130.0, 100.0, 3, error="timeout")
        tx.observations.note_listing(failed)
        tx.observations.note_listing(Listing("b", 100.0, 100.0, 0))
        assert tx.observations.listings() == {"a": failed, "b": Listing("b", 100.0, 100.0, 0)}


def test_strangers_are_counted_while_they_are_listed(ledger: SqlLedger) -> None:
    """Listings that show a stranger count up; one that does not forgets it; endpoints keep apart."""
    with ledger.write() as tx:
        tx.observations.sight("a", {"i-1": "b-1", "i-2": ""}, at=100.0)
        tx.observations.sight("b", {"i-1": "b-9"}, at=100.0)
        tx.observations.sight("a", {"i-1": "b-1"}, at=130.0)
        assert tx.observations.sightings("a") == [Sighting("a", "i-1", "b-1", 100.0, 130.0, 2)]
        tx.observations.sight("a", {}, at=160.0)
        tx.observations.sight("a", {"i-1": "b-1"}, at=190.0)
        assert tx.observations.sightings("a") == [Sighting("a", "i-1", "b-1", 190.0, 190.0, 1)]
        assert len(tx.observations.sightings("b")) == 1
