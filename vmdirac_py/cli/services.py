"""`serve`, `run`, `up`: the long-running commands."""

from __future__ import annotations

import signal
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
    from .embedded import running_clouds
    from .stack import only_one, standard_stack, stop_event

    stop = stop_event()
    with opened() as ctx, only_one(ctx.home), running_clouds(ctx) as clouds:
        stack = standard_stack(ctx.home)
        stack.on_death = lambda name, code: _tell_death(name, code, stack.last_line(name))
        try:
            stack.start()
            if not quiet:
                console.print(
                    f"manager and scheduler run, logs in {ctx.home.logs}; embedded clouds: {len(clouds.states)}"
                )
                console.print("in another terminal: vmdirac status; vmdirac job submit ...; Ctrl-C stops all")
            while not stop.wait(TEND_SECONDS):
                stack.tend()
                for state in clouds.tend():
                    console.print(f"embedded cloud {state} had ended; it runs again", highlight=False)
        finally:
            stack.stop()


def _tell_death(name: str, code: int, last_words: str) -> None:
    console.print(f"{name} ended with {code} ({last_words}); starting it again", highlight=False, markup=False)
