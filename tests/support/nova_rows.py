"""Servers as rows of Nova's databases alone: thousands for Nova's API to list, at no cost of its compute host."""

from __future__ import annotations

import subprocess
from collections.abc import Mapping
from pathlib import Path

CELL, API = "nova", "nova_api"
# table -> the column that names its server
TABLES: Mapping[str, str] = {
    f"{CELL}.instances": "uuid",
    f"{CELL}.instance_extra": "instance_uuid",
    f"{CELL}.instance_info_caches": "instance_uuid",
    f"{CELL}.instance_metadata": "instance_uuid",
    f"{CELL}.instance_system_metadata": "instance_uuid",
    f"{API}.instance_mappings": "instance_uuid",
}


class NovaRows:
    """Copies of one server that is ACTIVE, made and removed by SQL.

    Args:
        socket: MariaDB's.
        server: id of the server; a copy's begins alike and ends in its number.
    """

    def __init__(self, socket: Path, server: str) -> None:
        self._socket = socket
        self._server = server
        self._columns = self._read_columns()

    def copy(self, first: int, last: int) -> None:
        """Make the copies with these numbers, one a second older than the next."""
        self._run("".join(self._insert(table, first, last) for table in TABLES))

    def remove(self, *numbers: int) -> None:
        """Remove copies; without a number, all."""
        chosen = ", ".join(f"'{self.id_of(number)}'" for number in numbers)
        which = f"IN ({chosen})" if numbers else f"LIKE '{self._server[:24]}%'"
        where = [
            f"DELETE FROM {table} WHERE {key} {which} AND {key} <> '{self._server}';" for table, key in TABLES.items()
        ]
        self._run("SET FOREIGN_KEY_CHECKS = 0;" + "".join(where))

    def id_of(self, number: int) -> str:
        """Return the id of a copy."""
        return f"{self._server[:24]}{number:012x}"

    def _insert(self, table: str, first: int, last: int) -> str:
        key, columns = TABLES[table], self._columns[table]
        number = f"CONCAT('{self._server[:24]}', LPAD(LOWER(HEX(seq)), 12, '0'))"
        values = {key: number, "created_at": "DATE_SUB(created_at, INTERVAL seq SECOND)"}
        named = ", ".join(f"`{column}`" for column in columns)
        taken = ", ".join(values.get(column, f"`{column}`") for column in columns)
        source = f"{table}, {CELL}.seq_{first}_to_{last} WHERE {key} = '{self._server}'"
        return f"INSERT INTO {table} ({named}) SELECT {taken} FROM {source};"

    def _read_columns(self) -> dict[str, list[str]]:
        found: dict[str, list[str]] = {table: [] for table in TABLES}
        schemas = f"('{CELL}', '{API}')"
        asked = (
            "SELECT CONCAT(table_schema, '.', table_name), column_name FROM information_schema.columns"
            f" WHERE table_schema IN {schemas} AND extra = '' AND column_name <> 'id'"
        )
        for line in self._run(asked).splitlines():
            table, column = line.split("\t")
            if table in found:
                found[table].append(column)
        return found

    def _run(self, statements: str) -> str:
        command = ["mariadb", "--no-defaults", f"--socket={self._socket}", "-uroot", "--skip-column-names"]
        return subprocess.run(command, input=statements, check=True, capture_output=True, text=True).stdout
