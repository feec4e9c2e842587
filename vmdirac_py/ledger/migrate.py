"""Which schema a database has, which one we need, and the way from one to the other."""

from __future__ import annotations

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection

from .api import WrongSchema

_FOLDER = Path(__file__).parent / "migrations"


def upgrade(connection: Connection, place: str) -> None:
    """Bring the schema to ours, within the connection's transaction. Raises WrongSchema when it is newer."""
    config = _config()
    present = _present(connection)
    if present is not None and present not in _known(config):
        raise _newer(present, place)
    config.attributes["connection"] = connection
    command.upgrade(config, "head")


def check(connection: Connection, place: str) -> None:
    """Raise WrongSchema unless the database has exactly our schema."""
    config = _config()
    present, ours = _present(connection), _head(config)
    if present is None:
        raise never_made(place)
    if present not in _known(config):
        raise _newer(present, place)
    if present != ours:
        raise WrongSchema(
            f"the ledger has schema {present}, this program needs {ours}", where=place, mend="run `vmdirac upgrade`"
        )


def never_made(place: str) -> WrongSchema:
    """Return the error for a database without our tables."""
    return WrongSchema(
        f"there is no ledger here, this program needs schema {_head(_config())}", where=place, mend="run `vmdirac init`"
    )


def _newer(present: str, place: str) -> WrongSchema:
    return WrongSchema(
        f"the ledger has schema {present}, this program only knows up to {_head(_config())}",
        where=place,
        mend="use the newer vmdirac_py that made it",
    )


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(_FOLDER).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    return config


def _present(connection: Connection) -> str | None:
    return MigrationContext.configure(connection).get_current_revision()


def _head(config: Config) -> str:
    return str(ScriptDirectory.from_config(config).get_current_head())


def _known(config: Config) -> set[str]:
    return {script.revision for script in ScriptDirectory.from_config(config).walk_revisions()}
