"""A mount namespace in which another user than root can reach what it needs, and `/var/lib` is the test's own."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from pathlib import Path

ROOT_ONLY = Path("/root")


def prefix(folder: Path, shown: Sequence[Path]) -> list[str]:
    """Return what a command is started with, by root, to be in the room.

    Args:
        folder: an empty folder; `var-lib` in it becomes `/var/lib`.
        shown: folders that everybody in the room can reach; those in root's home are all that is left of it.
    """
    (folder / "var-lib").mkdir(parents=True)
    (folder / "stage").mkdir()
    return ["unshare", "--mount", "--propagation", "private", "sh", "-c", _script(folder, shown), "room"]


def _script(folder: Path, shown: Sequence[Path]) -> str:
    hidden = [path for path in shown if ROOT_ONLY in path.parents]
    stage = folder / "stage"
    lines = ["set -eu", f"mount -t tmpfs -o mode=755 room {_q(stage)}"]
    for number, path in enumerate(hidden):
        lines += [f"mkdir {_q(stage / str(number))}", f"mount --bind {_q(path)} {_q(stage / str(number))}"]
    lines.append(f"mount -t tmpfs -o mode=755 room {_q(ROOT_ONLY)}")
    for number, path in enumerate(hidden):
        lines += [f"mkdir -p {_q(path)}", f"mount --bind {_q(stage / str(number))} {_q(path)}"]
    lines += [f"umount -R -l {_q(stage)}", f"mount --bind {_q(folder / 'var-lib')} /var/lib", 'exec "$@"']
    return "\n".join(lines)


def _q(path: Path) -> str:
    return shlex.quote(str(path))
