"""A root file system to throw away: a layer over a tree, entered by namespaces that end with each command."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

CLEAN = {
    "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
    "LANG": "C.UTF-8",
    "HOME": "/root",
    "ANSIBLE_NOCOLOR": "1",
    "ANSIBLE_LOCALHOST_WARNING": "0",
    # the modules are for the control node's Ansible; the roles alone go further back
    "ANSIBLE_COLLECTIONS_ON_ANSIBLE_VERSION_MISMATCH": "ignore",
}
SYSTEM = Path("/usr")
# Mounts are of this mount namespace alone. The network has a loopback and nothing else.
ENTER = """
set -eu
layer=$1 tree=$2; shift 2
mount -t overlay overlay -o "lowerdir=$tree,upperdir=$layer/upper,workdir=$layer/work" "$layer/merged"
mount -t proc proc "$layer/merged/proc"
mount --rbind /dev "$layer/merged/dev"
mount --rbind /sys "$layer/merged/sys"
mount -t tmpfs tmpfs "$layer/merged/run"
while [ "$1" != -- ]; do
    mkdir -p "$layer/merged$1"
    mount --rbind "$1" "$layer/merged$1"
    mount -o remount,bind,ro "$layer/merged$1"
    shift
done
shift
ip link set lo up
cd "$layer/merged"
# not chroot, in which nobody may make a user namespace
pivot_root . .
umount --lazy .
exec "$@"
"""


@dataclass(frozen=True, slots=True)
class Machine:
    """A root file system.

    Args:
        layer: a folder for what is written.
        tree: what lies beneath.
        seen: folders of this machine that are seen at the same place in it, and not written to.
    """

    layer: Path
    tree: Path
    seen: tuple[Path, ...] = ()

    @classmethod
    def over(cls, tree: Path, layer: Path, *seen: Path) -> Machine:
        """Make one; nothing of the tree is ever written."""
        for name in ("upper", "work", "merged"):
            (layer / name).mkdir(parents=True, exist_ok=True)
        return cls(layer, tree, seen)

    def run(self, *command: str, given: Mapping[str, str] | None = None) -> subprocess.CompletedProcess[str]:
        """Run a command in it, as root with a pid namespace and a loopback of its own."""
        apart = ["unshare", "--mount", "--pid", "--net", "--uts", "--fork", "--kill-child"]
        entered = ["sh", "-c", ENTER, "enter", str(self.layer), str(self.tree), *map(str, self.seen), "--"]
        return subprocess.run(
            [*apart, *entered, *command],
            capture_output=True,
            text=True,
            check=False,
            env={**CLEAN, **(given or {})},
            stdin=subprocess.DEVNULL,
        )

    def write(self, path: str, text: str, mode: int = 0o644) -> None:
        """Write a file into it from outside."""
        file = self.layer / "upper" / path.lstrip("/")
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
        file.chmod(mode)

    def read(self, path: str) -> str:
        """Return what a file in it says; a link is followed inside."""
        done = self.run("cat", path)
        assert done.returncode == 0, done.stderr
        return done.stdout


def interpreter() -> tuple[Path, ...]:
    """Return the folders that make this interpreter and its packages.

    A system's own has no folder to itself: the tree's Python, of the same version, is in its place.
    """
    own = Path(os.path.realpath(sys.base_prefix))
    return tuple({Path(sys.prefix), *([] if own == SYSTEM else [own])})
