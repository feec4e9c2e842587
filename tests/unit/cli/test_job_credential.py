"""`vmdirac job submit --credential` and `vmdirac job credential`."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.unit.cli.conftest import Run
from vmdirac_py.base.errors import BadInput
from vmdirac_py.credentials.owners import Owners


def secret(path: Path, text: str, mode: int = 0o600) -> Path:
    """Write a token."""
    path.write_text(text)
    path.chmod(mode)
    return path


def test_a_credential_is_kept_and_renewed(vmdirac: Run, busy: Path, tmp_path: Path) -> None:
    """The file given at submission is kept for the job, a later one replaces it, and neither is shown."""
    jdl = tmp_path / "a.jdl"
    jdl.write_text('Executable = "/bin/true";')
    first, second = secret(tmp_path / "1", "first-token"), secret(tmp_path / "2", "second-token")
    shown = vmdirac("job", "submit", "--vo", "astro", "--credential", first, jdl).stdout
    job = int(shown.split()[1])
    assert Owners(busy / "owners").get(job).token == "first-token"
    shown += vmdirac("job", "credential", job, second).stdout
    assert Owners(busy / "owners").get(job).token == "second-token"
    shown += vmdirac("job", "show", job, "--json").stdout
    assert "-token" not in shown


def test_a_credential_that_others_may_read_is_refused(vmdirac: Run, tmp_path: Path) -> None:
    """A careless file is refused before anything is submitted, with the command that mends it."""
    jdl = tmp_path / "a.jdl"
    jdl.write_text('Executable = "/bin/true";')
    with pytest.raises(BadInput, match="chmod 600"):
        vmdirac("job", "submit", "--vo", "astro", "--credential", secret(tmp_path / "1", "token-of-me", 0o644), jdl)
    assert len(json.loads(vmdirac("job", "list", "--json").stdout)) == 1
