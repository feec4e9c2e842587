"""What a machine must have."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.testbeds.openstack import machine
from tests.testbeds.openstack.values import Cannot


def _silent(_: str) -> None:
    pass


@pytest.fixture
def lacking(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a cache folder on a machine that lacks memcached, whose user may not install it."""
    monkeypatch.setattr(machine, "PROGRAMS", machine.PROGRAMS | {"memcached": tmp_path / "none"})
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    return tmp_path


def test_a_missing_program_is_named_by_its_package(lacking: Path) -> None:
    """A file that is not there stands for its package."""
    assert "memcached" in machine.missing()
    assert (lacking / "none").exists() is False


def test_one_who_may_not_install_is_told_what_to_ask_for(lacking: Path) -> None:
    """Without root rights nothing is installed, and the reason names the command."""
    with pytest.raises(Cannot, match="memcached") as cannot:
        machine.prepare(lacking, _silent)
    assert cannot.value.mend.startswith("as root: apt-get install --no-install-recommends")


@pytest.mark.parametrize(("need", "word"), [("MEMORY_MB", "memory"), ("DISK_MB", "disk")])
def test_a_machine_that_is_too_small_is_refused_by_figures(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, need: str, word: str
) -> None:
    """Too little memory or disk is a reason to skip that says how much is needed."""
    monkeypatch.setattr(machine, need, 1 << 40)
    with pytest.raises(Cannot, match=rf"needs {1 << 40} MiB of {word}"):
        machine.prepare(tmp_path, _silent)
