"""The table of servers."""

from __future__ import annotations

from pathlib import Path

from tests.testbeds.openstack import programs, wanted
from tests.testbeds.openstack.places import Places
from tests.testbeds.openstack.programs import SERVERS

PORTS = {name: 20_000 + number for number, name in enumerate(SERVERS)}


def test_the_table_holds_every_server_once(tmp_path: Path) -> None:
    """What is started, looked at and waited for are the same programs."""
    assert set(programs.table(Places(tmp_path), Path("/venv"), PORTS)) == set(programs.NAMES)


def test_no_command_line_bears_a_secret(tmp_path: Path) -> None:
    """Command lines are read by everybody on the machine: they are made without knowing a secret."""
    assert "secrets" not in programs.table.__annotations__
    table = programs.table(Places(tmp_path), Path("/venv"), PORTS)
    words = [str(word) for program in table.values() for word in program.command]
    assert not [word for word in words if "password" in word or "mysql" in word]


def test_quotas_and_flavors_are_such_that_limits_can_be_met() -> None:
    """One project has five instances, the others no limit; one flavor fits nowhere."""
    assert wanted.PROJECTS["tight"].instances == 5
    assert {wanted.PROJECTS[name].instances for name in ("biomed", "lz")} == {-1}
    assert wanted.CONTENT.flavors["giant"].cores > 4_000
