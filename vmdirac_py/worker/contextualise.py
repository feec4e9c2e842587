"""Make this machine what its roles say: fetch them, see that there is an Ansible, and run it here.

Called by `boot.py` out of the bundle, before there is a worker. What the commands print goes to `LOG`; packages come
from the mirrors of role `profile` alone, if it names any.
"""

import contextlib
import io
import json
import os
import re
import shutil
import subprocess
import tarfile
from pathlib import Path, PurePosixPath
from typing import Any, Callable, Dict, Iterator, List, Protocol, Sequence, Tuple

from . import baked

CONTEXT = "/etc/vmdirac/context.json"
CONTENT = "/var/lib/vmdirac/content"
MIRRORS = "/var/lib/vmdirac/mirrors.list"
LOG = "/var/log/vmdirac/contextualise.log"
PLAYBOOK = f"{CONTENT}/ansible_collections/vmdirac/cloud/playbooks/contextualise.yml"
PATH = os.environ.get("PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin")
_ENVIRONMENT = {
    "PATH": PATH,
    "HOME": "/root",
    "LC_ALL": "C.UTF-8",
    "DEBIAN_FRONTEND": "noninteractive",
    "ANSIBLE_NOCOLOR": "1",
}
_TASK = re.compile(r"^(?:TASK|RUNNING HANDLER) \[(.+?)\] \**$", re.MULTILINE)
_FAILURE = re.compile(r"^(?:fatal|failed): \[.+?\].*?=> ", re.MULTILINE)  # "failed" is an item of a loop
_TRIES = 3  # of package mirrors
_SHORTEST = 1.0  # seconds; what is begun late still gets a moment

# What is said of a mirror, and what it may be: as in role `profile`, which checks it too, but after its use here.
WORDS = {
    "name": r"[A-Za-z0-9][A-Za-z0-9._-]*\Z",
    "url": r"(https?|file):(?!//[^/]*@)[!-~]+\Z",
    "suite": r"[!-~]*\Z",
    "components": r"[!-~]+\Z",
    "key": r"[!-~]*\Z",
}
MEND = "one word each; a url is http, https or file, without user and password"

Mirrors = Sequence[Dict[str, Any]]


class Failed(Exception):
    """This machine cannot be made what it should be; the text says why."""


class Machine(Protocol):
    """What `boot.py` lends: paths below its root, files by hash, and the time that is left."""

    @property
    def seconds_left(self) -> float:
        """How long it may still take."""

    def path(self, path: str) -> Path:
        """Return where a path lies."""

    def fetch(self, sha256: str) -> bytes:
        """Return a file by its hash. Raises OSError."""

    def write(self, path: str, data: bytes, mode: int) -> None:
        """Write a file."""


def apply(machine: Machine, roles_sha256: str) -> None:
    """Apply the roles that the context names, unless the image was baked with all of it.

    Raises:
        Failed: a role, or Ansible's installation, failed or took too long.
        OSError: the roles cannot be fetched or written.
    """
    context = machine.path(CONTEXT)
    variables = json.loads(context.read_text())
    if baked.complete(machine.path, variables, roles_sha256):
        return
    for name, data in unpacked(machine.fetch(roles_sha256)):
        machine.write(f"{CONTENT}/{name}", data, 0o644)
    if not shutil.which("ansible-playbook", path=PATH):
        _install(machine, variables.get("profile_mirrors", []))
    playbook = str(machine.path(PLAYBOOK))
    if _logged(machine, ["ansible-playbook", "-i", "localhost,", "-c", "local", "-e", f"@{context}", playbook]):
        raise Failed(why(machine.path(LOG).read_text(errors="replace")))


def unpacked(archive: bytes) -> Iterator[Tuple[str, bytes]]:
    """Yield the files of a tar archive by name; nothing but plain files below its top is taken. Raises Failed."""
    with tarfile.open(fileobj=io.BytesIO(archive)) as tar:
        for member in tar:
            name = PurePosixPath(member.name)
            content = tar.extractfile(member) if member.isreg() else None
            if content is None or name.is_absolute() or ".." in name.parts:
                raise Failed(f"the archive of roles holds {member.name}, which is no plain file below its top")
            yield str(name), content.read()


def _install(machine: Machine, mirrors: Mirrors) -> None:
    manager = next((name for name in MANAGERS if shutil.which(name, path=PATH)), "")
    if not manager:
        raise Failed(f"ansible-core is missing, and none of {', '.join(MANAGERS)} is there to install it")
    check(mirrors)
    machine.write(MIRRORS, "".join(f"{apt_line(mirror)}\n" for mirror in mirrors).encode(), 0o644)
    for command in MANAGERS[manager](mirrors, str(machine.path(MIRRORS))):
        if all(_logged(machine, command) for _ in range(_TRIES)):
            raise Failed(f"ansible-core cannot be installed by {manager}: {_last_line(machine)}")


def _logged(machine: Machine, command: Sequence[str]) -> int:
    """Run a command with its output in the log; return its exit code."""
    file, seconds = machine.path(LOG), max(_SHORTEST, machine.seconds_left)
    file.parent.mkdir(parents=True, exist_ok=True)
    own = {**_ENVIRONMENT, "ANSIBLE_COLLECTIONS_PATH": str(machine.path(CONTENT))}
    with file.open("ab") as log:
        try:
            done = subprocess.run(
                command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=own, timeout=seconds, check=False
            )
        except subprocess.TimeoutExpired:
            raise Failed(f"{command[0]} did not end within the {seconds:.0f} s that were left") from None
    return done.returncode


def _last_line(machine: Machine) -> str:
    lines = machine.path(LOG).read_text(errors="replace").split("\n")
    return next((line.strip() for line in reversed(lines) if line.strip()), "it said nothing")


def check(mirrors: Mirrors) -> None:
    """See that each mirror can be a line of a file and an argument.

    Raises:
        Failed: one cannot; no address is repeated.
    """
    for number, mirror in enumerate(mirrors):
        for option, pattern in WORDS.items():
            given = mirror.get(option, [])
            words = given if isinstance(given, list) else [given]
            if not all(isinstance(word, str) and re.match(pattern, word) for word in words):
                raise Failed(f"profile_mirrors: the {option} of mirror {number + 1} is unfit: {MEND}")


def apt_line(mirror: Dict[str, Any]) -> str:
    """Return a mirror (an entry of `profile_mirrors`) as a line of apt's sources."""
    trust = [f"signed-by={mirror['key']}"] if mirror.get("key") else []
    trust += ["trusted=yes"] if mirror.get("trusted") else []
    options = [f"[{' '.join(trust)}]"] if trust else []
    return " ".join(["deb", *options, mirror["url"], mirror.get("suite", ""), *mirror.get("components", [])])


def by_apt(mirrors: Mirrors, lists: str) -> List[List[str]]:
    """Return the commands that install Ansible with apt; `lists` is the file that holds the mirrors' lines."""
    own = ["-o", f"Dir::Etc::sourcelist={lists}", "-o", "Dir::Etc::sourceparts=/dev/null"] if mirrors else []
    apt = ["apt-get", "-o", "DPkg::Lock::Timeout=600", *own]
    return [[*apt, "update"], [*apt, "install", "-y", "--no-install-recommends", "ansible-core"]]


def by_dnf(mirrors: Mirrors, _lists: str) -> List[List[str]]:
    """Return the command that installs Ansible with dnf."""
    own: List[str] = []
    for mirror in mirrors:
        name, checked = mirror["name"], 0 if mirror.get("trusted") else 1
        own += [f"--repofrompath={name},{mirror['url']}", f"--repo={name}", f"--setopt={name}.gpgcheck={checked}"]
        own += [f"--setopt={name}.gpgkey=file://{mirror['key']}"] if mirror.get("key") else []
    return [["dnf", "-y", *own, "install", "ansible-core"]]


MANAGERS: Dict[str, Callable[[Mirrors, str], List[List[str]]]] = {"apt-get": by_apt, "dnf": by_dnf}


def why(log: str) -> str:
    """Return the task that failed last and its message, out of what ansible-playbook wrote."""
    failures = list(_FAILURE.finditer(log))
    before, failure = (log[: failures[-1].start()], log[failures[-1].end() :]) if failures else (log, "")
    tasks = _TASK.findall(before)
    if not failures or not tasks:
        return next((line for line in reversed(log.split("\n")) if line.strip()), "ansible-playbook said nothing")
    return f"{tasks[-1]}: {_message(failure)}"


def _message(failure: str) -> str:
    """Return what a failed task says of itself, and the last words of the program it ran."""
    with contextlib.suppress(ValueError, KeyError, TypeError, AttributeError):
        told = json.JSONDecoder().raw_decode(failure[failure.index("{") :])[0]
        words = [str(told["msg"]), *str(told.get("stderr", "")).strip().split("\n")[-1:]]
        return ": ".join(word for word in words if word)
    return failure.partition("\n")[0]
