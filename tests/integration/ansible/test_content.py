"""The collection as Ansible's own tools judge it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow

TOP = Path(__file__).resolve().parents[3]
COLLECTION = TOP / "collections" / "ansible_collections" / "vmdirac" / "cloud"
SCRIPTS = TOP / "tests" / "ansible"
BIN = Path(sys.executable).parent


def run(*command: str | Path, cwd: Path = TOP, seconds: float = 900.0) -> str:
    """Run a tool of this environment and return what it said; fail with it when the tool fails."""
    path = os.pathsep.join([str(BIN), os.environ["PATH"]])
    done = subprocess.run(
        [str(part) for part in command],
        cwd=cwd,
        env={**os.environ, "PATH": path, "PYTHON": sys.executable, "NO_COLOR": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=seconds,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-6000:]
    return done.stdout


def test_ansible_lint_finds_nothing() -> None:
    """Playbooks, roles and collection keep the production profile."""
    run("ansible-lint", "--offline", "-q")


def test_ansible_test_sanity_finds_nothing() -> None:
    """Documentation and arguments agree, licences and imports are in order."""
    run(SCRIPTS / "sanity.sh")


def test_the_changelog_can_be_released() -> None:
    """Its configuration and fragments are sound."""
    run("antsibull-changelog", "lint", cwd=COLLECTION)


@pytest.mark.parametrize("role", ["worker", "control_node"])
def test_a_role_converges_once(role: str) -> None:
    """molecule: the role does its work as an ordinary user would, then nothing more, and verifies."""
    run(SCRIPTS / "molecule.sh", role)


@pytest.mark.skipif(os.geteuid() != 0, reason="role pilot makes a user: that wants root")
def test_the_pilots_role_converges_once() -> None:
    """molecule: with DIRAC's pilot from a mirror, in a room whose users are gone afterwards."""
    run(SCRIPTS / "molecule.sh", "pilot")


@pytest.mark.full
@pytest.mark.skipif(os.geteuid() != 0, reason="A MACHINE TO THROW AWAY WANTS ROOT")
@pytest.mark.parametrize("role", ["profile", "trust_anchors", "cvmfs", "apptainer"])
def test_a_role_makes_a_machine(role: str) -> None:
    """molecule: rehearsed on a bare tree, applied, then nothing more, and verified; by this environment's Ansible."""
    run(SCRIPTS / "molecule.sh", role)


@pytest.mark.parametrize("playbook", ["provision", "retire", "reconcile", "contextualise", "bake_image", "debug_vm"])
def test_a_playbook_is_found_in_a_checkout(playbook: str, tmp_path: Path) -> None:
    """Its full name works with the checkout's collections folder, wherever one stands."""
    command = ["ansible-playbook", f"vmdirac.cloud.{playbook}", "--list-tasks", "-i", "localhost,"]
    said = run("env", f"ANSIBLE_COLLECTIONS_PATH={TOP / 'collections'}", *command, cwd=tmp_path)
    assert f"{COLLECTION}/playbooks/{playbook}.yml" in said


def test_modules_share_their_defaults() -> None:
    """Each module is in the action group, so that `home` can be set once for all."""
    import yaml  # noqa: PLC0415  only here

    group = yaml.safe_load((COLLECTION / "meta" / "runtime.yml").read_text())["action_groups"]["vmdirac"]
    assert sorted(group) == sorted(path.stem for path in (COLLECTION / "plugins" / "modules").glob("*.py"))
