"""The schema: made by migrations, equal to the tables the program knows, refused when it is another."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, MetaData, create_engine, insert

from vmdirac_py.base.clock import ManualClock
from vmdirac_py.ledger import migrate, rows, schema
from vmdirac_py.ledger.api import WrongSchema
from vmdirac_py.ledger.engine import SqlLedger, open_ledger
from vmdirac_py.model.batch import Batch, BatchState
from vmdirac_py.model.vm import Vm

NEXT = '''
"""A later schema."""
import sqlalchemy as sa
from alembic import op

revision = "later"
down_revision = "REVISION"


def upgrade() -> None:
    op.create_table("later", sa.Column("id", sa.Text(), primary_key=True))
'''


Program = Callable[[], AbstractContextManager[None]]


@pytest.fixture
def next_program(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Program:
    """Return a context in which this is the next version of the program, with one revision more."""
    folder = tmp_path / "migrations"
    shutil.copytree(migrate._FOLDER, folder)
    (folder / "versions" / "later.py").write_text(NEXT.replace("REVISION", schema.REVISION))

    @contextmanager
    def use() -> Iterator[None]:
        with monkeypatch.context() as patch:
            patch.setattr(migrate, "_FOLDER", folder)
            patch.setattr(migrate, "REVISION", "later")
            yield

    return use


def test_migrations_make_exactly_the_tables_the_program_knows(ledger: SqlLedger) -> None:
    """Tables, columns, types, keys and indices do not differ on either database."""
    with ledger._engine.connect() as connection:
        options = {"compare_type": True, "compare_server_default": True}
        assert compare_metadata(MigrationContext.configure(connection, opts=options), schema.metadata) == []


def test_whole_numbers_are_64_bits_wide(ledger: SqlLedger) -> None:
    """No column of a ledger overflows where SQLite would not."""
    with ledger._engine.connect() as connection:
        if connection.dialect.name == "postgresql":
            narrow = "SELECT column_name FROM information_schema.columns WHERE data_type IN ('integer', 'smallint')"
            found = connection.exec_driver_sql(f"{narrow} AND table_schema = 'public'")
            assert found.all() == []


def test_opening_twice_makes_nothing_new(url: str, clock: ManualClock, ledger: SqlLedger) -> None:
    """Creating where a ledger is keeps what is in it; afterwards it opens plainly."""
    with ledger.write() as tx:
        tx.meta.set("a", "1")
    for create in (True, False):
        again = open_ledger(url, clock, create=create)
        with again.read() as tx:
            assert tx.meta.get("a") == "1"
        again.close()


def test_an_older_schema_is_named_and_can_be_upgraded(
    url: str, clock: ManualClock, ledger: SqlLedger, next_program: Program
) -> None:
    """The next program says both revisions and how to upgrade; upgrading keeps the data."""
    with ledger.write() as tx:
        tx.meta.set("a", "1")
    with next_program():
        with pytest.raises(WrongSchema, match=rf"{schema.REVISION}.*later.*vmdirac upgrade"):
            open_ledger(url, clock)
        open_ledger(url, clock, create=True).close()
        upgraded = open_ledger(url, clock)
    with upgraded.read() as tx:
        assert tx.meta.get("a") == "1"
    upgraded.close()


@pytest.mark.parametrize("create", [False, True])
def test_a_newer_schema_is_refused(url: str, clock: ManualClock, next_program: Program, *, create: bool) -> None:
    """This program neither opens nor touches what a newer one made, and names both revisions."""
    with next_program():
        open_ledger(url, clock, create=True).close()
    with pytest.raises(WrongSchema, match=rf"later.*{schema.REVISION}.*newer"):
        open_ledger(url, clock, create=create)


def test_the_program_knows_its_newest_migration() -> None:
    """The revision the program checks for is the head of the migrations it ships."""
    config = Config()
    config.set_main_option("script_location", str(migrate._FOLDER))
    config.set_main_option("path_separator", "os")
    assert ScriptDirectory.from_config(config).get_heads() == [schema.REVISION]


@pytest.fixture
def first_schema(url: str) -> Iterator[Connection]:
    """Begin a transaction on a database that has the first schema."""
    engine = create_engine(url)
    with engine.begin() as connection:
        if connection.dialect.name == "postgresql":  # the template has the newest
            connection.exec_driver_sql("DROP SCHEMA public CASCADE")
            connection.exec_driver_sql("CREATE SCHEMA public")
        config = migrate._config()
        config.attributes["connection"] = connection
        command.upgrade(config, "0001")
        yield connection
    engine.dispose()


def test_vms_of_the_first_schema_have_no_soft_end(
    first_schema: Connection, url: str, clock: ManualClock, a_vm: Callable[..., Vm]
) -> None:
    """The upgrade keeps every VM as it was."""
    vms = [a_vm("vm-1", instance_id="i-1"), a_vm("vm-2")]
    tables = MetaData()
    tables.reflect(first_schema)
    first_schema.execute(insert(tables.tables["vms"]), [_first_columns(vm) for vm in vms])
    first_schema.commit()
    upgraded = open_ledger(url, clock, create=True)
    with upgraded.read() as tx:
        assert tx.vms.get_many(["vm-1", "vm-2"]) == vms
    upgraded.close()


def test_batches_of_the_first_schema_were_launched_for_nothing_known(
    first_schema: Connection, url: str, clock: ManualClock, a_batch: Callable[..., Batch], a_vm: Callable[..., Vm]
) -> None:
    """So nothing is ever told of their VMs, although those look as if none had a payload."""
    old = {name: value for name, value in rows.columns(a_batch()).items() if name != "shapes"}
    tables = MetaData()
    tables.reflect(first_schema)
    first_schema.execute(insert(tables.tables["batches"]), [old | {"kind": "launch", "state": "Answered"}])
    first_schema.execute(insert(tables.tables["vms"]), [_first_columns(a_vm("vm-1"))])
    first_schema.commit()
    upgraded = open_ledger(url, clock, create=True)
    with upgraded.read() as tx:
        assert tx.batches.get("b-1") == a_batch(state=BatchState.ANSWERED)
        assert tx.vms.unworked(["vm-1"]) == {}
    upgraded.close()


def _first_columns(vm: Vm) -> dict[str, Any]:
    return {name: value for name, value in rows.vm_columns(vm).items() if name != "soft_end"}
