"""What a machine must have."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import pytest

from tests.testbeds.common.errors import Cannot
from tests.testbeds.common.machine import Needs


def _silent(_: str) -> None:
    pass


NEEDS = Needs(programs={"dash": Path("/bin/sh")}, memory_mb=1, disk_mb=1)


@pytest.fixture
def lacking(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Needs:
    """Return needs that a machine does not meet, whose user may not install anything."""
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    return replace(NEEDS, programs={"memcached": tmp_path / "none"})


def test_a_missing_program_is_named_by_its_package(lacking: Needs) -> None:
    """A file that is not there stands for its package."""
    assert "memcached" in lacking.missing()


def test_one_who_may_not_install_is_told_what_to_ask_for(lacking: Needs, tmp_path: Path) -> None:
    """Without root rights nothing is installed, and the reason names the command."""
    with pytest.raises(Cannot, match="memcached") as cannot:
        lacking.prepare(tmp_path, _silent)
    assert cannot.value.mend.startswith("as root: apt-get install --no-install-recommends")


@pytest.mark.parametrize(
    ("needs", "word"), [(replace(NEEDS, memory_mb=1 << 40), "memory"), (replace(NEEDS, disk_mb=1 << 40), "disk")]
)
def test_a_machine_that_is_too_small_is_refused_by_figures(tmp_path: Path, needs: Needs, word: str) -> None:
    """Too little memory or disk is a reason to skip that says how much is needed."""
    with pytest.raises(Cannot, match=rf"needs {1 << 40} MiB of {word}"):
        needs.prepare(tmp_path, _silent)
