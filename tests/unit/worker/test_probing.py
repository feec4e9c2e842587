from __future__ import annotations

import os
import socket
import time
from pathlib import Path

import pytest

from vmdirac_py.worker.probing import Trial, failing, look

AS_ROOT = pytest.mark.skipif(os.geteuid() != 0, reason="only root can become somebody else")


def test_what_is_well_says_nothing(tmp_path: Path) -> None:
    """A probe that finds nothing wrong, and a command that succeeds, are silent."""
    (tmp_path / "file").write_text("x")
    assert failing([look("files", "folder", str(tmp_path)), Trial("true", ["true"])], 20) == []


def test_each_failure_is_told_in_its_words(tmp_path: Path) -> None:
    """What a probe found, what a command said, its exit code, and a program that is not there."""
    trials = [
        look("files", "one", str(tmp_path)),
        look("files", "two", str(tmp_path / "none")),
        Trial("three", ["sh", "-c", "echo no user namespaces >&2; exit 1"]),
        Trial("four", ["false"]),
        Trial("five", [str(tmp_path / "none")]),
    ]
    assert failing(trials, 20) == [
        "one is empty",
        "two cannot be read: No such file or directory",
        "three no user namespaces",
        "four fails with exit code 1",
        "five cannot be looked at: No such file or directory",
    ]


def test_what_hangs_hangs_nobody(tmp_path: Path) -> None:
    """Reading from a pipe nobody writes to ends with its time, and several hang side by side."""
    os.mkfifo(tmp_path / "pipe")
    reads = Trial("mount", ["cat", str(tmp_path / "pipe")])
    started = time.monotonic()
    assert failing([reads] * 5, 0.5) == ["mount does not answer within 0.5 s"] * 5
    assert time.monotonic() - started < 5 * 0.5 + 5


@AS_ROOT
def test_a_trial_runs_as_whom_it_should() -> None:
    """An address is tried by the payload's uid, not by the worker's."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        trial = look("unreachable", "metadata", "127.0.0.1", str(server.getsockname()[1]), uid=65534)
        assert failing([trial], 20) == ["metadata answers to uid 65534"]
    assert failing([Trial("id", ["sh", "-c", "id -u; id -G; exit 1"], 65534)], 20) == ["id 65534 65534"]
