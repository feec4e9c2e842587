"""What the configuration says of the pilot."""

from __future__ import annotations

import os
import pwd
from pathlib import Path
from typing import Any

import pytest

from vmdirac_py.worker import launch
from vmdirac_py.worker.launch import BadPilot

SELF = pwd.getpwuid(os.geteuid()).pw_name
GOOD: dict[str, Any] = {
    "flavour": "dirac",
    "command": ["python3", "dirac-pilot.py", "--pilotUUID", "{vm}"],
    "environment": {"X509_CERT_DIR": "/anchors", "NOTE": "of {vm}"},
    "user": "nobody" if os.geteuid() == 0 else SELF,
    "home": "/home/of/pilot",
}


@pytest.mark.parametrize("pilot", [{}, {"flavour": "embedded"}])
def test_nothing_said_means_the_embedded_pilot(pilot: dict[str, Any]) -> None:
    """A configuration without a pilot is that of a VM of our own queue."""
    assert launch.flavour(pilot) == launch.EMBEDDED


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"flavour": "panda"}, r"pilot\.flavour 'panda' is unknown; known are embedded, dirac"),
        ({"command": []}, r"pilot\.command is empty"),
        ({"command": "python3 dirac-pilot.py"}, r"pilot\.command is missing or of a wrong type"),
        ({"environment": None}, r"pilot\.environment is missing"),
        ({"home": 3}, r"pilot\.home is missing or of a wrong type"),
        ({"user": "no-such-user"}, r"pilot\.user 'no-such-user': this machine has no such user"),
        ({"user": "root"}, r"pilot\.user must not be root"),
    ],
)
def test_what_cannot_be_used_is_named(change: dict[str, Any], says: str) -> None:
    """The worker refuses to start, and says which key to mend."""
    with pytest.raises(BadPilot, match=says):
        launch.flavour({**GOOD, **change})


def test_the_vm_is_named_wherever_the_command_asks_for_it() -> None:
    """UUID and stamp are the VM's id."""
    how = launch.read(GOOD, "vm-1")
    assert how.command[-1] == "vm-1"
    assert how.environment["NOTE"] == "of vm-1"
    assert launch.environment(how, "vm-1", Path("/home/1"))["DIRAC_PILOT_STAMP"] == "vm-1"


def test_the_pilot_inherits_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever the worker's environment holds stays with the worker; the mark cannot be replaced."""
    monkeypatch.setenv("PRIVATE", "worker's")
    how = launch.read({**GOOD, "environment": {launch.MARK: "other", "HOME": "/elsewhere"}}, "vm-1")
    found = launch.environment(how, "vm-1", Path("/home/1"))
    assert "PRIVATE" not in found
    assert f"{launch.MARK}={found[launch.MARK]}" == launch.mark("vm-1")
    assert found["HOME"] == "/elsewhere"


def test_the_folder_of_homes_is_made_to_be_passed_through(tmp_path: Path) -> None:
    """What is missing is made, whatever umask the worker has, and what is ours is taken as it is."""
    homes = tmp_path / "lib/homes"
    launch.make_safe(homes)
    launch.make_safe(homes)
    assert homes.stat().st_mode & 0o777 == 0o711


def test_homes_that_somebody_could_swap_are_refused(tmp_path: Path) -> None:
    """A link is no folder of root's, whatever it leads to."""
    (tmp_path / "homes").symlink_to(tmp_path)
    with pytest.raises(BadPilot, match=r"pilot\.home .*/homes must be a folder of root's"):
        launch.make_safe(tmp_path / "homes")


@pytest.mark.skipif(os.geteuid() != 0, reason="only root gives folders away")
def test_homes_that_are_the_pilot_s_own_are_refused(tmp_path: Path) -> None:
    """Its earlier self could have left links where root works next."""
    os.chown(tmp_path, pwd.getpwnam("nobody").pw_uid, -1)
    with pytest.raises(BadPilot, match="could lead root astray"):
        launch.make_safe(tmp_path)
