"""`python -m tests.testbeds.dirac up|down|status|wipe [--home DIR] [--json]`: a real DIRAC on loopback."""

from __future__ import annotations

import argparse
import signal
import sys
from pathlib import Path

from tests.testbeds.common import sharing
from tests.testbeds.common.memory import Status, rows
from vmdirac_py.base.errors import VmdiracError

from . import life
from .bed import Bed, written
from .places import CACHE_VARIABLE, Places, default_home
from .programs import NAMES

INTERRUPTED = 130


def main() -> int:
    """Do as told; 0: done, or up; 1: not up, or failed, and why."""
    given = _given()
    home = Path(given.home).expanduser().resolve() if given.home else default_home()
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        return {"up": _up, "down": _down, "wipe": _wipe, "status": _status}[given.verb](home, json=given.json)
    except VmdiracError as error:
        _say(f"{type(error).__name__}: {error}")
        return 1
    except KeyboardInterrupt:
        _say("interrupted; what was started is stopped")
        return INTERRUPTED


def _given() -> argparse.Namespace:
    line = argparse.ArgumentParser(prog="python -m tests.testbeds.dirac", description=__doc__)
    line.add_argument("verb", choices=("up", "down", "status", "wipe"), help="wipe: down, and forget all it holds")
    line.add_argument("--home", help=f"folder of the bed (default: wms in ${CACHE_VARIABLE}, which tests share)")
    line.add_argument("--json", action="store_true", help="the bed or its state as JSON on standard output")
    return line.parse_args()


def _up(home: Path, *, json: bool) -> int:
    bed = life.bring_up(home, _say)
    sharing.hold(Places(home))
    sys.stdout.write(written(bed).decode() + "\n" if json else _told(bed))
    return 0


def _down(home: Path, *, json: bool) -> int:
    life.take_down(home, _say)
    return _ended(home, json=json)


def _wipe(home: Path, *, json: bool) -> int:
    life.take_down(home, _say, forget=True)
    return _ended(home, json=json)


def _ended(home: Path, *, json: bool) -> int:
    sys.stdout.write(f'{{"home": "{home}", "up": false}}\n' if json else f"down: {home}\n")
    return 0


def _status(home: Path, *, json: bool) -> int:
    places = Places(home)
    up = life.up_already(places) is not None
    users = sorted(sharing.users(places))
    found = Status(home=home, up=up, programs=rows(home, NAMES), apis={}, users=users)
    sys.stdout.write(found.as_json() if json else found.table())
    return 0 if up else 1


def _told(bed: Bed) -> str:
    exports = [f"export {name}={value}" for name, value in bed.environment("dirac_admin").items()]
    return "\n".join([f"configuration {bed.configuration}", *exports, ""])


def _say(words: str) -> None:
    sys.stderr.write(f"{words}\n")
    sys.stderr.flush()


if __name__ == "__main__":
    sys.exit(main())
