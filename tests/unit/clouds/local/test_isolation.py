"""What is hidden from VMs, and what must not be."""

from __future__ import annotations

from pathlib import Path

import pytest

from vmdirac_py.base.errors import Unusable
from vmdirac_py.clouds.local.isolation import _hidden, _user


def test_homes_state_and_named_places_are_hidden(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The operator's home, the state directory and what is named are hidden, wherever they lie."""
    monkeypatch.setenv("HOME", "/data/people/operator")
    hidden = _hidden(tmp_path / "state", ("/data/vmdirac",))
    assert {"/data/people/operator", str(tmp_path / "state"), "/data/vmdirac"} <= set(hidden)


@pytest.mark.parametrize("home", ["/", "/usr/sbin", "/bin", "/var", "/var/lib", "/dev/null"])
def test_a_system_users_home_is_not_hidden(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, home: str) -> None:
    """A home that is part of the system stays: hiding it would leave a VM without programs."""
    monkeypatch.setenv("HOME", home)
    assert home not in _hidden(tmp_path, ())


@pytest.mark.parametrize("path", ["/", "/usr", "/etc", "/var/lib/"])
def test_the_system_cannot_be_hidden(tmp_path: Path, path: str) -> None:
    """Asking to hide the system itself is an error that names the path."""
    with pytest.raises(Unusable, match="cannot be hidden"):
        _hidden(tmp_path, (path,))


@pytest.mark.parametrize("name", ["root", "no-such-user"])
def test_vms_never_run_as_root(name: str) -> None:
    """A server started by root needs an unprivileged user that exists."""
    with pytest.raises(Unusable):
        _user(name)
