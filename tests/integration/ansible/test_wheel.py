"""The wheel in an environment of its own: everything Ansible needs is inside."""

from __future__ import annotations

import os
import subprocess
import sys
import sysconfig
import tarfile
import venv
from pathlib import Path

import pytest

from vmdirac_py.inventory.bundle import roles_archive

pytestmark = pytest.mark.slow

TOP = Path(__file__).resolve().parents[3]


def run(*command: str | Path, cwd: Path, **environment: str) -> str:
    """Run a command in a nearly empty environment and return what it said."""
    bare = {"PATH": os.environ["PATH"], "HOME": str(cwd), "LANG": "C.UTF-8", **environment}
    done = subprocess.run(
        [str(part) for part in command], cwd=cwd, env=bare, capture_output=True, text=True, timeout=300, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def python(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A fresh environment with the wheel in it; only what the wheel depends on is borrowed from this one."""
    scratch = tmp_path_factory.mktemp("wheel")
    run(sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", scratch, TOP, cwd=scratch)
    venv.create(scratch / "venv", with_pip=True)
    made = scratch / "venv" / "bin" / "python"
    run(made, "-m", "pip", "install", "--quiet", "--no-deps", *scratch.glob("*.whl"), cwd=scratch)
    site = run(made, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))", cwd=scratch).strip()
    Path(site, "borrowed.pth").write_text(sysconfig.get_path("purelib"))
    return made


@pytest.mark.parametrize("playbook", ["provision", "retire", "reconcile", "contextualise"])
def test_playbooks_are_found_by_name(python: Path, tmp_path: Path, playbook: str) -> None:
    """No path, no setting, no Galaxy: the full name is enough."""
    name = f"vmdirac.cloud.{playbook}"
    said = run(python, "-m", "ansible", "playbook", name, "--list-tasks", "-i", "localhost,", cwd=tmp_path)
    assert f"site-packages/ansible_collections/vmdirac/cloud/playbooks/{playbook}.yml" in said


def test_modules_and_roles_are_documented(python: Path, tmp_path: Path) -> None:
    """`ansible-doc` knows a module and the arguments of a role."""
    assert "batches" in run(python, "-m", "ansible", "doc", "vmdirac.cloud.instance", cwd=tmp_path)
    assert "worker_sha256" in run(python, "-m", "ansible", "doc", "-t", "role", "vmdirac.cloud.worker", cwd=tmp_path)


def test_it_is_the_wheels_own_collection(python: Path, tmp_path: Path) -> None:
    """What is found lies in the new environment, not in a checkout."""
    said = run(python, "-m", "ansible", "doc", "vmdirac.cloud.instance", "--json", cwd=tmp_path)
    assert str(python.parent.parent) in said


def test_the_roles_of_vms_are_those_of_the_checkout(python: Path, tmp_path: Path) -> None:
    """Installed or not, VMs get the same archive, byte by byte."""
    asked = "from vmdirac_py.inventory.bundle import roles_archive; print(roles_archive()[0])"
    assert run(python, "-c", asked, cwd=tmp_path).strip() == roles_archive()[0]


def test_nothing_is_there_twice_or_too_much(python: Path) -> None:
    """One copy of playbooks and roles; no tests, no caches."""
    site = next(python.parent.parent.glob("lib/python*/site-packages"))
    files = [str(path.relative_to(site)) for path in (site / "ansible_collections").rglob("*") if path.is_file()]
    assert not [path for path in files if "/tests/" in path or "/molecule/" in path]
    assert len([path for path in files if path.endswith("provision.yml")]) == 1


def test_a_source_archive_has_what_its_makefile_needs(tmp_path: Path) -> None:
    """From the archive alone the environment is made, the lints run, and a wheel is built."""
    run(sys.executable, "-m", "build", "--sdist", "--no-isolation", "--outdir", tmp_path, TOP, cwd=tmp_path)
    (archive,) = tmp_path.glob("*.tar.gz")
    with tarfile.open(archive) as opened:
        names = {name.partition("/")[2] for name in opened.getnames()}
    needed = {"Makefile", ".ci/environment", ".ci/run", "constraints.txt", "hatch_build.py", "changelog.d/README.md"}
    assert needed <= names
    assert {".pre-commit-config.yaml", ".ansible-lint", "CHANGELOG.md", "CONTRIBUTING.md", "LICENSE"} <= names
