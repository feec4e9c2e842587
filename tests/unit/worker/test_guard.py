"""The guard of one payload: nothing a payload does makes it look away."""

from __future__ import annotations

import os
import threading
from pathlib import Path

import pytest

from vmdirac_py.worker.guard import Check, Guard, StreamLimit

MB = 2**20


class Fails:
    """A check that cannot look."""

    every = 0.0

    def look(self) -> str:
        """Fail."""
        raise FileNotFoundError("gone meanwhile")


class Third:
    """A check that finds something when it looks for the third time."""

    every = 0.0
    looks = 0

    def look(self) -> str:
        """Count."""
        self.looks += 1
        return "seen" if self.looks == 3 else ""


def test_a_check_that_fails_is_said_and_ends_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    """The other checks are looked at as before."""
    found, ended = [], threading.Event()

    def end(reason: str) -> None:
        found.append(reason)
        ended.set()

    checks: list[Check] = [Fails(), Third()]
    guard = Guard(checks, end)
    guard.start()
    assert ended.wait(20)
    guard.stop()
    assert set(found) == {"seen"}
    assert "FileNotFoundError: gone meanwhile" in capsys.readouterr().err


def test_a_payload_that_does_not_end_is_ended_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """One blow that misses is not the last."""
    monkeypatch.setattr("vmdirac_py.worker.guard._AGAIN_SECONDS", 0.01)
    blows, enough = [], threading.Event()

    def end(reason: str) -> None:
        blows.append(reason)
        if len(blows) == 3:
            enough.set()

    check = Third()
    check.looks = 2
    guard = Guard([check], end)
    guard.start()
    assert enough.wait(20)
    guard.stop()


@pytest.mark.parametrize("kind", ["nothing", "folder", "link", "pipe"])
def test_a_stream_may_become_anything(tmp_path: Path, kind: str) -> None:
    """What a payload puts in its stream's place is not looked at, nor cut."""
    large = tmp_path / "large"
    with large.open("wb") as file:
        file.truncate(5 * MB)
    stream = tmp_path / "std.out"
    make = {
        "nothing": lambda: None,
        "folder": stream.mkdir,
        "link": lambda: stream.symlink_to(large),
        "pipe": lambda: os.mkfifo(stream),
    }
    make[kind]()
    limit = StreamLimit([stream], 1)
    assert limit.look() == ""
    limit.cut()
    assert large.stat().st_size == 5 * MB


def test_a_stream_is_not_cut_behind_a_link(tmp_path: Path) -> None:
    """A payload that makes its stream's folder a link has nothing cut where that leads."""
    (tmp_path / "elsewhere").mkdir()
    with (tmp_path / "elsewhere" / "std.out").open("wb") as file:
        file.truncate(5 * MB)
    (tmp_path / "logs").symlink_to("elsewhere")
    limit = StreamLimit([tmp_path / "logs" / "std.out"], 1)
    limit.cut()
    assert (tmp_path / "elsewhere" / "std.out").stat().st_size == 5 * MB
