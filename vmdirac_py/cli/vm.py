"""`vmdirac vm ...`: the fleet, one by one."""

from __future__ import annotations

import time
from typing import Annotated

import typer

from vmdirac_py.base.errors import UnknownThing

from .beats import told
from .common import Json, actor, opened
from .output import clock_time, print_json, span, table
from .output import console as screen

app = typer.Typer(no_args_is_help=True, help="Virtual machines.")
Ids = Annotated[list[str], typer.Argument(help="VM ids.")]


@app.command("list")
def list_vms(
    vo: Annotated[str, typer.Option(help="Only this VO's.")] = "",
    pool: Annotated[str, typer.Option(help="Only this pool's.")] = "",
    everything: Annotated[bool, typer.Option("--all", "-a", help="Halted ones too.")] = False,
    json: Json = False,
) -> None:
    """List VMs."""
    from vmdirac_py.model.vm import VmState

    states = [state for state in VmState if everything or state is not VmState.HALTED]
    with opened() as ctx, ctx.ledger.read() as tx:
        vms = tx.vms.in_states(states, vo=vo, pool=pool)
        used = tx.jobs.used_cores([vm.id for vm in vms])
    if json:
        print_json([{"vm": vm, "busy_slots": used.get(vm.id, (0,))[0]} for vm in vms])
        return
    now = time.time()
    rows = [
        (v.id, v.vo, v.pool, v.state, span(now - v.state_since), f"{used.get(v.id, (0, 0))[1]}/{v.resources.cores}",
         v.instance_id, v.address) for v in vms
    ]  # fmt: skip
    screen.print(table("", ("VM", "VO", "POOL", "STATE", "FOR", "CORES", "INSTANCE", "ADDRESS"), rows))


@app.command()
def show(vm_id: Annotated[str, typer.Argument(help="A VM's id.")], json: Json = False) -> None:
    """Show one VM: what it is, its last heartbeat, its history."""
    from vmdirac_py.model.words import words

    with opened() as ctx, ctx.ledger.read() as tx:
        vm = tx.vms.get(vm_id)
        if vm is None:
            raise UnknownThing("no such VM", where=vm_id, mend="see `vmdirac vm list --all`")
        history = tx.vms.history(vm_id)
        beat = tx.observations.heartbeats([vm_id]).get(vm_id)
        commands = tx.commands.of(vm_id)
    if json:
        print_json({"vm": vm, "heartbeat": beat, "commands": commands, "history": history})
        return
    screen.print(f"{vm.id}: {vm.state}, pool {vm.pool}, VO {vm.vo}, instance {vm.instance_id or 'none'} {vm.address}")
    if beat:
        screen.print(table(f"last heartbeat, {clock_time(beat.at)}", ("WHAT", "IS"), told(beat.data)))
    rows = [(clock_time(s.at), s.to, s.actor, words(s.reason)) for s in history]
    screen.print(table("", ("AT", "STATE", "BY", "WHY"), rows))


@app.command()
def console(vm_id: Annotated[str, typer.Argument(help="A VM's id.")]) -> None:
    """Print what a VM wrote to its console, where its cloud shows that."""
    from vmdirac_py.operations import consoles

    with opened() as ctx:
        typer.echo(consoles.console(ctx, vm_id))


@app.command()
def logs(vm_id: Annotated[str, typer.Argument(help="A VM's id.")], json: Json = False) -> None:
    """Print the logs a VM left behind when it went."""
    from vmdirac_py.operations import vm_logs

    with opened() as ctx:
        found = vm_logs.read(ctx, vm_id)
    if json:
        print_json(found)
        return
    for name, text in found.items():
        typer.echo(f"--- {name}\n{text}")


@app.command()
def drain(
    ids: Ids, seconds: Annotated[float | None, typer.Option(help="How long it may take [default: the pool's].")] = None
) -> None:
    """Let VMs finish what runs and take no more, then retire them."""
    from vmdirac_py.operations import fleet

    with opened() as ctx:
        moved = fleet.drain(ctx, ids, actor=actor(), seconds=seconds)
    screen.print(f"draining: {', '.join(moved) or 'none (all were on their way out)'}")


@app.command()
def halt(ids: Ids) -> None:
    """Stop VMs now, whatever runs on them; their jobs are run again elsewhere."""
    from vmdirac_py.operations import fleet

    with opened() as ctx:
        moved = fleet.halt(ctx, ids, actor=actor())
    screen.print(f"stopping: {', '.join(moved) or 'none (all were on their way out)'}")
