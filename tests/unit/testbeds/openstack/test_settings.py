"""The servers' configuration."""

from __future__ import annotations

import configparser
import re
import stat
from pathlib import Path

import pytest

from tests.testbeds.openstack import settings, wanted
from tests.testbeds.openstack.places import Places
from tests.testbeds.openstack.programs import SERVERS

PORTS = {name: 20_000 + number for number, name in enumerate(SERVERS)}
SECRETS = {name: f"secret-of-{name}" for name in wanted.secrets()}


@pytest.fixture
def places(tmp_path: Path) -> Places:
    """Return the places of a bed whose configuration was written."""
    venv = tmp_path / "venv"
    for source in settings.OF_PACKAGES:
        (venv / source).parent.mkdir(parents=True, exist_ok=True)
        (venv / source).write_text(f"# {source}")
    made = Places(tmp_path / "bed")
    made.make()
    settings.write(made, venv, PORTS, SECRETS)
    return made


def _files(places: Places) -> list[Path]:
    return [places.etc / file for file in (*settings.FILES.values(), "nova/compute.conf")]


def test_every_template_is_written_in_full(places: Places) -> None:
    """No name is left to be filled in."""
    for file in _files(places):
        assert file.read_text()
        assert not re.search(r"\$\{?[a-z]", file.read_text())


def test_every_address_is_of_loopback(places: Places) -> None:
    """No server listens on, or calls, anything but this machine."""
    for file in _files(places):
        text = file.read_text()
        hosts = re.findall(r"://(?:[^@/\s]*@)?([^:/\s]+)", text) + re.findall(r"\d+\.\d+\.\d+\.\d+", text)
        assert set(hosts) <= {"127.0.0.1"}, file


def test_a_file_with_secrets_is_its_owners_alone(places: Places) -> None:
    """Nobody else reads the passwords of a bed."""
    for file in _files(places):
        assert stat.S_IMODE(file.stat().st_mode) == 0o600


def test_nova_compute_knows_no_database(places: Places) -> None:
    """The compute host's file is Nova's without the databases."""
    files = [configparser.ConfigParser(interpolation=None) for _ in range(2)]
    for file, name in zip(files, ("nova.conf", "compute.conf"), strict=True):
        file.read(places.etc / "nova" / name)
    whole, compute = files
    assert whole.get("database", "connection")
    assert not compute.has_option("database", "connection")
    assert not compute.has_option("api_database", "connection")
    assert compute.get("DEFAULT", "transport_url") == whole.get("DEFAULT", "transport_url")


def test_programs_get_nothing_of_the_users_environment(places: Places, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither a proxy nor a cloud of the user's reaches a server of the bed."""
    monkeypatch.setenv("HTTP_PROXY", "http://proxy")
    monkeypatch.setenv("OS_CLOUD", "mine")
    found = settings.surroundings(places, Path("/venv"))
    assert not {"HTTP_PROXY", "OS_CLOUD"} & set(found)
    assert found["PATH"].startswith("/venv/bin:")
