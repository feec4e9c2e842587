"""An inventory tree on disk into an Inventory; Ansible runs in a child process with a bare environment."""

from __future__ import annotations

import hashlib
import json
import os
import secrets
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from subprocess import DEVNULL, PIPE

import vmdirac_py
from vmdirac_py.base.errors import Unusable
from vmdirac_py.base.processes import kill_marked
from vmdirac_py.model.inventory import Inventory

from .api import BadInventory, Problem
from .bundle import roles_archive
from .raw import Raw, from_document
from .validate import validate

MARK = "VMDIRAC_READER"  # in the environment of the child and all it starts
HANGS = "look for a lookup that hangs"
ANSIBLE = {
    "ANSIBLE_INVENTORY_ENABLED": "yaml,ini",  # programs and plugins could not be fingerprinted
    "ANSIBLE_INVENTORY_ANY_UNPARSED_IS_FAILED": "true",
    "ANSIBLE_DUPLICATE_YAML_DICT_KEY": "error",
    "ANSIBLE_TRANSFORM_INVALID_GROUP_CHARS": "ignore",  # VO names hold dots and dashes
    "ANSIBLE_DEPRECATION_WARNINGS": "false",
    "ANSIBLE_NOCOLOR": "true",
}


def load(path: str | Path, *, timeout: float = 120.0) -> Inventory:
    """Read and check the tree (a folder, or an inventory file with `group_vars` beside it).

    Args:
        path: the tree.
        timeout: seconds the child process may take.

    Raises:
        BadInventory: something is wrong with it; carries every problem.
        Unusable: the reader itself failed.
    """
    root = Path(path).absolute()
    if not root.exists():
        raise BadInventory([Problem(str(root), 0, "", "no such file or folder", "mend the path")], where=str(path))
    before = fingerprint(root)
    result = validate(_read(root, timeout), fingerprint=before, source=str(root), commit=commit(root))
    if isinstance(result, Inventory):
        return result
    raise BadInventory(result, where=str(path))


def fingerprint(path: str | Path) -> str:
    """Return a hash over the names and contents of all files of the tree (24 ms for 1,000), and over our roles.

    With other roles the same tree means other VMs, and its contexts are to be checked anew.
    """
    digest = hashlib.sha256(roles_archive()[0].encode())
    root = Path(path).absolute()
    for file in sorted(_files(root)):
        digest.update(f"{file.relative_to(root.parent if root.is_file() else root)}\0".encode(errors="surrogateescape"))
        try:
            digest.update(hashlib.sha256(file.read_bytes()).digest())
        except OSError as error:  # gone meanwhile, a dangling link or unreadable: the reader will say so
            digest.update(str(error.errno).encode())
    return digest.hexdigest()


def commit(path: str | Path) -> str:
    """Return the last git commit that touched the tree, with `-dirty` for uncommitted changes; empty without git."""
    root = Path(path).absolute()
    folder = root if root.is_dir() else root.parent
    last = _git(folder, "log", "-1", "--format=%H", "--", str(root))
    changed = last and _git(folder, "status", "--porcelain", "--", str(root))
    return f"{last}-dirty" if changed else last


def _git(folder: Path, *arguments: str) -> str:
    try:
        done = subprocess.run(["git", *arguments], cwd=folder, capture_output=True, text=True, timeout=10, check=True)
    except (OSError, subprocess.SubprocessError):
        return ""
    return done.stdout.strip()


def _files(root: Path) -> Iterator[Path]:
    if root.is_dir():
        yield from _walk(root)
        return
    yield root
    for folder in ("group_vars", "host_vars"):
        yield from _walk(root.parent / folder)


def _walk(folder: Path) -> Iterator[Path]:
    for at, folders, files in os.walk(folder):
        folders[:] = [name for name in folders if name != ".git"]
        yield from (Path(at, name) for name in files)


def _read(root: Path, timeout: float) -> Raw:
    with tempfile.TemporaryDirectory(prefix="vmdirac-inventory-") as scratch:
        command = [sys.executable, "-m", "vmdirac_py.inventory.child", str(root)]
        mark = {MARK: secrets.token_hex(8)}
        environment = _environment(Path(scratch)) | mark
        with subprocess.Popen(command, cwd=scratch, env=environment, stdin=DEVNULL, stdout=PIPE, stderr=PIPE) as child:
            try:
                answer, complaint = child.communicate(timeout=timeout)
            except subprocess.TimeoutExpired:
                kill_marked(f"{MARK}={mark[MARK]}")  # with whatever its templates started
                what = f"not read within {timeout:g} seconds"
                raise BadInventory([Problem(str(root), 0, "", what, HANGS)], where=str(root)) from None
    if child.returncode:
        raise _broken(root, complaint.decode(errors="replace").strip().splitlines() or [f"code {child.returncode}"])
    return from_document(json.loads(answer))


def _broken(root: Path, lines: list[str]) -> Unusable:
    return Unusable(
        f"the inventory reader failed: {lines[-1]}",
        where=str(root),
        mend="check that `ansible --version` works in this environment",
    )


def _environment(scratch: Path) -> dict[str, str]:
    """Return all the child may know: where programs are, and a home of its own."""
    settings = scratch / "ansible.cfg"  # an empty one: no other is looked for
    settings.touch()
    return ANSIBLE | {
        "PATH": os.environ.get("PATH", os.defpath),
        "PYTHONPATH": str(Path(vmdirac_py.__file__).parent.parent),
        "LC_ALL": "C.UTF-8",
        "HOME": str(scratch),
        "TMPDIR": str(scratch),
        "ANSIBLE_HOME": str(scratch / "ansible"),
        "ANSIBLE_LOCAL_TEMP": str(scratch / "tmp"),
        "ANSIBLE_CONFIG": str(settings),
    }
