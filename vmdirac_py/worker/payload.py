"""What a payload is given: its folders, its command line and its environment."""

import os
import re
import shlex
import shutil
from pathlib import Path
from typing import Dict, List, Optional, Sequence, Tuple

from . import features
from .files import remove_tree
from .sandbox import BadSandbox, inside
from .wire import Work

MARK = "VMDIRAC_JOB"
INSTANCE = "VMDIRAC_INSTANCE"
CREDENTIALS = "credentials"  # the folder of an attempt that holds its owner's proxy and token
_NAME = re.compile("[A-Za-z_][A-Za-z0-9_]*")
_SHOWN = 100  # characters of a name that may be anything
_PASS = 0o710  # a group may pass through and see nothing
_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


class CannotRun(Exception):
    """The payload cannot be started; the text becomes the job's minor status."""


class CannotHere(CannotRun):
    """The machine is to blame: the job shall go to another one."""


class Place:
    """The folders of one attempt at one job below `root`."""

    def __init__(self, root: Path, work: Work) -> None:
        self.top = root / f"{work.job}.{work.attempt}"
        self.home = self.top / "home"
        self.scratch = self.top / "tmp"
        self.work = self.top / "work"
        self.credentials = self.top / CREDENTIALS
        self.archive = self.top / "input.tar.gz"
        self.environment = self.top / "environment"
        self.machine_features = root.parent / features.MACHINE_FOLDER
        self.job_features = self.top / features.JOB_FOLDER

    def make(self) -> None:
        """Make the folders, fresh. Raises OSError."""
        self.remove()
        for folder in (self.top, *self.owned, self.credentials):
            folder.mkdir(parents=True)

    @property
    def owned(self) -> Tuple[Path, ...]:
        """The folders that are the payload's own: home, /tmp, and what a container needs."""
        return (self.home, self.scratch, self.work)

    def open_to(self, gid: int) -> None:
        """Let a group reach the folders that are the payload's own. Raises OSError."""
        for folder in (self.top, self.credentials):
            os.chown(folder, -1, gid)
            folder.chmod(_PASS)

    def remove(self) -> None:
        """Delete everything the payload left."""
        remove_tree(self.top)


def mark(vm: str, attempt: str) -> str:
    """Return the environment entry all processes of an attempt (`JOB.ATTEMPT`) carry.

    The VM's id is in it because VMs of the embedded cloud may see one another's processes.
    """
    return f"{MARK}={vm}/{attempt}"


def environment(work: Work, place: Place) -> Dict[str, str]:
    """Return the payload's environment as we make it; see `given` for what the job adds."""
    return {
        "PATH": _PATH,
        "HOME": str(place.home),
        "TMPDIR": str(place.scratch),
        "LANG": "C.UTF-8",
        "JOBID": str(work.job),
        "DIRAC_PROCESSORS": str(work.cores),
        "OMP_NUM_THREADS": str(work.cores),
        features.MACHINE: str(place.machine_features),
        features.JOB: str(place.job_features),
    }


def given(work: Work) -> Dict[str, str]:
    """Return what the job adds to its environment. Raises CannotRun."""
    for name, value in work.environment.items():
        if not _NAME.fullmatch(name) or "\0" in value:
            raise CannotRun(f"Bad environment variable: {name[:_SHOWN]!r}")
    return dict(work.environment)


def visible_gpus(ids: Sequence[int]) -> Dict[str, str]:
    """Return the variables that show a payload its own GPUs alone, none when it has none."""
    names = ",".join(map(str, ids))
    return {"CUDA_VISIBLE_DEVICES": names, "ROCR_VISIBLE_DEVICES": names, "NVIDIA_VISIBLE_DEVICES": names or "void"}


def instance() -> Dict[str, str]:
    """Return the mark of this VM in the embedded cloud, by which it ends all of a VM where it has no namespaces."""
    return {INSTANCE: os.environ[INSTANCE]} if INSTANCE in os.environ else {}


def command(work: Work, place: Place, path: Optional[str]) -> List[str]:
    """Return the argument list: a file of the sandbox, else a program found on `path` (None: wherever it will run).

    Raises:
        CannotRun: there is no such program, or the arguments' quotes do not match.
    """
    try:
        arguments = shlex.split(work.arguments)
    except ValueError as error:
        raise CannotRun(f"Bad arguments: {error}") from None
    own = _own(work, place)
    if own:
        own.chmod(own.stat().st_mode | 0o700)
        return [f"./{work.executable}", *arguments]
    relative = "/" in work.executable and not work.executable.startswith("/")
    if path is None and not relative:
        return [work.executable, *arguments]
    found = None if relative else shutil.which(work.executable, path=path)
    if not found:
        raise CannotRun(f"Executable not found: {work.executable}")
    return [found, *arguments]


def _own(work: Work, place: Place) -> Optional[Path]:
    """Return the executable when the sandbox brought it."""
    try:
        path = inside(place.home, work.executable)
    except BadSandbox:
        return None
    return path if path.is_file() else None
