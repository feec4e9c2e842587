"""`serve`, `run`, `up`: the long-running commands."""

from __future__ import annotations

import signal
import threading
import time
from typing import Annotated

import typer

from .common import opened
from .output import console

TEND_SECONDS = 0.2


def register(app: typer.Typer) -> None:
    """Add the commands of this file."""
    app.command()(serve)
    app.command()(run)
    app.command()(up)


def serve() -> None:
    """Run the manager: the service VMs and people talk to."""
    from vmdirac_py.manager.serve import serve as serve_until_stopped

    with opened() as ctx:
        serve_until_stopped(ctx)


def run() -> None:
    """Run the scheduler: plan, act, list, until stopped. Only one an installation."""
    from vmdirac_py.scheduler.daemon import Daemon

    with opened() as ctx:
        daemon = Daemon(ctx)
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: daemon.stop())
        daemon.run()


def up(
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Say nothing while all is well.")] = False,
) -> None:
    """Run everything of this installation on this machine, embedded clouds included, until Ctrl-C.

    At the end the embedded clouds' VMs are stopped; VMs on real clouds go on without us.
    """
    from .stack import local_clouds, only_one, standard_stack

    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    with opened() as ctx, only_one(ctx.home), local_clouds(ctx) as clouds:
        stack = standard_stack(ctx.home)
        stack.on_death = lambda name, code: console.print(f"{name} ended with {code}; starting it again")
        try:
            stack.start()
            if not quiet:
                console.print(f"manager and scheduler run, logs in {ctx.home.logs}; embedded clouds: {len(clouds)}")
                console.print("in another terminal: vmdirac status; vmdirac job submit ...; Ctrl-C stops all")
            while not stop.is_set():
                stack.tend()
                time.sleep(TEND_SECONDS)
        finally:
            stack.stop()
