"""What a VM leaves behind: its logs, handed to the manager before the power goes."""

import contextlib
import io
import subprocess
import tarfile
import time
from pathlib import Path
from typing import Callable, Dict, Optional

from .client import Client
from .log import older, say
from .trust import Refused, TalkError
from .wire import MAX_LOG

WORKER_LOG, PILOT_LOG = "worker.log", "pilot.log"
_MOST = 1_000_000  # bytes of each log: its end
_TRIES, _PAUSE = 3, 1.0
_AGAIN, _AGAIN_IN_VAIN = 3600.0, 60.0  # seconds after which a VM that stayed hands its logs over again
_JOURNAL = ["journalctl", "--boot", "--lines=5000", "--no-pager", "--output=short-iso", "--quiet"]
_JOURNAL_SECONDS = 20.0
_SYSTEMD = Path("/run/systemd/system")
_SYSTEM_LOGS = ("var/log/cloud-init.log", "var/log/cloud-init-output.log", "var/log/vmdirac/contextualise.log")


class Logs:
    """This VM's logs on their way to the manager, for a VM that may stay after all: not over and over."""

    def __init__(self, client: Client, work_dir: Path) -> None:
        self._client, self._work_dir, self._again_at = client, work_dir, 0.0

    def note_work(self) -> None:
        """Payloads run: what was handed over is not the last word."""
        self._again_at = 0.0

    def hand_over(self) -> None:
        """Give the manager the logs, unless it has them already."""
        if time.monotonic() >= self._again_at:
            had = hand_over(self._client, self._work_dir)
            self._again_at = time.monotonic() + (_AGAIN if had else _AGAIN_IN_VAIN)


def hand_over(client: Client, work_dir: Path) -> bool:
    """Give the manager this VM's logs; one that does not want them, or does not answer, keeps nobody up.

    Returns:
        Whether there is no use in trying again.
    """
    try:
        archive = work_dir / "logs.tar.gz"
        pack(gathered(work_dir), archive)
        return archive.stat().st_size > MAX_LOG or _patiently(lambda: client.upload("log", archive))
    except OSError as error:
        say(f"logs cannot be packed: {error.strerror}")
        return False


def gathered(work_dir: Path) -> Dict[str, bytes]:
    """Return the ends of the logs there are, by name: the worker's own, and what the machine said while it booted."""
    own = work_dir / WORKER_LOG
    # The work folder is PREFIX/var/lib/vmdirac: where a VM has no root of its own, its logs have the same prefix.
    prefix = work_dir.parents[2] if len(work_dir.parents) > 2 else Path("/")  # noqa: PLR2004 -- three folders up
    ours = {WORKER_LOG + ".1": older(own), PILOT_LOG: work_dir / PILOT_LOG}
    paths = {**ours, **{Path(name).name: prefix / name for name in _SYSTEM_LOGS}}
    found = {name: _end(path) for name, path in {**paths, WORKER_LOG: own}.items()}
    found["console.log"] = _console()
    return {name: data for name, data in found.items() if data}


def pack(files: Dict[str, bytes], archive: Path) -> None:
    """Write files to a tar.gz. Raises OSError."""
    with tarfile.open(archive, "w:gz", compresslevel=6) as tar:
        for name, data in files.items():
            member = tarfile.TarInfo(name)
            member.size, member.mtime, member.mode = len(data), int(time.time()), 0o600
            tar.addfile(member, io.BytesIO(data))


def _end(path: Path) -> Optional[bytes]:
    with contextlib.suppress(OSError), path.open("rb") as file:
        file.seek(max(0, path.stat().st_size - _MOST))
        return file.read(_MOST)
    return None


def _console() -> Optional[bytes]:
    """Return what kernel and services said since the boot."""
    if not _SYSTEMD.is_dir():
        return None  # no machine of its own: these would be its host's
    with contextlib.suppress(OSError, subprocess.TimeoutExpired):
        done = subprocess.run(_JOURNAL, capture_output=True, check=False, timeout=_JOURNAL_SECONDS)
        return done.stdout[-_MOST:]
    return None


def _patiently(upload: Callable[[], object]) -> bool:
    for attempt in range(_TRIES):
        try:
            upload()
            return True  # noqa: TRY300 -- the loop is the "else"
        except Refused as error:
            say(f"logs: {error}")
            return True
        except TalkError as error:
            say(f"logs: {error}")
        if attempt + 1 < _TRIES:
            time.sleep(_PAUSE)
    return False
