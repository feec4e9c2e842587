"""How VMs are kept apart on this machine: by namespaces where the kernel allows, else by process groups.

Only a real try tells what is allowed (AppArmor, containers, sysctl limits all forbid in their own way), so the
probe starts one VM that does nothing, once, when the server starts.
"""

from __future__ import annotations

import contextlib
import os
import pwd
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

from vmdirac_py.base.errors import Unusable

from .disks import CLEAN_ENVIRONMENT, make_disk, remove_disk

PROBE_SECONDS = 20.0
PROBE_INIT = b"import sys, json, ssl, subprocess, tempfile\nassert sys.version_info >= (3, 9)\n"
HOST_PYTHON = "/usr/bin/python3"
NAMESPACES = ("unshare", "--map-root-user", "-mpufi", "--kill-child")
# Hiding one of these would hide the system; below the second a home belongs to a system user.
SYSTEM = frozenset(
    {"/", "/bin", "/dev", "/etc", "/lib", "/lib64", "/proc", "/sbin", "/sys", "/usr", "/var", "/var/lib"}
)
SYSTEM_TREES = ("/bin/", "/dev/", "/lib/", "/proc/", "/sbin/", "/sys/", "/usr/")
PRIVATE = ("/etc/vmdirac", "/var/lib/vmdirac", "/media")
PROMISES = {
    "namespaces": "own process tree, host name, address and copy-on-write file system; cores and memory are "
    "counted, not limited; the network is the host's",
    "process group": "own process group and private folder; nothing is isolated or limited",
}


@dataclass(frozen=True, slots=True)
class Python:
    """The interpreter of the VMs, and the folder it is installed in, where that must be shown to VMs."""

    path: str
    home: str = ""


@dataclass(frozen=True, slots=True)
class User:
    """Whom a server started by root becomes for its VMs."""

    uid: int
    gid: int


@dataclass(frozen=True, slots=True)
class Isolation:
    """A way to run VMs. `user` is None when the server itself is an ordinary user's."""

    namespaces: bool
    python: Python
    user: User | None
    hidden: tuple[str, ...] = ()

    @property
    def kind(self) -> str:
        """Return the name of this way."""
        return "namespaces" if self.namespaces else "process group"

    def root_of(self, disk: Path) -> str:
        """Return the prefix of all paths in a VM: empty where it has a file system of its own."""
        return "" if self.namespaces else str(disk / "root")

    def give(self, disk: Path) -> None:
        """Make a VM's folder belong to the user it runs as."""
        if self.user is not None:
            for folder, _, files in os.walk(disk):
                for name in ("", *files):
                    os.chown(Path(folder, name), self.user.uid, self.user.gid)

    def command(self, disk: Path, hostname: str) -> list[str]:
        """Return the command that is the VM."""
        if self.namespaces:
            return self._namespace_command(disk, hostname)
        seed = disk / "seed"
        return [*self._drop(), self.python.path, "-I", str(seed / "init.py"), str(seed / "seed.json")]

    def _namespace_command(self, disk: Path, hostname: str) -> list[str]:
        if self.user is None:
            return [*NAMESPACES, *self._vm(str(disk), hostname)]
        out_of_root = [
            *("unshare", "--mount", "--propagation", "private", "sh", str(Path(__file__).with_name("root.sh"))),
            *(str(disk), self.python.home, str(self.user.uid), str(self.user.gid)),
        ]
        return [*out_of_root, *NAMESPACES, *self._vm("/mnt", hostname)]

    def _vm(self, disk: str, hostname: str) -> list[str]:
        return ["sh", f"{disk}/seed/vm.sh", disk, hostname, self.python.home, self.python.path, *self.hidden]

    def _drop(self) -> list[str]:
        if self.user is None:
            return []
        return ["setpriv", f"--reuid={self.user.uid}", f"--regid={self.user.gid}", "--clear-groups"]


def choose(state: Path, *, hidden: tuple[str, ...], user: str, allow_namespaces: bool = True) -> Isolation:
    """Find the best way that works here, by trying.

    Args:
        state: the cloud's state directory, hidden in VMs.
        hidden: more directories no VM may see.
        user: whom to become when started by root.
        allow_namespaces: False: do not even try them.

    Raises:
        Unusable: not even a process group works, or `user` does not exist, or a path cannot be hidden.
    """
    unprivileged = _user(user) if os.geteuid() == 0 else None
    ways = [
        Isolation(namespaces, python, unprivileged, _hidden(state, hidden) if namespaces else ())
        for namespaces in ((True, False) if allow_namespaces else (False,))
        for python in _pythons(namespaces=namespaces)
    ]
    errors = []
    for way in ways:
        if not (error := probe(way, state)):
            return way
        errors.append(f"{way.kind} with {way.python.path}: {error}")
    mend = "let the state directory be reachable for the VMs' user, or install Python 3.9 or newer as /usr/bin/python3"
    raise Unusable("no VM can run here: " + "; ".join(errors), where=str(state), mend=mend)


def probe(way: Isolation, state: Path) -> str:
    """Try to run one VM that does nothing; return why it failed, or nothing."""
    disk = Path(tempfile.mkdtemp(prefix="probe-", dir=state / "disks"))
    try:
        make_disk(disk, PROBE_INIT, "{}")
        way.give(disk)
        done = subprocess.run(
            way.command(disk, "probe"),
            cwd="/",
            env={**CLEAN_ENVIRONMENT, "VMDIRAC_INSTANCE": disk.name},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=PROBE_SECONDS,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        return str(error)
    finally:
        remove_disk(disk)
    text = done.stderr.decode(errors="replace").strip()
    return "" if done.returncode == 0 else text.rpartition("\n")[2] or f"ended with {done.returncode}"


def _pythons(*, namespaces: bool) -> list[Python]:
    base = Path(sys.base_prefix).resolve()
    binary = Path("bin", f"python{sys.version_info.major}.{sys.version_info.minor}")
    found = [Python(HOST_PYTHON)] if Path(HOST_PYTHON).exists() else []
    if (base / binary).exists() and base != Path("/usr"):
        found.append(Python(str(base / binary), str(base) if namespaces else ""))
    return found


def _user(name: str) -> User:
    try:
        entry = pwd.getpwnam(name)
    except KeyError:
        raise Unusable(f"no user {name}", where="--user", mend="name an unprivileged user for VMs") from None
    if entry.pw_uid == 0:
        raise Unusable("VMs must not run as root", where="--user", mend="name an unprivileged user for VMs")
    return User(entry.pw_uid, entry.pw_gid)


def _hidden(state: Path, more: tuple[str, ...]) -> tuple[str, ...]:
    given = [str(Path(path).expanduser().resolve()) for path in more]
    for path in given:
        if path in SYSTEM:
            raise Unusable(f"{path} cannot be hidden from VMs", where="--hide", mend="name a private directory")
    return tuple(dict.fromkeys([*_homes(), *PRIVATE, str(state.resolve()), *given]))


def _homes() -> list[str]:
    homes = [os.environ.get("HOME", "")]
    with contextlib.suppress(KeyError):
        homes.append(pwd.getpwuid(os.getuid()).pw_dir)
    resolved = [str(Path(home).resolve()) for home in homes if home]
    return [home for home in resolved if home not in SYSTEM and not home.startswith(SYSTEM_TREES)]


def tools_missing() -> list[str]:
    """Return the programs VMs need that are not on this machine."""
    return [name for name in ("sh", "unshare", "setpriv", "setsid") if shutil.which(name) is None]
