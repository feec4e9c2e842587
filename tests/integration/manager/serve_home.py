"""Serve the installation in the folder argv[1] as a process of its own; argv[2:] are settings (key=port)."""

from __future__ import annotations

import sys
from pathlib import Path

from tests.support.context import open_again
from vmdirac_py.base.clock import SystemClock
from vmdirac_py.base.errors import VmdiracError
from vmdirac_py.base.log import configure
from vmdirac_py.manager.serve import Ready, serve


def _say(ready: Ready) -> None:
    print(ready.vms, ready.people, flush=True)  # noqa: T201 the test reads it


def _main() -> int:
    configure()
    ports = {key: int(value) for key, value in (pair.split("=") for pair in sys.argv[2:])}
    ctx = open_again(Path(sys.argv[1]), clock=SystemClock(), **ports)
    try:
        serve(ctx, ready=_say)
    except VmdiracError as error:
        print(error, file=sys.stderr)  # noqa: T201 the test reads it
        return 3
    return 0


if __name__ == "__main__":
    sys.exit(_main())
