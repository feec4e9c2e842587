"""The bed as a value."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest
import yaml

from tests.testbeds.common.places import read, written
from tests.testbeds.openstack import clouds_file, secret_files, seeding, wanted
from tests.testbeds.openstack.bed import Bed
from tests.testbeds.openstack.places import Places
from tests.testbeds.openstack.programs import SERVERS

PORTS = {name: 20_000 + number for number, name in enumerate(SERVERS)}


@pytest.fixture
def made(tmp_path: Path) -> Bed:
    """Return a bed of what a seed would have answered."""
    places = Places(tmp_path / "bed")
    places.make()
    secret_files.kept(places)
    ids = {name: {"id": f"p-{name}", "network_id": f"n-{name}", "appcred_id": f"a-{name}"} for name in wanted.PROJECTS}
    places.seeded.write_bytes(msgspec.json.encode({"admin": "p-admin", "projects": ids}))
    return seeding.bed(places, PORTS)


def test_a_bed_is_read_as_it_was_written(made: Bed, tmp_path: Path) -> None:
    """Another process gets the same bed."""
    (tmp_path / "bed.json").write_bytes(written(made))
    assert read(tmp_path / "bed.json", Bed) == made


@pytest.mark.parametrize("text", [b"", b'{"auth_url": "http://127', b'{"url": "http://127.0.0.1"}', b"null"])
def test_a_bed_of_another_version_is_none(text: bytes, tmp_path: Path) -> None:
    """What was cut off, or written by another version, is made anew and stops nobody."""
    (tmp_path / "bed.json").write_bytes(text)
    assert read(tmp_path / "bed.json", Bed) is None


def test_no_bed_is_none(tmp_path: Path) -> None:
    """A bed that is down left no file."""
    assert read(tmp_path / "bed.json", Bed) is None


def test_a_bed_shows_no_secret(made: Bed) -> None:
    """Neither its JSON nor its repr holds what opens a door; the files it names do."""
    secrets = [file.read_text() for file in Places(made.home).secrets.iterdir()]
    assert len(set(secrets)) == len(wanted.secrets())
    assert made.projects["lz"].password in secrets
    for secret in secrets:
        assert secret not in repr(made)
        assert secret.encode() not in written(made)


def test_secrets_are_made_once(made: Bed) -> None:
    """A second start uses the passwords that the databases know."""
    before = made.projects["lz"].password
    assert secret_files.kept(Places(made.home))["lz"] == before


def test_the_file_of_clouds_names_every_account(made: Bed) -> None:
    """The library finds each project by password and by application credential."""
    clouds = yaml.safe_load(clouds_file.text(made))["clouds"]
    assert set(clouds) == {"admin", *wanted.PROJECTS, *(f"{name}-appcred" for name in wanted.PROJECTS)}
    assert clouds["lz"]["auth"]["password"] == made.projects["lz"].password
    assert clouds["lz-appcred"]["auth"]["application_credential_id"] == "a-lz"
    assert {cloud["auth"]["auth_url"] for cloud in clouds.values()} == {made.auth_url}


def test_faults_are_ordered_and_ended(made: Bed) -> None:
    """The file the compute host reads holds what was ordered last."""
    made.order(spawn_error="^bad-", spawn_delay=2.0)
    faults = Places(made.home).faults
    assert msgspec.json.decode(faults.read_bytes()) == {"spawn_error": "^bad-", "spawn_delay": 2.0}
    made.order()
    assert msgspec.json.decode(faults.read_bytes()) == {}


def test_every_project_has_a_network_of_its_own() -> None:
    """Neither names nor addresses are shared."""
    projects = seeding._wanted(PORTS, dict.fromkeys(wanted.secrets(), "x"))["projects"].values()
    for key in ("network", "cidr", "security_group", "keypair", "user"):
        assert len({project[key] for project in projects}) == len(wanted.PROJECTS)
