"""What a DIRAC bed is made of."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.testbeds.dirac import LIFE, cfg, programs, recipe, settings, wanted
from tests.testbeds.dirac.environment import VERSIONS, version
from tests.testbeds.dirac.places import CACHE_VARIABLE, Places

PORTS = {name: 20_000 + number for number, name in enumerate(programs.SERVERS)}


def test_every_version_is_pinned_and_no_index_is_named() -> None:
    """The environment is the same everywhere, from whatever index a machine uses."""
    lines = [line for line in VERSIONS.read_text().splitlines() if not line.startswith("#")]
    assert all(len(line.split("==")) == 2 for line in lines)
    assert "://" not in VERSIONS.read_text()
    assert version() == "9.1.22"


def test_the_same_checkout_has_the_same_recipe(monkeypatch: pytest.MonkeyPatch) -> None:
    """A second `up` uses what the first made, and another set of versions does not."""
    before = recipe.word()
    assert recipe.word() == before
    monkeypatch.setenv(CACHE_VARIABLE, "/elsewhere")
    assert recipe.word() == before
    monkeypatch.setattr(recipe, "MADE_FROM", ("wanted.py",))
    assert recipe.word() != before


def test_the_cache_is_where_the_variable_says(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """`$VMDIRAC_DIRAC_CACHE` moves environment and shared bed."""
    monkeypatch.setenv(CACHE_VARIABLE, str(tmp_path))
    assert LIFE.home() == tmp_path / "wms"


def test_the_table_holds_every_server_once(tmp_path: Path) -> None:
    """What is started, looked at and waited for are the same programs, and no command line bears a secret."""
    table = programs.table(Places(tmp_path), Path("/venv"), PORTS)
    assert {program.name for program in table.values()} == set(programs.NAMES)
    assert "secret" not in str([program.command for program in table.values()])


def test_dirac_reads_what_is_written() -> None:
    """Sections nest, lists are separated by commas."""
    assert cfg.text({"A": {"B": ("x", "y"), "C": {"D": 1}}}) == "A\n{\n  B = x, y\n  C\n  {\n    D = 1\n  }\n}\n"


def test_every_service_has_a_port_and_a_url(tmp_path: Path) -> None:
    """What is served names each service where it listens, and the password stands in one private file."""
    places = Places(tmp_path / "bed")
    places.make()
    settings.write(places, PORTS, "pass-word")
    served = places.configuration.read_text()
    for name in settings.names():
        assert f"dips://localhost:{PORTS[name]}/{name}" in served
    holders = [file for file in places.home.rglob("*") if file.is_file() and "pass-word" in file.read_text()]
    assert holders == [places.server / "etc/dirac.cfg"]
    assert holders[0].stat().st_mode & 0o077 == 0


def test_sites_and_groups_belong_together() -> None:
    """Each VO has a place, users, and a pilot's group; names of sites are DIRAC's."""
    for vo, place in wanted.PLACES.items():
        assert re.fullmatch(r"CLOUD\.[A-Z][a-z]+\.[a-z]{2}", place.site)
        assert {f"{vo}_user", f"{vo}_pilot"} <= set(wanted.GROUPS)
    assert {group.vo for group in wanted.GROUPS.values()} == set(wanted.VOS)
