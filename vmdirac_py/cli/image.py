"""`vmdirac image ...`: which images are in use, and taking one out of it."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from .common import Json, actor, opened
from .durations import seconds
from .output import clock_time, console, print_json, span, table

if TYPE_CHECKING:
    from vmdirac_py.model.plan import RetireOrder

app = typer.Typer(no_args_is_help=True, help="Images of pools and VMs.")


@app.command("list")
def list_images(json: Json = False) -> None:
    """List images: the pools that launch from them, their VMs, what was baked, and orders to retire them."""
    from vmdirac_py.operations import images

    with opened() as ctx:
        uses = images.used(ctx)
    if json:
        print_json(uses)
        return
    columns = ("IMAGE", "POOLS", "VMS", "BEHIND", "BAKED", "OUTDATED FOR", "RETIRED")
    rows = [
        (
            use.image or "(not recorded)",
            ", ".join(use.pools),
            use.vms,
            use.behind or "",
            f"{use.bake.revision} {clock_time(use.bake.at)}" if use.bake else "",
            ", ".join(use.outdated),
            _told(use.order),
        )
        for use in uses
    ]
    console.print(table("", columns, rows))


@app.command("variables")
def show_variables(pool: Annotated[str, typer.Argument(help="The pool.")]) -> None:
    """Print what the roles are given at a pool's boot, as JSON, for `ansible-playbook -e @FILE` on an image."""
    from vmdirac_py.base.errors import UnknownThing
    from vmdirac_py.operations.contextualising import variables

    with opened() as ctx:
        found = ctx.inventory().pools.get(pool)
        if found is None:
            raise UnknownThing("no such pool", where=pool, mend="see `vmdirac inventory show`")
        print_json(variables(found, ctx.bundle, str(ctx.home.static / ctx.bundle.sha256)))


@app.command()
def record(
    image: Annotated[str, typer.Argument(help="The image, as pools name it.")],
    file: Annotated[Path, typer.Argument(help="What the bake left in it: /etc/vmdirac/baked.json.")],
) -> None:
    """Note what was baked into an image."""
    from vmdirac_py.base.errors import BadInput
    from vmdirac_py.operations import bakes, images

    try:
        text = file.read_text(encoding="utf-8")
    except (OSError, ValueError) as error:
        raise BadInput(f"cannot be read: {error}", where=str(file)) from None
    with opened() as ctx:
        bake = images.baked(ctx, image, bakes.read(text, where=str(file)), actor=actor())
    console.print(f"{image} holds revision {bake.revision}")


@app.command()
def retire(
    image: Annotated[str, typer.Argument(help="The image, as pools name it.")],
    within: Annotated[str, typer.Option(help="By when its last VM drains: 90s, 30min, 12h, 7d, 2w.")] = "7d",
    undo: Annotated[bool, typer.Option("--undo", help="Take the order back.")] = False,
    json: Json = False,
) -> None:
    """Drain the VMs of an image, spread evenly over a time, and launch none from it any more."""
    from vmdirac_py.operations import images

    with opened() as ctx:
        if undo:
            order = images.keep(ctx, image, actor=actor())
        else:
            order = images.retire(ctx, image, seconds=seconds(within), actor=actor())
    if json:
        print_json({"undone": undo, "order": order})
    elif undo:
        console.print(f"{image} may be launched again; VMs that drain already go on draining")
    else:
        console.print(f"{order.vms} VMs of {image} drain by {clock_time(order.by)}; none is launched from it")


def _told(order: RetireOrder | None) -> str:
    if order is None:
        return ""
    left = order.by - time.time()
    return f"by {clock_time(order.by)} ({span(left)} left), {order.actor}" if left > 0 else f"yes, {order.actor}"
