"""What gets into an Ansible run."""

from __future__ import annotations

from pathlib import Path

import pytest

from vmdirac_py.scheduler.run_environment import environment
from vmdirac_py.scheduler.run_folder import RunFolder


def test_only_named_variables_get_in(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of our own environment nothing but PATH and HOME is taken."""
    inherited = {
        "PATH": "/inherited/bin",
        "HOME": "/inherited/home",
        "ANSIBLE_CONFIG": "/inherited/cfg",
        "X": "/inherited/x",
    }
    for name, value in inherited.items():
        monkeypatch.setenv(name, value)
    given = environment(RunFolder(tmp_path / "run-1"))
    assert {name for name, value in given.items() if "/inherited" in value} == {"PATH", "HOME"}


def test_everything_temporary_lies_in_the_runs_folder(tmp_path: Path) -> None:
    """Temporary files of Ansible and of modules vanish with the run."""
    folder = RunFolder(tmp_path / "run-1")
    given = environment(folder)
    names = ("TMPDIR", "ANSIBLE_HOME", "ANSIBLE_LOCAL_TEMP", "ANSIBLE_REMOTE_TEMP", "AWX_ISOLATED_DATA_DIR")
    assert all(Path(given[name]).is_relative_to(folder.path) for name in names)


def test_the_run_bears_its_mark(tmp_path: Path) -> None:
    """The ident is in the environment, so that every process of the run can be found."""
    folder = RunFolder(tmp_path / "run-1")
    assert folder.mark == f"VMDIRAC_RUN={environment(folder)['VMDIRAC_RUN']}"
