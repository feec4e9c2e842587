"""A payload in namespaces of its own: its own /tmp, its own processes, its own shared memory."""

import os
import subprocess
from pathlib import Path
from typing import List

from .walls import ENTRY_FAILED, Command

# The shell is the first process inside and waits: what it leaves behind ends with it, whatever it did to hide.
_SCRIPT = f"""
up=$1
shift
mount -t proc -o nosuid,nodev,noexec,hidepid=2 proc /proc || exit {ENTRY_FAILED}
mount -t tmpfs -o nosuid,nodev,mode=1777,size="$1" tmpfs /dev/shm || exit {ENTRY_FAILED}
while shift; [ "$1" != -- ]; do
    mount --bind "${{1%%:*}}" "${{1#*:}}" || exit {ENTRY_FAILED}
done
shift
: > "$up" || exit {ENTRY_FAILED}
"$@"
exit $?
"""
_UNSHARE = ("unshare", "--mount", "--pid", "--ipc", "--fork", "--kill-child", "--propagation", "private", "--")
_SECONDS = 60.0


class Spaced:
    """Namespaces of mounts, processes and IPC.

    Args:
        folder: the payload's; public places above it stay as they are.
        scratch: becomes /tmp.
        var_scratch: becomes /var/tmp.
        shm: size of /dev/shm as `mount` takes it; it counts as the payload's memory.
    """

    def __init__(self, folder: Path, scratch: Path, var_scratch: Path, shm: str = "50%") -> None:
        targets = ((scratch, "/tmp"), (var_scratch, "/var/tmp"))  # noqa: S108 -- these are hidden, not used
        hidden = [f"{source}:{target}" for source, target in targets if Path(target) not in folder.parents]
        self._up = folder / "spaced"
        self._outer = [*_UNSHARE, "/bin/sh", "-c", _SCRIPT, "vmdirac-space", str(self._up), shm, *hidden, "--"]

    def around(self, command: Command) -> Command:
        """Run it in the namespaces."""
        return command.within(*self._outer)

    def stands(self) -> bool:
        """Tell whether something is inside, or was."""
        return self._up.exists()

    def strike(self) -> bool:
        """End nothing: the group of the outermost process is ended, and the namespaces with it."""
        return True

    def clear(self) -> None:
        """Leave nothing: the namespaces went with their last process."""


def possible() -> bool:
    """Tell whether this machine lets us make them."""
    command: List[str] = [*_UNSHARE, "/bin/sh", "-c", _SCRIPT, "vmdirac-space", os.devnull, "1m", "--", "true"]
    try:
        done = subprocess.run(command, capture_output=True, check=False, timeout=_SECONDS, stdin=subprocess.DEVNULL)
    except (OSError, subprocess.TimeoutExpired):
        return False
    return done.returncode == 0
