"""The environment of an Ansible run, made from nothing: what is not written here does not get in."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from ansible_runner.utils import get_callback_dir

from .checkout import search_paths
from .run_folder import MARK, RunFolder


def environment(folder: RunFolder) -> dict[str, str]:
    """Return the whole environment of a run in this folder."""
    return {
        MARK: folder.ident,
        # this interpreter's own ansible-playbook comes first
        "PATH": os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", os.defpath)]),
        "HOME": str(Path.home()),  # `~` in an inventory means the same here as in the daemon and by hand
        "LANG": "C.UTF-8",
        "LC_ALL": "C.UTF-8",
        "ANSIBLE_NOCOLOR": "1",
        **search_paths(),
        **_places(folder),
        **_events(folder),
    }


def _places(folder: RunFolder) -> dict[str, str]:
    """Everything temporary lies in the run's folder: a killed module leaves its arguments behind."""
    temporary = str(folder.path / "tmp")
    return {
        "ANSIBLE_HOME": str(folder.path / "home"),
        "TMPDIR": temporary,
        "ANSIBLE_LOCAL_TEMP": temporary,
        "ANSIBLE_REMOTE_TEMP": temporary,
    }


def _events(folder: RunFolder) -> dict[str, str]:
    """What ansible-runner's callback needs to hand its events over."""
    return {
        "ANSIBLE_CALLBACK_PLUGINS": get_callback_dir(),
        "ANSIBLE_STDOUT_CALLBACK": "awx_display",
        "ANSIBLE_RETRY_FILES_ENABLED": "False",
        "AWX_ISOLATED_DATA_DIR": str(folder.artifacts),
    }
