from __future__ import annotations

import getpass
import os
import pwd
import socket
import time
from pathlib import Path
from typing import Any

import pytest

from vmdirac_py.worker import gate
from vmdirac_py.worker.gate import Around, failures
from vmdirac_py.worker.trust import Unreachable
from vmdirac_py.worker.wire import Time


class Clock:
    """A manager with a clock of its own, which is there or not."""

    def __init__(self, ahead: float = 0.0, away: int = 0) -> None:
        self.ahead, self.away, self.asked = ahead, away, 0

    def post(self, verb: str, _message: Any, kind: Any) -> Time:
        """Tell the time, once it is there."""
        assert (verb, kind) == ("time", Time)
        self.asked += 1
        if self.asked <= self.away:
            raise Unreachable("nobody answers")
        return Time(time.time() + self.ahead)


def around(folder: Path, clock: Any = None, **gate: Any) -> Around:
    """Return what the checks of a gate look at."""
    return Around(folder, clock or Clock(), gate)


def test_an_empty_gate_is_open(tmp_path: Path) -> None:
    """Nothing configured, nothing looked at: not even the manager."""
    clock = Clock()
    assert failures(around(tmp_path, clock)) == []
    assert clock.asked == 0


def test_every_row_has_a_key_of_its_own() -> None:
    """The table's keys are those a configuration may have, each once."""
    assert len(set(gate.KEYS)) == len(gate.KEYS) == len(gate.CHECKS) + 1


def test_all_that_is_wrong_is_told_at_once(tmp_path: Path) -> None:
    """Whoever mends the image sees everything: hardware, mounts, runtime."""
    wrong = failures(around(tmp_path, cores=10**6, cvmfs=["none.example.org"], runtime=[str(tmp_path / "none")]))
    assert [text.partition(" ")[0] for text in wrong] == ["cores:", "/cvmfs/none.example.org", "container"]


def test_missing_hardware_is_not_waited_for(tmp_path: Path) -> None:
    """What cannot pass by itself ends the gate at once, however long it may try."""
    assert failures(around(tmp_path, seconds=1e9, ram_mb=10**9), sleep=pytest.fail)


def test_what_passes_is_waited_for(tmp_path: Path) -> None:
    """A manager that is away for a while does not end the VM, and only what failed is looked at again."""
    clock, waits = Clock(away=2), list[float]()
    assert failures(around(tmp_path, clock, seconds=1e6, clock_seconds=60, cores=1), sleep=waits.append) == []
    assert (clock.asked, len(waits)) == (3, 2)


def test_patience_ends(tmp_path: Path) -> None:
    """After its seconds the gate gives up, with what is still wrong."""
    started = time.monotonic()
    (text,) = failures(around(tmp_path, Clock(away=10**9), seconds=0.3, clock_seconds=60))
    assert "nobody answers" in text
    assert time.monotonic() - started >= 0.3


@pytest.mark.parametrize(("ahead", "word"), [(0, ""), (50, ""), (-50, ""), (500, "behind"), (-500, "ahead of")])
def test_the_clock_is_held_against_the_managers(tmp_path: Path, ahead: float, word: str) -> None:
    """A minute either way is let pass; more is told with its direction."""
    wrong = failures(around(tmp_path, Clock(ahead), clock_seconds=60))
    assert bool(wrong) == bool(word)
    assert word in "".join(wrong)


def test_a_payload_user_is_neither_root_nor_the_workers(tmp_path: Path) -> None:
    """Users that do not exist, root, and the worker's own are refused."""
    own = pwd.getpwuid(os.geteuid()).pw_name
    assert len(failures(around(tmp_path, payload_users=["no-such-user", "root", own]))) == 3
    other = "nobody" if getpass.getuser() != "nobody" else "daemon"
    assert failures(around(tmp_path, payload_users=[other])) == []


def test_metadata_must_not_answer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An address that answers a payload's uid keeps the gate shut, one that does not opens it."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        monkeypatch.setattr(gate, "METADATA_PORT", server.getsockname()[1])
        (text,) = failures(around(tmp_path, metadata=["127.0.0.1"]))
        uid = pwd.getpwnam("nobody").pw_uid if os.geteuid() == 0 else os.geteuid()
        assert text == f"metadata 127.0.0.1 answers to uid {uid}"
    assert failures(around(tmp_path, metadata=["127.0.0.1"])) == []


def test_trust_anchors_and_runtime(tmp_path: Path) -> None:
    """A folder of certificates and a program that starts open the gate."""
    (tmp_path / "1.0").write_text("x")
    wanted = {"trust_anchors": {"folder": str(tmp_path), "crl_hours": 0}, "runtime": ["true"]}
    assert failures(around(tmp_path, **wanted)) == []
    (tmp_path / "1.0").unlink()
    assert failures(around(tmp_path, **wanted)) == [f"trust anchors {tmp_path} holds no certificates"]
