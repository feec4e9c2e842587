"""The command line of a bed: `up|down|status|wipe [--home DIR] [--json]`."""

from __future__ import annotations

import argparse
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Generic

from vmdirac_py.base.errors import VmdiracError

from . import sharing
from .life import BedT, Life, PlacesT
from .places import written

INTERRUPTED = 130


class Command(Generic[BedT, PlacesT]):
    """What a person does with beds of one kind; `told`: what to do with one that is up, in words."""

    def __init__(self, module: str, words: str, life: Life[BedT, PlacesT], told: Callable[[BedT], str]) -> None:
        self._module, self._words, self._life, self._told = module, words, life, told

    def main(self) -> int:
        """Do as told; 0: done, or up; 1: not up, or failed, and why."""
        given = self._given()
        home = Path(given.home).expanduser().resolve()
        signal.signal(signal.SIGTERM, signal.default_int_handler)
        verbs = {"up": self._up, "down": self._down, "wipe": self._wipe, "status": self._status}
        try:
            return verbs[given.verb](home, json=given.json)
        except VmdiracError as error:
            _say(f"{type(error).__name__}: {error}")
            return 1
        except KeyboardInterrupt:
            _say("interrupted; what was started is stopped")
            return INTERRUPTED

    def _given(self) -> argparse.Namespace:
        home = self._life.home()
        line = argparse.ArgumentParser(prog=f"python -m {self._module}", description=self._words)
        line.add_argument("verb", choices=("up", "down", "status", "wipe"), help="wipe: down, and forget all it holds")
        line.add_argument("--home", default=home, help="folder of the bed (default: %(default)s, which tests share)")
        line.add_argument("--json", action="store_true", help="the bed or its state as JSON on standard output")
        return line.parse_args()

    def _up(self, home: Path, *, json: bool) -> int:
        bed = self._life.bring_up(home, _say)
        sharing.hold(self._life.places(home))
        sys.stdout.write(written(bed).decode() + "\n" if json else self._told(bed))
        return 0

    def _down(self, home: Path, *, json: bool) -> int:
        return self._taken_down(home, json=json, forget=False)

    def _wipe(self, home: Path, *, json: bool) -> int:
        return self._taken_down(home, json=json, forget=True)

    def _taken_down(self, home: Path, *, json: bool, forget: bool) -> int:
        self._life.take_down(home, _say, forget=forget)
        sys.stdout.write(f'{{"home": "{home}", "up": false}}\n' if json else f"down: {home}\n")
        return 0

    def _status(self, home: Path, *, json: bool) -> int:
        found = self._life.status(home)
        sys.stdout.write(found.as_json() if json else found.table())
        return 0 if found.up else 1


def _say(words: str) -> None:
    sys.stderr.write(f"{words}\n")
    sys.stderr.flush()
