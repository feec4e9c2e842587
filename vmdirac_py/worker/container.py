"""A payload in a container, by Apptainer or Singularity; the argument list is the same for both."""

import os
import shutil
from fnmatch import fnmatchcase
from pathlib import Path, PurePosixPath
from typing import Dict, List, Mapping

from .options import Options
from .payload import CannotRun, Place
from .walls import Command
from .wire import Slot, Work

RUNTIMES = ("apptainer", "singularity")
PASSED_ON = ("TERM", "VOMS_", "X509_", "XRD_", "Xrd_", "DIRAC_", "BEARER_TOKEN")
"""Beginnings of the variables a container inherits from its VM, as in DIRAC's SingularityCE."""
PASSED_IN = ("APPTAINERENV_", "SINGULARITYENV_")
"""Beginnings of the names by which a runtime takes variables for the container alone."""
_FUSE = Path("/dev/fuse")
_FEW_NAMESPACES = 100  # DIRAC's own bound: below it they are not meant for users


def runtime(options: Options) -> str:
    """Return the container runtime's path, empty when there is none."""
    found = (shutil.which(name) for name in ([options.runtime] if options.runtime else RUNTIMES))
    return next(filter(None, found), "")


def chosen_image(work: Work, options: Options) -> str:
    """Return the image a payload runs in.

    Raises:
        CannotRun: its user asked for one that is not allowed here, or there is none.
    """
    if not work.image:
        if not options.image:
            raise CannotRun("No container image: the job names none, and its pool has none for all")
        return options.image
    if ".." in PurePosixPath(work.image).parts or not any(fnmatchcase(work.image, one) for one in options.user_images):
        allowed = ", ".join(options.user_images) or "none"
        raise CannotRun(f"Container image {work.image} is not allowed here; allowed are: {allowed}")
    if work.image.startswith("/") and not Path(work.image).exists():
        raise CannotRun(f"Container image {work.image} is not there")
    return work.image


def user_namespaces(proc: Path = Path("/proc")) -> bool:
    """Tell whether ordinary users may make namespaces, so that the runtime needs no setuid helper."""
    settings = (("sys/user/max_user_namespaces", _FEW_NAMESPACES), ("sys/kernel/unprivileged_userns_clone", 0))
    for name, more_than in settings:
        try:
            if int((proc / name).read_text(encoding="ascii")) <= more_than:
                return False
        except OSError:  # Debian's own switch is not everywhere
            continue
    return True


class Contained:
    """A container with its own processes, shared memory, /tmp and home; it sees nothing that is not bound into it."""

    def __init__(self, program: str, image: str, place: Place, slot: Slot, options: Options) -> None:
        self._program, self._image, self._place, self._slot, self._options = program, image, place, slot, options

    def around(self, command: Command) -> Command:
        """Run it in the container, with what may be known from outside."""
        inherited = _inherited(os.environ, (*PASSED_ON, *self._options.environment))
        known = command.knowing(TMPDIR="/tmp")  # noqa: S108 -- the container's own
        variables = {**inherited, **known.variables, **self._passed_in(known.given)}
        return Command([*self._outer(), self._image, *command.arguments], variables)

    def stands(self) -> bool:
        """Say that it does: what a runtime cannot do is told in the words of its own."""
        return True

    def strike(self) -> bool:
        """End nothing: the group of the runtime is ended, and the container's processes with it."""
        return True

    def clear(self) -> None:
        """Leave nothing: all the container wrote lies in the payload's folders."""

    def _passed_in(self, given: Mapping[str, str]) -> Dict[str, str]:
        """Return the job's own variables under names that mean nothing outside: the runtime itself must not heed them.

        Singularity may be Apptainer by another name, which knows both ways and says so to each payload.
        """
        ways = PASSED_IN[:1] if PurePosixPath(self._program).name == RUNTIMES[0] else PASSED_IN
        return {way + name: value for way in ways for name, value in given.items()}

    def _outer(self) -> List[str]:
        home = str(self._place.home)
        arguments = [self._program, "exec", "--contain", "--ipc", "--pid"]
        arguments += ["--workdir", str(self._place.work), "--home", home, "--pwd", home]
        arguments += ["--userns"] if user_namespaces() else []
        arguments += ["--nv"] if self._slot.gpu_ids else []
        for bind in self._binds():
            arguments += ["--bind", bind]
        return arguments

    def _binds(self) -> List[str]:
        """Return the binds of sources that are there: a runtime refuses others."""
        place = self._place
        told = (place.credentials, place.job_features, place.machine_features)
        wanted = [*self._options.binds, *(f"{folder}:{folder}:ro" for folder in told)]
        wanted += [str(_FUSE)] if self._options.nested else []
        return [bind for bind in wanted if Path(bind.partition(":")[0]).exists()]


def _inherited(variables: Mapping[str, str], beginnings: "tuple[str, ...]") -> Dict[str, str]:
    return {name: value for name, value in variables.items() if name.startswith(beginnings)}
