"""Containers: exact argument lists, and which image a payload gets."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest

from tests.doubles.vm import work
from vmdirac_py.worker import container
from vmdirac_py.worker.container import Contained, chosen_image, runtime, user_namespaces
from vmdirac_py.worker.options import Options
from vmdirac_py.worker.payload import CannotRun, Place
from vmdirac_py.worker.walls import Command
from vmdirac_py.worker.wire import Slot, Work

IMAGE = "/cvmfs/images.example.org/base"
COMMAND = Command(["python3", "x.py"], {"PATH": "/bin", "TMPDIR": "/elsewhere"})


def job(**changes: Any) -> Work:
    """Return a job."""
    return Work(**work(7, "python3", "x.py", **changes))


@pytest.fixture
def place(tmp_path: Path) -> Place:
    """A payload's folders."""
    made = Place(tmp_path, job())
    made.make()
    made.job_features.mkdir()
    return made


def arguments(place: Place, options: Options, *, gpus: list[int] | None = None) -> list[str]:
    """Return the argument list of a payload."""
    slot = Slot(7, 1, 0.0, gpu_ids=gpus or [])
    return Contained("/usr/bin/apptainer", IMAGE, place, slot, options).around(COMMAND).arguments


@pytest.fixture
def namespaces(monkeypatch: pytest.MonkeyPatch) -> None:
    """Users may make namespaces here."""
    monkeypatch.setattr(container, "user_namespaces", lambda: True)


@pytest.mark.usefixtures("namespaces")
def test_the_argument_list(place: Place) -> None:
    """A payload gets its own processes, IPC, /tmp and home, and the credentials read-only; nothing else."""
    top = place.top
    assert arguments(place, Options(binds=())) == [
        "/usr/bin/apptainer", "exec", "--contain", "--ipc", "--pid", "--workdir", f"{top}/work",
        "--home", f"{top}/home", "--pwd", f"{top}/home", "--userns",
        "--bind", f"{top}/credentials:{top}/credentials:ro",
        "--bind", f"{top}/jobfeatures:{top}/jobfeatures:ro", IMAGE, "python3", "x.py",
    ]  # fmt: skip


def test_without_user_namespaces_the_setuid_runtime_serves(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where users may make no namespaces, the runtime is not asked to."""
    monkeypatch.setattr(container, "user_namespaces", lambda: False)
    assert "--userns" not in arguments(place, Options())


@pytest.mark.usefixtures("namespaces")
def test_gpus_pass_through_only_to_their_slot(place: Place) -> None:
    """A slot with GPUs gets the driver, one without does not."""
    assert "--nv" in arguments(place, Options(), gpus=[1])
    assert "--nv" not in arguments(place, Options())


@pytest.mark.usefixtures("namespaces")
def test_binds_of_what_is_not_there_are_left_out(place: Place, tmp_path: Path) -> None:
    """Binds keep target and mode; a source that this VM lacks is left out, for a runtime would refuse it."""
    made = arguments(place, Options(binds=(f"{tmp_path}:/data:ro", "/no/such/source", "/etc")))
    binds = [made[at + 1] for at, word in enumerate(made) if word == "--bind"]
    assert binds[:2] == [f"{tmp_path}:/data:ro", "/etc"]


@pytest.mark.usefixtures("namespaces")
def test_nested_containers_get_fuse_when_allowed(place: Place, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Containers inside the container need /dev/fuse; only pools that allow them give it."""
    monkeypatch.setattr(container, "_FUSE", tmp_path)
    assert str(tmp_path) in arguments(place, Options(nested=True))
    assert str(tmp_path) not in arguments(place, Options())


def test_the_environment_is_a_whitelist(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of the VM's environment a container inherits DIRAC's list and what is configured; the payload's own wins."""
    for name in ("X509_CERT_DIR", "XRD_TIMEOUT", "SITE_NAME", "SECRET", "PATH"):
        monkeypatch.setenv(name, "outer")
    made = Contained("a", IMAGE, place, Slot(7, 1, 0.0), Options(environment=("SITE_",))).around(COMMAND).variables
    kept = {name: made.get(name) for name in ("X509_CERT_DIR", "XRD_TIMEOUT", "SITE_NAME", "SECRET", "PATH")}
    assert kept == {
        "X509_CERT_DIR": "outer",
        "XRD_TIMEOUT": "outer",
        "SITE_NAME": "outer",
        "SECRET": None,
        "PATH": "/bin",
    }
    assert made["TMPDIR"] == "/tmp"


@pytest.mark.parametrize(
    ("program", "ways"),
    [
        ("/usr/bin/apptainer", {"APPTAINERENV_"}),
        ("/usr/bin/singularity", {"APPTAINERENV_", "SINGULARITYENV_"}),
    ],
)
def test_a_jobs_variables_do_not_steer_the_runtime(place: Place, program: str, ways: set[str]) -> None:
    """What a job adds to its environment is for the container alone; the runtime sees other names."""
    mine = {"LD_PRELOAD": "./x.so", "PATH": ".", "APPTAINER_BIND": "/", "APPTAINERENV_X": "y", "TMPDIR": "/var"}
    command = COMMAND._replace(given=mine)
    made = Contained(program, IMAGE, place, Slot(7, 1, 0.0), Options()).around(command)
    passed = {name: value for name, value in mine.items() if name != "TMPDIR"}
    assert {name: value for name, value in made.variables.items() if name.startswith(("APPT", "SING"))} == {
        way + name: value for way in ways for name, value in passed.items()
    }
    assert "LD_PRELOAD" not in made.variables
    assert (made.variables["PATH"], made.variables["TMPDIR"], dict(made.given)) == ("/bin", "/tmp", {})


@pytest.mark.parametrize("image", ["docker://x/y", "/cvmfs/images.example.org/../secret", "/elsewhere"])
def test_an_image_that_is_not_allowed_is_refused(image: str) -> None:
    """A user's image must match a pattern and go nowhere else; the refusal names what may be asked for."""
    with pytest.raises(CannotRun, match=r"not allowed here; allowed are: /cvmfs/images\.example\.org/\*"):
        chosen_image(job(image=image), Options(user_images=("/cvmfs/images.example.org/*",)))


def test_which_image_a_payload_gets(tmp_path: Path) -> None:
    """The user's own where it is allowed and there, else the VO's; without either the payload cannot run."""
    mine = str(tmp_path)
    options = Options(image=IMAGE, user_images=(f"{tmp_path.parent}/*", "docker://*"))
    assert chosen_image(job(image=mine), options) == mine
    assert chosen_image(job(image="docker://x/y"), options) == "docker://x/y"
    assert chosen_image(job(), options) == IMAGE
    with pytest.raises(CannotRun, match="No container image"):
        chosen_image(job(), Options())
    with pytest.raises(CannotRun, match="is not there"):
        chosen_image(job(image=f"{mine}/none"), Options(user_images=(f"{tmp_path.parent}/*",)))


@pytest.mark.parametrize(
    ("most", "switch", "allowed"),
    [("15000", "1", True), ("15000", None, True), ("0", "1", False), ("15000", "0", False)],
)
def test_whether_users_may_make_namespaces(tmp_path: Path, most: str, switch: str | None, allowed: bool) -> None:  # noqa: FBT001 -- a table
    """Both the kernel's number and Debian's switch, where there is one, must allow them."""
    for name, text in (("sys/user/max_user_namespaces", most), ("sys/kernel/unprivileged_userns_clone", switch)):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        if text is not None:
            (tmp_path / name).write_text(text)
    assert user_namespaces(tmp_path) is allowed


def test_the_runtime_is_apptainer_else_singularity(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Apptainer is taken where there is one, else Singularity; a configured one before both; none is told as none."""
    monkeypatch.setenv("PATH", str(tmp_path))
    assert runtime(Options()) == ""
    for name in ("singularity", "apptainer"):
        (tmp_path / name).touch(0o755)
        assert runtime(Options()) == shutil.which(name)
    assert runtime(Options(runtime=str(tmp_path / "singularity"))) == str(tmp_path / "singularity")
