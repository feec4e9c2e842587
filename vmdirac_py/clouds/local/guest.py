"""The init of a VM: writes the files, runs the commands, keeps the console small, powers off at the end.

Copied into the VM and run by whatever Python is there (3.9 or newer, standard library only). Its one argument
is a JSON file: id, address, root (prefix of all paths; empty where the VM has a file system of its own),
files [path, base64, mode], commands [[argument, ...], ...], delay (seconds), fails.
"""

from __future__ import annotations

import base64
import contextlib
import json
import os
import select
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

NICE = 10  # the machine is the control node's as well, and must stay responsive under full payloads
CONSOLE_BYTES = 1 << 20
PIECE = 1 << 16
DRAINED_PIECES = 16  # at once, so that a flood of output does not keep the init from its other work
POWEROFF_SECONDS = 1.0  # how often /run/poweroff is looked for
PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


class Console:
    """The console file, open on standard output; of more than CONSOLE_BYTES only the newer half is kept."""

    def __init__(self, handle: int) -> None:
        self._handle = handle

    def write(self, data: bytes) -> None:
        """Add to the console; a full disk loses console text, nothing else."""
        with contextlib.suppress(OSError):
            if os.fstat(self._handle).st_size + len(data) > CONSOLE_BYTES:
                self._trim()
            os.write(self._handle, data)

    def _trim(self) -> None:
        size = os.fstat(self._handle).st_size
        kept = os.pread(self._handle, CONSOLE_BYTES // 2, max(0, size - CONSOLE_BYTES // 2))
        os.ftruncate(self._handle, 0)
        os.write(self._handle, kept)

    def line(self, text: str) -> None:
        """Add a line of our own."""
        self.write(f"vmdirac: {text}\n".encode())


class Processes:
    """Runs one command after the other and reaps whatever dies, as an init must."""

    def __init__(self, console: Console, root: str, poweroff: Path) -> None:
        self._console = console
        self._root = root
        self._poweroff = poweroff
        self._output, self._into = os.pipe()
        self._wake, wakers = os.pipe()
        for handle in (self._output, self._wake, wakers):
            os.set_blocking(handle, False)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        signal.set_wakeup_fd(wakers, warn_on_full_buffer=False)

    def run(self, command: list[str]) -> int | None:
        """Run a command to its end and return its status, or None when the VM was powered off meanwhile."""
        with subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=self._into,
            stderr=self._into,
            cwd=self._root or "/",
            env=environment(self._root),
        ) as process:
            status = self._until(process.pid)
            process.returncode = status  # reaped by us, not by Popen
        return None if self._poweroff.exists() else status

    def _until(self, pid: int) -> int:
        while True:
            ended = self._reap()
            self._drain()
            if pid in ended:
                return ended[pid]
            if self._poweroff.exists():
                return 0
            select.select([self._output, self._wake], [], [], POWEROFF_SECONDS)

    def _reap(self) -> dict[int, int]:
        ended = {}
        with contextlib.suppress(BlockingIOError):
            os.read(self._wake, PIECE)
        with contextlib.suppress(ChildProcessError):
            while (found := os.waitpid(-1, os.WNOHANG))[0]:
                ended[found[0]] = os.waitstatus_to_exitcode(found[1])
        return ended

    def _drain(self) -> None:
        with contextlib.suppress(BlockingIOError):
            for _ in range(DRAINED_PIECES):
                self._console.write(os.read(self._output, PIECE))


def environment(root: str) -> dict[str, str]:
    """Return a clean environment for commands; `VMDIRAC_ROOT` says where the VM's files lie, if not in `/`."""
    own = str(Path(sys.executable).parent)
    path = PATH if own in PATH.split(":") else f"{own}:{PATH}"
    clean = {"PATH": path, "HOME": "/root", "LANG": "C.UTF-8", "VMDIRAC_INSTANCE": os.environ["VMDIRAC_INSTANCE"]}
    return {**clean, "HOME": root, "VMDIRAC_ROOT": root} if root else clean


def write_file(path: Path, content: bytes, mode: int) -> None:
    """Write by rename: files of the host can be replaced in a VM, but not opened for writing."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, temporary = tempfile.mkstemp(dir=path.parent)
    with os.fdopen(handle, "wb") as file:
        file.write(content)
        os.fchmod(handle, mode)
    Path(temporary).replace(path)


def prepare(seed: dict[str, Any], root: str) -> None:
    """Make what every VM has: its own id and address, and a folder for temporary files."""
    os.umask(0o022)
    Path(root + "/tmp").mkdir(parents=True, exist_ok=True)  # noqa: S108 -- the VM's own, not the host's
    write_file(Path(root + "/var/lib/cloud/data/instance-id"), (seed["id"] + "\n").encode(), 0o644)
    write_file(Path(root + "/run/vmdirac-address"), (seed["address"] + "\n").encode(), 0o644)


def contextualise(seed: dict[str, Any], console: Console) -> None:
    """Do what the user data says; returns when the VM is to be powered off."""
    root = seed["root"]
    places = {path: root + path for path, _, _ in seed["files"]}
    for path, content, mode in seed["files"]:
        write_file(Path(root + path), base64.b64decode(content), mode)
    processes = Processes(console, root, Path(root + "/run/poweroff"))
    for number, command in enumerate(seed["commands"]):
        status = run_one(processes, [places.get(argument, argument) for argument in command])
        if status is None:
            return
        console.line(f"runcmd[{number}] ended with {status}")


def run_one(processes: Processes, command: list[str]) -> int | str | None:
    """Run one command; one that cannot be started is told, and the next one runs, as in cloud-init."""
    try:
        return processes.run(command)
    except OSError as error:
        return f"{error.strerror}: {command[0]}"


def main() -> None:
    """Be the VM."""
    os.nice(NICE)
    seed = json.loads(Path(sys.argv[1]).read_text())
    console = Console(sys.stdout.fileno())
    try:
        prepare(seed, seed["root"])
        console.line(f"{seed['id']} at {seed['address']}")
        time.sleep(seed["delay"])
        if seed["fails"]:
            console.line("boot failure, as ordered")
        else:
            contextualise(seed, console)
    except OSError as error:
        console.line(f"boot failure: {error}")
    console.line("power off")
    if seed["root"]:
        os.killpg(0, signal.SIGKILL)


if __name__ == "__main__":
    main()
