"""What stands around a payload: each wall adds itself to the command line, ends what is inside, and cleans up."""

import os
import resource
import shlex
from pathlib import Path
from types import MappingProxyType
from typing import Dict, List, Mapping, NamedTuple, Protocol

from .cgroup import MB, Group, Limits
from .processes import kill_marked

ENTRY_FAILED = 125  # exit code of a wall that could not be put up
_ENTER = f"""
up=$1
shift
for door do shift; [ "$door" = -- ] && break; echo 0 > "$door" || exit {ENTRY_FAILED}; done
: > "$up" || exit {ENTRY_FAILED}
exec "$@"
"""

# A shell has variables of its own that nobody else may set: those are passed over.
_EXPORT = "command export {}={} 2>/dev/null || :\n"
_GIVE = '. "$0"; exec "$@"'
_NOTHING: Mapping[str, str] = MappingProxyType({})


class Command(NamedTuple):
    """An argument list, its whole environment, and what the job adds to that: `given`.

    Programs that stand around a payload may run as root and see `variables` alone. What is `given` may hold anything,
    as a library to load or a PATH: the innermost wall puts it in place, as late as that.
    """

    arguments: List[str]
    variables: Dict[str, str]
    given: Mapping[str, str] = _NOTHING

    def within(self, *outer: str) -> "Command":
        """Return this command as arguments of another program."""
        return self._replace(arguments=[*outer, *self.arguments])

    def knowing(self, **variables: str) -> "Command":
        """Return this command with more variables, which the job cannot change."""
        left = {name: value for name, value in self.given.items() if name not in variables}
        return self._replace(variables={**self.variables, **variables}, given=left)


class Wall(Protocol):
    """One kind of enclosure of one payload."""

    def around(self, command: Command) -> Command:
        """Return the command that runs `command` inside."""

    def stands(self) -> bool:
        """Tell whether it was put up; what is inside of one that was not never began."""

    def strike(self) -> bool:
        """End everything inside; return whether nothing is left. May be called more than once."""

    def clear(self) -> None:
        """Remove what the payload left outside of its folders, once everything is ended."""


class Given:
    """The job's own variables, put in place when nothing of ours is left to run.

    Args:
        file: where they are kept; the payload may read it, as a command line everybody could.
    """

    def __init__(self, file: Path) -> None:
        self._file = file

    def around(self, command: Command) -> Command:
        """Let a shell read them and become the command. Raises OSError."""
        lines = [_EXPORT.format(name, shlex.quote(value)) for name, value in command.given.items()]
        if not lines:
            return command
        self._file.touch(0o600, exist_ok=False)
        self._file.write_text("".join(lines), encoding="utf-8", errors="surrogateescape")
        # The folder's group is that of the slot's user.
        os.chown(self._file, -1, self._file.parent.stat().st_gid)
        self._file.chmod(0o440)
        inner = command.within("/bin/sh", "-c", _GIVE, str(self._file))
        return inner._replace(given=_NOTHING)

    def stands(self) -> bool:
        """Say that it does: it is no enclosure."""
        return True

    def strike(self) -> bool:
        """End nothing: it is no enclosure."""
        return True

    def clear(self) -> None:
        """Leave nothing: the file lies in the payload's folders."""


class Marked:
    """A mark in the environment of every process."""

    def __init__(self, mark: str) -> None:
        self._name, _, self._value = mark.partition("=")

    def around(self, command: Command) -> Command:
        """Add the mark."""
        return command.knowing(**{self._name: self._value})

    def stands(self) -> bool:
        """Say that it does: a mark is there from the first."""
        return True

    def strike(self) -> bool:
        """End all that bear the mark."""
        return kill_marked(f"{self._name}={self._value}")

    def clear(self) -> None:
        """Leave nothing: a mark is no thing."""


class Caged:
    """A control group.

    Args:
        group: which.
        up: becomes a file when something is inside.
    """

    def __init__(self, group: Group, up: Path) -> None:
        self._group, self._up = group, up

    def around(self, command: Command) -> Command:
        """Let a shell enter the group and become the command."""
        return command.within(
            "/bin/sh", "-c", _ENTER, "vmdirac-enter", str(self._up), *map(str, self._group.doors), "--"
        )

    def stands(self) -> bool:
        """Tell whether something is inside, or was."""
        return self._up.exists()

    def strike(self) -> bool:
        """End all inside."""
        return self._group.kill()

    def clear(self) -> None:
        """Remove the group."""
        self._group.remove()


class Rationed:
    """Limits of single processes, for machines that give no control group.

    Args:
        limits: what the payload may take together; here each of its processes may take so much memory.
        own_user: whether nobody else's processes count against the number of this user's.
    """

    def __init__(self, limits: Limits, *, own_user: bool) -> None:
        self._options = ["--core=0"]
        if limits.ram_mb:
            self._options.append(f"--data={_allowed(resource.RLIMIT_DATA, limits.ram_mb * MB)}")
        if own_user:
            self._options.append(f"--nproc={_allowed(resource.RLIMIT_NPROC, limits.processes)}")

    def around(self, command: Command) -> Command:
        """Let `prlimit` (of util-linux) set the limits and become the command."""
        return command.within("prlimit", *self._options)

    def stands(self) -> bool:
        """Say that it does: limits that cannot be set are an exit code as any other."""
        return True

    def strike(self) -> bool:
        """End nothing: there is no handle to it."""
        return True

    def clear(self) -> None:
        """Leave nothing."""


def _allowed(kind: int, wanted: int) -> int:
    """Return the limit, or the one this worker has itself: only the kernel's own may raise that."""
    hard = resource.getrlimit(kind)[1]
    return wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)


def is_root() -> bool:
    """Tell whether this worker may become other users."""
    return os.geteuid() == 0
