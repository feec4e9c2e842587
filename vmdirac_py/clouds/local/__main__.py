"""`python -m vmdirac_py.clouds.local --state DIR`: be the server, or set a fault at one, or stop one."""

from __future__ import annotations

import argparse
import json
import logging
import sys
from pathlib import Path
from typing import Any

from vmdirac_py.base.errors import BadInput, VmdiracError

from .control import set_faults, stop_server
from .server import Options, run


def parser() -> argparse.ArgumentParser:
    """Return the command line."""
    line = argparse.ArgumentParser(prog="python -m vmdirac_py.clouds.local", description="The embedded cloud's server.")
    line.add_argument("--state", type=Path, required=True, metavar="DIR", help="state directory")
    line.add_argument("--socket", type=Path, metavar="PATH", help="socket, if not in the state directory")
    line.add_argument("--cores", type=int, metavar="N", help="quota of cores, over all installations")
    line.add_argument("--max-vms", type=int, default=64, metavar="N", help="quota of VMs (default: 64)")
    line.add_argument("--hide", action="append", default=[], metavar="DIR", help="directory no VM may see; repeatable")
    line.add_argument("--user", default="nobody", help="whom VMs run as when root starts this (default: nobody)")
    line.add_argument("--no-namespaces", action="store_true", help="process groups only: no isolation")
    line.add_argument("--ready-fd", type=int, metavar="FD", help="write `ready` there once it answers")
    line.add_argument("--fault", metavar="JSON", help="set a fault at the running server, and exit")
    line.add_argument("--clear-faults", action="store_true", help="clear the faults of the running server, and exit")
    line.add_argument("--stop", action="store_true", help="stop the running server, and exit")
    line.add_argument("--terminate", action="store_true", help="with --stop: end all VMs first")
    return line


def act(given: argparse.Namespace) -> None:
    """Do what the command line says. Raises VmdiracError."""
    state = given.state.expanduser().resolve()
    if given.fault or given.clear_faults:
        set_faults(state, *_faults(given.fault), clear=given.clear_faults)
    elif given.stop:
        stop_server(state, terminate=given.terminate)
    else:
        logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
        run(_options(given, state))


def _options(given: argparse.Namespace, state: Path) -> Options:
    return Options(
        state=state,
        socket=given.socket and given.socket.expanduser().resolve(),
        max_cores=given.cores,
        max_vms=given.max_vms,
        hidden=tuple(given.hide),
        user=given.user,
        namespaces=not given.no_namespaces,
        ready=given.ready_fd,
    )


def _faults(text: str | None) -> list[dict[str, Any]]:
    try:
        return [] if text is None else [json.loads(text)]
    except ValueError as error:
        raise BadInput(f"not JSON: {error}", where="--fault") from error


def main() -> None:
    """Run; exit status 2 with one line of words when that is not possible."""
    try:
        act(parser().parse_args())
    except VmdiracError as error:
        print(error, file=sys.stderr)  # noqa: T201 -- a command's answer
        sys.exit(2)


if __name__ == "__main__":
    main()
