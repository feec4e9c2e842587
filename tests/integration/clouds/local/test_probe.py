"""The probe finds by trying what works on this machine."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from vmdirac_py.clouds.local import isolation, stop_server
from vmdirac_py.clouds.local.places import LOG, server_pid


def test_without_a_system_python_the_servers_own_is_shown(monkeypatch: pytest.MonkeyPatch, place: Path) -> None:
    """Without /usr/bin/python3 a VM gets the server's own interpreter, however private its place."""
    if Path(sys.base_prefix).resolve() == Path("/usr"):
        pytest.skip("the server's own interpreter is the system's")
    (place / "disks").mkdir(mode=0o711)
    monkeypatch.setattr(isolation, "HOST_PYTHON", "/nonexistent/python3")
    found = isolation.choose(place, hidden=(), user="nobody")
    assert found.namespaces
    assert found.python.path.startswith(str(Path(sys.base_prefix).resolve()))


@pytest.mark.skipif(os.geteuid() != 0, reason="an ordinary user has no capability to give up")
def test_where_namespaces_are_forbidden_it_falls_back(place: Path, until: Callable[..., Any]) -> None:
    """A root that may not make namespaces, as in many containers, still runs VMs, and the log warns."""
    state = place / "cloud"
    state.mkdir()
    drop = ["setpriv", "--bounding-set=-sys_admin", "--inh-caps=-sys_admin", "setsid", "--fork"]
    with (state / LOG).open("w") as log:
        command = [*drop, sys.executable, "-m", "vmdirac_py.clouds.local", "--state", str(state)]
        subprocess.run(command, stderr=log, check=True)
    try:
        until(lambda: "listening" in (state / LOG).read_text())
        assert "WARNING vmdirac.cloud.local: VMs by process group" in (state / LOG).read_text()
    finally:
        stop_server(state, terminate=True)
    assert server_pid(state) is None


def test_no_way_at_all_is_an_error(monkeypatch: pytest.MonkeyPatch, place: Path) -> None:
    """Where nothing works the error tells every way that was tried, and what to mend."""
    (place / "disks").mkdir(mode=0o711)
    monkeypatch.setattr(isolation, "HOST_PYTHON", "/bin/false")
    monkeypatch.setattr(sys, "base_prefix", "/nonexistent")
    with pytest.raises(isolation.Unusable, match=r"namespaces with /bin/false.*process group with /bin/false"):
        isolation.choose(place, hidden=(), user="nobody")
