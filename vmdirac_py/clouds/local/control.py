"""Starting and stopping a server of the embedded cloud, for `vmdirac up` and tests."""

from __future__ import annotations

import os
import select
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from vmdirac_py.base.errors import Unusable
from vmdirac_py.clouds.api import CloudError

from .client import Client
from .places import LOG, server_pid

START_SECONDS = 60.0
STOP_SECONDS = 30.0
CONTROL_SECONDS = 60.0


def start_server(
    state: Path,
    *,
    max_vms: int | None = None,
    max_cores: int | None = None,
    hidden: Sequence[Path] = (),
    namespaces: bool = True,
) -> int:
    """Start a server that outlives us and return its pid, once it answers. Its log is `DIR/server.log`.

    Args:
        state: its state directory.
        max_vms: quota over all installations (None: the server's default).
        max_cores: likewise.
        hidden: directories no VM may see; name the installation's home.
        namespaces: False: process groups only.

    Raises:
        Unusable: it did not start; the error holds the last line of its log.
    """
    state.mkdir(parents=True, exist_ok=True, mode=0o700)
    command = [sys.executable, "-m", "vmdirac_py.clouds.local", "--state", str(state)]
    command += _flags(max_vms, max_cores, hidden, namespaces=namespaces)
    reading, writing = os.pipe()
    try:
        _spawn([*command, "--ready-fd", str(writing)], state / LOG, writing)
    finally:
        os.close(writing)
    if not _ready(reading) or (pid := server_pid(state)) is None:
        raise Unusable(f"the embedded cloud did not start: {_last_line(state / LOG)}", where=str(state))
    return pid


def stop_server(state: Path, *, terminate: bool = False) -> None:
    """Stop the server; its VMs live on unless `terminate`.

    Raises:
        CloudError: the VMs could not all be terminated; the server still runs.
        Unusable: it does not end.
    """
    pid = server_pid(state)
    if pid is None:
        return
    try:
        Client(state, CONTROL_SECONDS).call("stop", terminate=terminate)
    except CloudError:
        if terminate:
            raise
        os.kill(pid, signal.SIGTERM)
    until = time.monotonic() + STOP_SECONDS
    while server_pid(state) == pid:
        if time.monotonic() > until:
            raise Unusable("the server of the embedded cloud does not end", where=f"pid {pid}", mend="kill -9 it")
        time.sleep(0.01)


def set_faults(state: Path, *faults: dict[str, Any], clear: bool = False) -> None:
    """Set faults, after clearing those there are if `clear`. Raises CloudError."""
    Client(state, CONTROL_SECONDS).call("faults", set=list(faults), clear=clear)


def _flags(max_vms: int | None, max_cores: int | None, hidden: Sequence[Path], *, namespaces: bool) -> list[str]:
    flags = [f"--hide={path}" for path in hidden]
    flags += [] if max_vms is None else [f"--max-vms={max_vms}"]
    flags += [] if max_cores is None else [f"--cores={max_cores}"]
    return flags if namespaces else [*flags, "--no-namespaces"]


def _spawn(command: list[str], log: Path, ready: int) -> None:
    with os.fdopen(os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600), "ab") as file:
        subprocess.run(
            ["setsid", "--fork", *command],
            stdin=subprocess.DEVNULL,
            stdout=file,
            stderr=file,
            pass_fds=(ready,),
            check=True,
        )


def _ready(reading: int) -> bool:
    with os.fdopen(reading, "rb") as pipe:
        return bool(select.select([pipe], [], [], START_SECONDS)[0]) and pipe.readline() == b"ready\n"


def _last_line(log: Path) -> str:
    return log.read_text(errors="replace").rstrip().rpartition("\n")[2]
