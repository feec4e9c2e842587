"""Which schema a database has, which one we need, and the way from one to the other.

Alembic is loaded only when there is something to do or to complain about: every Ansible module opens the ledger.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import Connection, inspect, text

from .api import WrongSchema
from .schema import REVISION

if TYPE_CHECKING:
    from alembic.config import Config

_FOLDER = Path(__file__).parent / "migrations"


def upgrade(connection: Connection, place: str) -> None:
    """Bring the schema to ours, within the connection's transaction. Raises WrongSchema when it is newer."""
    from alembic import command  # noqa: PLC0415 - see the module's docstring

    config = _config()
    present = _present(connection)
    if present is not None and present not in _known(config):
        raise _newer(present, place)
    config.attributes["connection"] = connection
    command.upgrade(config, "head")


def check(connection: Connection, place: str) -> None:
    """Raise WrongSchema unless the database has exactly our schema."""
    present = _present(connection)
    if present == REVISION:
        return
    if present is None:
        raise never_made(place)
    if present not in _known(_config()):
        raise _newer(present, place)
    raise WrongSchema(
        f"the ledger has schema {present}, this program needs {REVISION}", where=place, mend="run `vmdirac upgrade`"
    )


def never_made(place: str) -> WrongSchema:
    """Return the error for a database without our tables."""
    return WrongSchema(
        f"there is no ledger here, this program needs schema {REVISION}", where=place, mend="run `vmdirac init`"
    )


def _newer(present: str, place: str) -> WrongSchema:
    return WrongSchema(
        f"the ledger has schema {present}, this program only knows up to {REVISION}",
        where=place,
        mend="use the newer vmdirac_py that made it",
    )


def _config() -> Config:
    from alembic.config import Config  # noqa: PLC0415 - see the module's docstring

    config = Config()
    config.set_main_option("script_location", str(_FOLDER).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    return config


def _present(connection: Connection) -> str | None:
    if not inspect(connection).has_table("alembic_version"):
        return None
    found: str | None = connection.scalar(text("SELECT version_num FROM alembic_version"))
    return found


def _known(config: Config) -> set[str]:
    from alembic.script import ScriptDirectory  # noqa: PLC0415 - see the module's docstring

    return {script.revision for script in ScriptDirectory.from_config(config).walk_revisions()}
