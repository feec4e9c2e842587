"""A bed's life: killed, interrupted, brought up again, and never a process left."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.testbeds.common import processes
from tests.testbeds.openstack import LIFE, Cannot

pytestmark = pytest.mark.full
INTERRUPTED = 130


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Path]:
    """Return the home of a bed of its own, on a machine that can have one."""
    try:
        LIFE.prepared(lambda _: None)
    except Cannot as cannot:
        pytest.skip(f"no OpenStack here: {cannot}")
    yield tmp_path / "bed"
    processes.kill(tmp_path / "bed")


@pytest.fixture
def tool(home: Path) -> Callable[..., subprocess.Popen[str]]:
    """Return what starts the tool."""

    def start(verb: str) -> subprocess.Popen[str]:
        command = [sys.executable, "-m", "tests.testbeds.openstack", verb, "--home", str(home), "--json"]
        return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)

    return start


def _until(process: subprocess.Popen[str], words: str) -> None:
    """Read progress lines until one holds these words."""
    assert process.stderr is not None
    seen = []
    for line in process.stderr:
        seen.append(line)
        if words in line:
            return
    pytest.fail(f"never said {words!r}: {''.join(seen)}")


def _done(process: subprocess.Popen[str]) -> Any:
    output, errors = process.communicate()
    assert process.returncode == 0, errors
    return json.loads(output)


def test_a_bed_survives_all_that_is_done_to_it(home: Path, tool: Callable[..., subprocess.Popen[str]]) -> None:
    """Killed halfway, interrupted halfway, then up; up again at once; down; up with what it held; wiped."""
    with tool("up") as killed:
        _until(killed, "making the schemas")
        killed.kill()
    assert processes.running(home)

    with tool("up") as interrupted:
        _until(interrupted, "stopping what an earlier run left")
        _until(interrupted, "MariaDB, RabbitMQ and memcached are up")
        interrupted.send_signal(signal.SIGINT)
        interrupted.communicate()
    assert interrupted.returncode == INTERRUPTED
    assert processes.living(home) == []

    first, second = tool("up"), tool("up")
    up = _done(first)
    assert _done(second) == up
    assert _done(tool("status"))["up"]

    _done(tool("down"))
    assert processes.living(home) == []

    assert _done(tool("up"))["projects"] == up["projects"]
    _done(tool("wipe"))
    assert processes.living(home) == []
    assert not home.exists()
