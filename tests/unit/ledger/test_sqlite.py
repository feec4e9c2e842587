"""What is special about SQLite: the file, its locks and its disk."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from vmdirac_py.base.clock import ManualClock
from vmdirac_py.base.errors import Conflict, Unusable
from vmdirac_py.ledger import sqlite
from vmdirac_py.ledger.api import Transaction, WrongSchema
from vmdirac_py.ledger.engine import SqlLedger, open_ledger
from vmdirac_py.model.batch import Batch


@pytest.fixture
def ledger(sqlite_url: str, clock: ManualClock) -> Iterator[SqlLedger]:
    """Return a ledger on SQLite alone."""
    opened = open_ledger(sqlite_url, clock, create=True)
    yield opened
    opened.close()


def _limit(ledger: SqlLedger, more_pages: int) -> None:
    """Leave room for so many pages more: to SQLite the same as a full disk."""
    with ledger._engine.connect() as connection:
        pages = connection.exec_driver_sql("PRAGMA page_count").scalar_one()
        connection.exec_driver_sql(f"PRAGMA max_page_count = {pages + more_pages}")


def _fill(tx: Transaction, a_batch: Callable[..., Batch]) -> None:
    tx.meta.set("half", "done")
    tx.batches.insert([a_batch(id=f"b-{number}", error_text="x" * 1000) for number in range(100)])


def _fill_and_go_on(tx: Transaction, a_batch: Callable[..., Batch]) -> None:
    with suppress(Unusable):
        _fill(tx, a_batch)
    tx.meta.set("half", "done")


def test_settings_that_keep_data_are_on(ledger: SqlLedger) -> None:
    """WAL, a full sync at each commit, foreign keys, and patience with other writers."""
    with ledger.write() as tx:
        read = tx.meta.connection.exec_driver_sql
        found = {name: read(f"PRAGMA {name}").scalar_one() for name in ("journal_mode", "synchronous", "foreign_keys")}
        assert found == {"journal_mode": "wal", "synchronous": 2, "foreign_keys": 1}
        assert read("PRAGMA busy_timeout").scalar_one() == sqlite.BUSY_SECONDS * 1000


@pytest.mark.usefixtures("ledger")
def test_only_its_owner_may_read_the_file(tmp_path: Path) -> None:
    """File rights are the gate to the ledger."""
    assert (tmp_path / "ledger.db").stat().st_mode & 0o077 == 0


def test_a_full_disk_leaves_the_ledger_as_it_was(ledger: SqlLedger, a_batch: Callable[..., Batch]) -> None:
    """The failing transaction leaves nothing, and with room again everything works."""
    with ledger.write() as tx:
        tx.meta.set("before", "1")
    _limit(ledger, 3)
    with pytest.raises(Unusable, match="the disk is full"), ledger.write() as tx:
        _fill(tx, a_batch)
    _limit(ledger, 1000)
    with ledger.write() as tx:
        assert (tx.meta.get("before"), tx.meta.get("half")) == ("1", None)
        assert tx.batches.get("b-0") is None
        assert tx.meta.connection.exec_driver_sql("PRAGMA integrity_check").scalar_one() == "ok"
        tx.meta.set("after", "1")


def test_after_a_full_disk_nothing_runs_outside_a_transaction(ledger: SqlLedger, a_batch: Callable[..., Batch]) -> None:
    """Whoever swallows the error cannot go on: SQLite may have rolled back, and would commit line by line."""
    _limit(ledger, 3)
    with pytest.raises(Unusable, match="the disk is full"), ledger.write() as tx:
        _fill_and_go_on(tx, a_batch)
    with ledger.read() as tx:
        assert tx.meta.get("half") is None


def test_a_stuck_writer_is_a_conflict(sqlite_url: str, clock: ManualClock, monkeypatch: pytest.MonkeyPatch) -> None:
    """Who waited in vain for the write lock hears that another process holds it."""
    monkeypatch.setattr(sqlite, "BUSY_SECONDS", 0.05)
    first = open_ledger(sqlite_url, clock, create=True)
    second = open_ledger(sqlite_url, clock)
    with first.write() as tx:
        tx.meta.set("a", "1")
        with pytest.raises(Conflict, match="locked"), second.write():
            pass
    with second.write() as tx:
        assert tx.meta.get("a") == "1"
    first.close()
    second.close()


def test_a_ledger_that_is_not_there_is_not_made_by_accident(tmp_path: Path, clock: ManualClock) -> None:
    """Opening says to run init, and leaves no empty file behind."""
    with pytest.raises(WrongSchema, match="vmdirac init"):
        open_ledger(f"sqlite:///{tmp_path}/none.db", clock)
    assert list(tmp_path.iterdir()) == []


def test_an_empty_file_is_no_ledger(tmp_path: Path, clock: ManualClock) -> None:
    """A file without tables is refused with the way to make them."""
    (tmp_path / "empty.db").touch()
    with pytest.raises(WrongSchema, match="vmdirac init"):
        open_ledger(f"sqlite:///{tmp_path}/empty.db", clock)


@pytest.mark.parametrize("create", [False, True])
def test_another_file_is_not_taken_for_a_ledger(tmp_path: Path, clock: ManualClock, *, create: bool) -> None:
    """A file that is no database is named and left as it is."""
    path = tmp_path / "notes.txt"
    path.write_text("not a database, but long enough to look like one" * 50)
    with pytest.raises(Unusable, match=r"notes\.txt: the file is not a ledger"):
        open_ledger(f"sqlite:///{path}", clock, create=create)
    assert path.read_text().startswith("not a database")


def test_a_folder_that_is_not_there_is_named(tmp_path: Path, clock: ManualClock) -> None:
    """The error names the path to mend."""
    path: Path = tmp_path / "missing" / "ledger.db"
    with pytest.raises(Unusable, match="missing"):
        open_ledger(f"sqlite:///{path}", clock, create=True)
