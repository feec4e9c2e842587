"""Running VMs: prepare a private folder, start the processes, end them for certain.

A VM's process waits for one word on its standard input before it does anything, so that its record, with pid
and start time, is on disk first: a server killed in between leaves nothing running that nobody knows.
"""

from __future__ import annotations

import base64
import contextlib
import json
import os
import signal
import subprocess
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from vmdirac_py.base.processes import alive, kill_marked, start_time

from .disks import CLEAN_ENVIRONMENT, GUEST, make_disk, remove_disk
from .isolation import Isolation
from .records import Record, Store
from .userdata import Script

KILL_SECONDS = 10.0


def mark_of(instance: str) -> str:
    """Return the environment mark every process of a VM bears."""
    return f"VMDIRAC_INSTANCE={instance}"


class Runner:
    """Starts and ends the processes of VMs.

    Args:
        store: where their files lie.
        isolation: how they are kept apart, as found by the probe.
    """

    def __init__(self, store: Store, isolation: Isolation) -> None:
        self._store = store
        self._isolation = isolation
        self._children: dict[str, subprocess.Popen[bytes]] = {}

    def prepare(self, record: Record, script: Script) -> None:
        """Make the VM's private folder with its seed. Raises OSError."""
        disk = self._store.disk(record.id)
        root = self._isolation.root_of(disk)
        make_disk(disk, GUEST.read_bytes(), json.dumps(_seed(record, script, root)))
        self._isolation.give(disk)

    def start(self, record: Record, before: Callable[[int, int], None]) -> None:
        """Start the VM; `before(pid, started)` is called before it does anything. Raises OSError."""
        flags = os.O_RDWR | os.O_CREAT | os.O_APPEND
        console = os.open(self._store.console(record.id), flags, 0o600)
        try:
            child = self._spawn(record, console)
        finally:
            os.close(console)
        self._children[record.id] = child
        try:
            before(child.pid, start_time(child.pid) or 0)
        except OSError:
            child.kill()
            raise
        _let_go(child)

    def _spawn(self, record: Record, console: int) -> subprocess.Popen[bytes]:
        command = self._isolation.command(self._store.disk(record.id), record.id)
        return subprocess.Popen(
            ["sh", "-c", 'read -r go && exec "$@" </dev/null', "vm", *command],
            stdin=subprocess.PIPE,
            stdout=console,
            stderr=console,
            cwd="/",
            start_new_session=True,
            env={**CLEAN_ENVIRONMENT, "VMDIRAC_INSTANCE": record.id},
        )

    def lives(self, record: Record) -> bool:
        """Tell whether the VM's process lives."""
        if child := self._children.get(record.id):
            child.poll()
        return bool(record.pid) and alive(record.pid, record.started)

    def kill(self, records: Sequence[Record]) -> list[Record]:
        """SIGKILL the VMs, then wait until nothing of them is left; return those of which something is."""
        inner = {record.id: _children_of(record) for record in records}
        for record in records:
            _kill(record)
        until = time.monotonic() + KILL_SECONDS
        return [record for record in records if not self._gone(record, inner[record.id], until)]

    def _gone(self, record: Record, inner: Sequence[tuple[int, int]], until: float) -> bool:
        clean = kill_marked(mark_of(record.id), seconds=max(0.1, until - time.monotonic()))
        while self.lives(record) or any(alive(*process) for process in inner):
            if time.monotonic() > until:
                return False
            time.sleep(0.005)
        return clean

    def clean(self, instance: str) -> None:
        """Remove a dead VM's private folder."""
        if child := self._children.pop(instance, None):
            child.wait()
        remove_disk(self._store.disk(instance))


def _let_go(child: subprocess.Popen[bytes]) -> None:
    assert child.stdin is not None
    with contextlib.suppress(BrokenPipeError):
        child.stdin.write(b"go\n")
        child.stdin.close()


def _seed(record: Record, script: Script, root: str) -> dict[str, object]:
    return {
        "id": record.id,
        "address": record.address,
        "root": root,
        "files": [(file.path, base64.b64encode(file.content).decode(), file.mode) for file in script.files],
        "commands": script.commands,
        "delay": record.boot_delay,
        "fails": record.boot_fails,
    }


def _kill(record: Record) -> None:
    if record.pid and alive(record.pid, record.started):
        with contextlib.suppress(ProcessLookupError):
            os.kill(record.pid, signal.SIGKILL)


def _children_of(record: Record) -> list[tuple[int, int]]:
    """Return the inner init of a namespace VM: when it is gone, the kernel has ended all it held."""
    if not (record.pid and alive(record.pid, record.started)):
        return []
    try:
        pids = Path(f"/proc/{record.pid}/task/{record.pid}/children").read_text().split()
    except OSError:
        return []
    return [(int(pid), started) for pid in pids if (started := start_time(int(pid))) is not None]
