"""A real `moto_server` process: EC2 (and what surrounds it) on a free port of 127.0.0.1, its validation switched on.

moto takes any credentials, never lacks capacity, knows no limits, starts `MinCount` instances whatever `MaxCount`
says, ignores client tokens and takes user data of any size: `fault_proxy` in front of it adds those.
"""

from __future__ import annotations

import atexit
import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from http.client import HTTPConnection
from pathlib import Path
from urllib.parse import urlsplit

STRICT = {
    "MOTO_ENABLE_AMI_VALIDATION": "true",
    "MOTO_EC2_ENABLE_INSTANCE_TYPE_VALIDATION": "true",
    "MOTO_ENABLE_KEYPAIR_VALIDATION": "true",
}
START_SECONDS = 60.0
RUNNING = re.compile(r"Running on (https?://127\.0\.0\.1:\d+)")


@contextmanager
def moto(folder: Path, *, tls: tuple[Path, Path] | None = None) -> Iterator[str]:
    """Start a fresh `moto_server`, which logs to `folder`/moto.log; give its URL, and stop it at the end.

    `tls` is a certificate and its key: then it speaks https.
    """
    folder.mkdir(parents=True, exist_ok=True)
    log = folder / "moto.log"
    process = _start(log, ["-c", str(tls[0]), "-k", str(tls[1])] if tls else [])
    try:
        yield _url_once_up(process, log)
    finally:
        process.terminate()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def reset(url: str) -> None:
    """Empty a server: what is left is what a fresh one has."""
    parts = urlsplit(url)
    connection = HTTPConnection(parts.hostname or "", parts.port, timeout=60)
    try:
        connection.request("POST", "/moto-api/reset")
        status = connection.getresponse().status
        assert status == 200, f"moto did not reset: {status}"
    finally:
        connection.close()


def _start(log: Path, more: list[str]) -> subprocess.Popen[bytes]:
    """Start on port 0: the kernel's choice is told in the log, and nobody can take it in between."""
    environment = {"PATH": os.environ["PATH"], "PYTHONUNBUFFERED": "1", **STRICT}
    command = [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", "0", *more]
    with log.open("wb") as out:
        return subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=out, stderr=out, env=environment)


def _url_once_up(process: subprocess.Popen[bytes], log: Path) -> str:
    until = time.monotonic() + START_SECONDS
    while not (found := RUNNING.search(log.read_text())):
        assert process.poll() is None, f"moto_server ended at once:\n{log.read_text()}"
        assert time.monotonic() < until, f"moto_server is not up after {START_SECONDS} s:\n{log.read_text()}"
        time.sleep(0.02)
    return found.group(1)


_kept: list[str] = []


def kept(folder: Path) -> str:
    """Return the URL of this process's own server, emptied; it is started once and stopped when the process ends."""
    if not _kept:
        stack = ExitStack()
        atexit.register(stack.close)
        _kept.append(stack.enter_context(moto(folder)))
    reset(_kept[0])
    return _kept[0]
