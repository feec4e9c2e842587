"""What a user's payload leaves where everybody may write."""

import contextlib
import os
import subprocess
from pathlib import Path
from typing import Iterable, List, Tuple

from .files import remove_tree

PUBLIC = tuple(map(Path, ("/tmp", "/var/tmp", "/dev/shm", "/dev/mqueue", "/run/lock")))  # noqa: S108 -- looked through, not used
_IPC = (("shm", "-m"), ("sem", "-s"), ("msg", "-q"))
_SECONDS = 60.0


def remove_files_of(uid: int, places: Iterable[Path] = PUBLIC) -> None:
    """Delete the user's files and folders in these places, with all that is in them; links are not followed."""
    for place in places:
        with contextlib.suppress(OSError), os.scandir(place) as entries:
            found = [entry for entry in entries if entry.stat(follow_symlinks=False).st_uid == uid]
            for entry in found:
                _remove(Path(entry.path), is_folder=entry.is_dir(follow_symlinks=False))


def _remove(path: Path, *, is_folder: bool) -> None:
    if is_folder:
        remove_tree(path)
    else:
        path.unlink()


def remove_ipc_of(uid: int) -> None:
    """Delete the user's System V shared memory, semaphores and message queues."""
    wanted = [flag_id for kind, flag in _IPC for flag_id in _ids(kind, flag, uid)]
    for flag, number in wanted:
        with contextlib.suppress(OSError):
            subprocess.run(["ipcrm", flag, number], capture_output=True, check=False, timeout=_SECONDS)


def _ids(kind: str, flag: str, uid: int) -> List[Tuple[str, str]]:
    try:
        header, *lines = Path("/proc/sysvipc", kind).read_text(encoding="ascii").splitlines()
    except (OSError, ValueError):
        return []
    at = {name: index for index, name in enumerate(header.split())}
    rows = [line.split() for line in lines]
    return [(flag, row[1]) for row in rows if str(uid) in (row[at["uid"]], row[at["cuid"]])]
