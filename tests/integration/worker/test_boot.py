from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.doubles.booting import Booting, Web
from tests.doubles.manager import ManagerDouble
from tests.doubles.vm import TOKEN
from vmdirac_py.worker import boot

MIRROR = {"name": "site", "url": "http://mirror.example.org/debian", "suite": "stable", "components": ["main"]}
LOST = "the server answered 404"
RECORDING = '#!/bin/sh\necho "$0 $@" >> {log}\n'
ANSIBLE = """#!/bin/sh
echo 'TASK [cvmfs : Mount] ***'
echo 'fatal: [localhost]: FAILED! => {"msg": "no squid"}'
exit 2
"""


@pytest.fixture
def web(tmp_path: Path) -> Iterator[Web]:
    """A web server for `static`."""
    (tmp_path / "static").mkdir()
    server = Web(tmp_path / "static")
    yield server
    server.stop()


@pytest.fixture
def vm(tmp_path: Path, manager: ManagerDouble, web: Web) -> Booting:
    """A machine; its worker leaves as soon as nothing is to be done."""
    manager.script.idle_seconds = 0.1
    return Booting(tmp_path / "root", tmp_path / "static", manager, web)


def program(folder: Path, name: str, text: str) -> None:
    """Write a program beside the one that the worker itself needs."""
    folder.mkdir(exist_ok=True)
    if not (folder / "openssl").exists():
        (folder / "openssl").symlink_to(str(shutil.which("openssl")))
    (folder / name).write_text(text)
    (folder / name).chmod(0o755)


def test_without_context_the_worker_is_all(vm: Booting, manager: ManagerDouble, web: Web) -> None:
    """The worker is fetched from the site's web server and started; no role is fetched."""
    vm.run({})
    assert manager.messages("leave")[-1]["reason"] == "idle"
    assert web.asked == [f"/{vm.bundle.sha256}"]
    assert manager.of("static") == []


def test_roles_run_before_the_worker(vm: Booting, manager: ManagerDouble, web: Web) -> None:
    """Real Ansible applies the role of the served archive, and the worker that then starts works."""
    file = f"{vm.root}/var/lib/vmdirac/worker.pyz"
    console = vm.run({"worker": {"root": str(vm.root), "file": file}})
    assert "failed=0" in vm.log, console
    assert (vm.root / "usr/local/lib/vmdirac/worker.pyz").read_bytes() == Path(file).read_bytes()
    assert manager.messages("leave")[-1]["reason"] == "idle"
    assert sorted(web.asked) == sorted([f"/{vm.bundle.sha256}", f"/{vm.bundle.roles_sha256}"])


def test_there_is_one_copy_of_the_token(vm: Booting) -> None:
    """After enrolment the token is in no file that the boot wrote, and in no log."""
    console = vm.run({"worker": {"root": str(vm.root), "file": "/nowhere"}})
    left = [path for path in vm.root.rglob("*") if path.is_file() and TOKEN.encode() in path.read_bytes()]
    assert left == []
    assert TOKEN not in console


def test_a_failed_role_is_told(vm: Booting, manager: ManagerDouble) -> None:
    """The worker enrols all the same, and leaves with the task that failed and its message."""
    vm.run({"worker": {"root": str(vm.root), "file": "/nowhere"}})
    leave = manager.messages("leave")[-1]
    assert leave["reason"] == "environment"
    assert "worker : Copy the bundle" in leave["detail"]
    assert "/nowhere" in leave["detail"]
    assert manager.of("match") == []


def test_other_roles_than_promised_are_not_run(vm: Booting, manager: ManagerDouble, tmp_path: Path) -> None:
    """An archive of another hash is refused, again until time is up, and then told."""
    (tmp_path / "static" / vm.bundle.roles_sha256).write_bytes(b"something else")
    vm.run({"worker": {}}, boot_deadline=2.0)
    assert "promised checksum" in manager.messages("leave")[-1]["detail"]
    assert not (vm.root / "var/lib/vmdirac/content").exists()


def test_ansible_comes_from_the_mirrors_alone(vm: Booting, manager: ManagerDouble, tmp_path: Path) -> None:
    """Where Ansible is missing, apt is told of the configured mirrors and no other source."""
    programs, said = tmp_path / "bin", tmp_path / "said"
    program(
        programs, "apt-get", RECORDING.format(log=said) + f"/bin/cp {tmp_path}/playbook {programs}/ansible-playbook\n"
    )
    program(tmp_path, "playbook", ANSIBLE)
    vm.run({"profile": {"mirrors": [MIRROR]}}, str(programs))
    update, install = said.read_text().splitlines()
    assert "Dir::Etc::sourceparts=/dev/null" in update
    assert install.endswith("install -y --no-install-recommends ansible-core")
    lists = (vm.root / "var/lib/vmdirac/mirrors.list").read_text()
    assert lists == "deb http://mirror.example.org/debian stable main\n"
    assert manager.messages("leave")[-1]["detail"] == "contextualisation: cvmfs : Mount: no squid"


def test_a_mirror_that_fails_is_told(vm: Booting, manager: ManagerDouble, tmp_path: Path) -> None:
    """A package manager that goes on failing is tried three times, and its last words reach the manager."""
    said = tmp_path / "said"
    program(tmp_path / "bin", "dnf", RECORDING.format(log=said) + "echo no such repository\nexit 1\n")
    vm.run({"worker": {}}, str(tmp_path / "bin"))
    assert len(said.read_text().splitlines()) == 3
    assert manager.messages("leave")[-1]["detail"] == (
        "contextualisation: ansible-core cannot be installed by dnf: no such repository"
    )


def test_roles_that_hang_are_ended(vm: Booting, manager: ManagerDouble, tmp_path: Path) -> None:
    """A playbook that does not end is cut off in time for the VM to say so."""
    program(tmp_path / "bin", "ansible-playbook", "#!/bin/sh\nexec /bin/sleep 100\n")
    vm.run({"worker": {}}, str(tmp_path / "bin"), boot_deadline=4.0)
    assert "ansible-playbook did not end" in manager.messages("leave")[-1]["detail"]


@pytest.fixture
def alone(vm: Booting, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Let the boot take this machine for one with a systemd, whose `systemd-run` fails to start a worker; its log."""
    said = tmp_path / "said"
    refuses = f"{RECORDING.format(log=said)}case $* in *vmdirac-alone*) exit 1 ;; esac\n"
    program(tmp_path / "bin", "systemd-run", refuses)
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    vm.place({}, boot_deadline=0.0)
    names = ("SETTINGS", "WORK", "WORKER")
    for name, path in {**{name: f"{vm.root}{getattr(boot, name)}" for name in names}, "SYSTEMD": "/"}.items():
        monkeypatch.setattr(boot, name, path)
    return said


@pytest.mark.parametrize(
    ("why", "units"), [(LOST, ["vmdirac-off"]), ("vmdirac-alone", ["vmdirac-alone", "vmdirac-off"])]
)
def test_a_machine_without_a_worker_is_powered_off_later(
    alone: Path, vm: Booting, tmp_path: Path, units: list[str], capsys: pytest.CaptureFixture[str], why: str
) -> None:
    """A worker that cannot be fetched, or started: the console says why, and systemd is told to end the machine."""
    if why == LOST:
        (tmp_path / "static" / vm.bundle.sha256).unlink()
    with pytest.raises((OSError, subprocess.CalledProcessError)):
        boot.main()
    asked = alone.read_text().splitlines()
    assert [unit for line, unit in zip(asked, units, strict=True) if f"--unit={unit}" in line] == units
    assert asked[-1].endswith("--on-active=5min systemctl poweroff")
    console = capsys.readouterr().err
    assert why in console
    assert "powers off in 5 minutes" in console


def test_a_machine_of_another_root_is_not_powered_off(vm: Booting, tmp_path: Path) -> None:
    """Below a prefix a boot that fails ends alone."""
    program(tmp_path / "bin", "systemd-run", RECORDING.format(log=tmp_path / "said"))
    (tmp_path / "static" / vm.bundle.sha256).unlink()
    console = vm.run({}, f"{tmp_path}/bin", boot_deadline=0.0)
    assert f"no worker runs here: {LOST}" in console
    assert not (tmp_path / "said").exists()
