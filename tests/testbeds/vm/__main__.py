"""`python -m tests.testbeds.vm tree|up|down|status|wipe`: a Debian that boots in a container, for tests and by hand."""

from __future__ import annotations

import argparse
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

from tests.support.program import TOP, environment
from tests.support.wait import until
from vmdirac_py.base.errors import VmdiracError
from vmdirac_py.base.processes import marked

from . import marks, tree
from .bed import Bed
from .places import hand
from .sources import nocloud

INTERRUPTED = 130
NAME = "by-hand"
NOTHING = b"#cloud-config\n{}\n"
START_SECONDS = 60.0


def main() -> int:
    """Do as told; 0: done, or up; 1: not up, or failed, and why."""
    given = _given()
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    verbs = {"tree": _tree, "up": _up, "hold": _hold, "down": _down, "status": _status, "wipe": _wipe}
    try:
        return verbs[given.verb](given.user_data)
    except (VmdiracError, AssertionError) as error:
        _say(f"{type(error).__name__}: {error}")
        return 1
    except KeyboardInterrupt:
        return INTERRUPTED


def _given() -> argparse.Namespace:
    line = argparse.ArgumentParser(prog="python -m tests.testbeds.vm", description=__doc__)
    line.add_argument("verb", choices=("tree", "up", "down", "status", "wipe", "hold"), help="hold: up, and stay")
    line.add_argument("--user-data", type=Path, help="what the guest is given at `up` (default: nothing to do)")
    return line.parse_args()


def _tree(_: Path | None) -> int:
    sys.stdout.write(f"{tree.made(_say)}\n")
    return 0


def _up(user_data: Path | None) -> int:
    if _mine():
        return _status(None)
    tree.made(_say)
    shutil.rmtree(hand(), ignore_errors=True)
    hand().mkdir(parents=True)
    more = ["--user-data", str(user_data.resolve())] if user_data else []
    with (hand() / "log").open("ab") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "tests.testbeds.vm", "hold", *more],
            cwd=TOP,
            env=environment() | marks.of(hand(), held=True),
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
    up = hand() / "up"
    until(lambda: up.exists() or process.poll() is not None, seconds=START_SECONDS, what="the bed")
    return _status(None)


def _hold(user_data: Path | None) -> int:
    """Be the bed that is held; ends when it is told to, or its guest powered off."""
    with Bed(hand(), _say) as bed:
        guest = bed.boot(NAME, nocloud(NAME, user_data.read_bytes() if user_data else NOTHING))
        (hand() / "up").write_text(str(guest.init))
        until(lambda: not guest.lives, seconds=float("inf"), step=1.0)
    return 0


def _down(_: Path | None) -> int:
    done = marks.end(hand())
    _say(f"{'down' if done else 'not down'}: {hand()}")
    return 0 if done else 1


def _status(_: Path | None) -> int:
    held = _mine()
    for folder in marks.sweep():
        _say(f"cleaned what a killed bed left: {folder}")
    up = hand() / "up"
    if not held or not up.exists():
        sys.stdout.write(f"down; tree {tree.place()}\n")
        return 1
    enter = f"nsenter --target {up.read_text()} --mount --uts --ipc --net --pid --root --wd=/ bash"
    sys.stdout.write(f"up: {hand() / NAME} (upper, console)\n{enter}\n")
    return 0


def _wipe(given: Path | None) -> int:
    code = _down(given)
    shutil.rmtree(hand(), ignore_errors=True)
    tree.wipe(_say)
    return code


def _mine() -> list[int]:
    return [pid for pid in marked(f"{marks.BED}={hand()}") if pid != os.getpid()]


def _say(words: str) -> None:
    sys.stderr.write(f"{words}\n")
    sys.stderr.flush()


if __name__ == "__main__":
    sys.exit(main())
