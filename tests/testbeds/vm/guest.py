"""One guest: systemd as pid 1 of namespaces of its own, over a copy-on-write layer of the tree."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from tests.support.wait import until
from tests.testbeds.common.errors import Broke
from vmdirac_py.base.processes import alive, start_time

from .network import INSIDE, Network

CLEAN = {"PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "LANG": "C.UTF-8"}
PROPAGATED = Path("/run/systemd/nspawn/propagate")
"""Where nspawn leaves an empty folder for each name it ran under."""
LAYERS = ("upper", "work", "merged")
Files = dict[str, tuple[str | bytes, int]]
"""Path in the guest: content and permission bits."""


@dataclass(frozen=True, slots=True)
class Start:
    """What a guest is started with.

    Args:
        files: what lies in it before its first boot.
        metadata: what the metadata server tells it, texts by path.
        environment: of its init; cloud-init looks there in a container for what a hypervisor's firmware tells.
    """

    files: Files = field(default_factory=dict)
    metadata: Mapping[str, str] = field(default_factory=dict)
    environment: Mapping[str, str] = field(default_factory=dict)


class Guest:
    """A guest that was started."""

    def __init__(self, folder: Path, name: str, machine: str, process: subprocess.Popen[bytes]) -> None:
        self.folder, self.name = folder, name
        self._propagated = PROPAGATED / machine
        self._process = process
        self.started_at = time.time()
        """When it was started, epoch seconds."""
        self._inner = (0, 0)

    @property
    def upper(self) -> Path:
        """What it wrote, seen from the machine."""
        return self.folder / "upper"

    @property
    def console(self) -> Path:
        """What it printed."""
        return self.folder / "console"

    @property
    def lives(self) -> bool:
        """Whether it has not powered off."""
        return self._process.poll() is None

    @property
    def init(self) -> int:
        """The pid of its first process, seen from the machine.

        Raises:
            AssertionError: it did not start.
        """
        if not alive(*self._inner):
            until(self._found, what=f"the init of {self.name}")
        return self._inner[0]

    def run(self, *command: str, uid: int = 0, check: bool = True) -> subprocess.CompletedProcess[str]:
        """Run a command in it, as this user; raise `Broke` when it fails and that counts."""
        drop = ["setpriv", f"--reuid={uid}", f"--regid={uid}", "--clear-groups", "--no-new-privs"] if uid else []
        enter = ["nsenter", f"--target={self.init}", "--mount", "--uts", "--ipc", "--net", "--pid", "--root", "--wd=/"]
        done = subprocess.run([*enter, *drop, *command], capture_output=True, text=True, check=False, env=CLEAN)
        if check and done.returncode:
            raise Broke(f"{' '.join(command)}: {done.stdout}{done.stderr}", where=self.name)
        return done

    def power_off(self) -> None:
        """Ask it to shut down in order; `lives` tells when it has."""
        self.run("systemctl", "poweroff", check=False)

    def kill(self) -> None:
        """End it at once, and all its processes."""
        with contextlib.suppress(AssertionError, ProcessLookupError, Broke):  # it may be ending just now
            if self.lives:
                os.kill(self.init, signal.SIGKILL)
        self._process.kill()
        self._process.wait()
        with contextlib.suppress(OSError):
            self._propagated.rmdir()

    def remove(self) -> None:
        """Remove what it wrote, once it has ended."""
        shutil.rmtree(self.folder, ignore_errors=True)

    def _found(self) -> bool:
        """Look for the first process of the inner pid namespace: a child of nspawn's."""
        if not self.lives:
            raise Broke("ended before its init ran", where=str(self.console))
        for pid in _children(self._process.pid):
            if _first_inside(pid):
                self._inner = (pid, start_time(pid) or 0)
        return alive(*self._inner)


def start(
    folder: Path, layers: Sequence[Path], net: Network, name: str, given: Start, marks: Mapping[str, str]
) -> Guest:
    """Start a guest over these layers; raises `Broke` when its network could not be made."""
    for layer in LAYERS:
        (folder / layer).mkdir(parents=True)
    _lay(folder / "upper", given.files)
    number = net.next_guest()
    (net.metadata / f"{number}.json").write_text(json.dumps(dict(given.metadata)))
    machine = f"vmbed{net.number}-{number}"
    words = [str(folder), ":".join(map(str, layers)), machine, str(net.number), str(number)]
    # its init bears the marks as well: it is gone a moment after nspawn is
    options = [f"--setenv={key}={value}" for key, value in {**given.environment, **marks}.items()]
    process = _spawn([str(INSIDE / "start.sh"), *words, *options], folder / "console", marks)
    try:
        until(lambda: _apart(process), what="the network namespace of a guest")
        net.plug(process.pid, number)
        _go(process)
    except BaseException:
        process.kill()
        process.wait()
        raise
    return Guest(folder, name, machine, process)


def _spawn(command: Sequence[str], console: Path, marks: Mapping[str, str]) -> subprocess.Popen[bytes]:
    enter = ["unshare", "--net", "--mount", "--propagation", "private"]
    with console.open("ab") as printed:
        return subprocess.Popen(
            [*enter, *command],
            stdin=subprocess.PIPE,
            stdout=printed,
            stderr=printed,
            env={**CLEAN, **marks},
            start_new_session=True,
        )


def _apart(process: subprocess.Popen[bytes]) -> bool:
    """Tell whether a process has a network of its own by now: until then its links would be ours."""
    return Path(f"/proc/{process.pid}/ns/net").readlink() != Path("/proc/self/ns/net").readlink()


def _go(process: subprocess.Popen[bytes]) -> None:
    assert process.stdin
    process.stdin.write(b"go\n")
    process.stdin.close()


def _lay(upper: Path, files: Files) -> None:
    for name, (content, mode) in files.items():
        file = upper / name.lstrip("/")
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content.encode() if isinstance(content, str) else content)
        file.chmod(mode)


def _first_inside(pid: int) -> bool:
    """Tell whether a process is the first of a pid namespace below ours."""
    try:
        lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    except OSError:
        return False
    pids = next(line.split()[1:] for line in lines if line.startswith("NSpid"))
    return len(pids) > 1 and pids[-1] == "1"


def _children(pid: int) -> list[int]:
    try:
        found = [int(word) for word in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    except OSError:
        return []
    return found + [inner for child in found for inner in _children(child)]
