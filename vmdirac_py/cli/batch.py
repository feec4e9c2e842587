"""`vmdirac batch ...`: what was asked of the clouds, and what they answered."""

from __future__ import annotations

from typing import Annotated

import typer

from .common import Json, opened
from .output import clock_time, console, print_json, table

app = typer.Typer(no_args_is_help=True, help="Launch and retire batches.")


@app.command("list")
def list_batches(
    endpoint: Annotated[str, typer.Option(help="Only this endpoint's.")] = "",
    everything: Annotated[bool, typer.Option("--all", "-a", help="Settled ones too.")] = False,
    json: Json = False,
) -> None:
    """List batches, oldest first."""
    from vmdirac_py.model.batch import BatchState

    settled = {BatchState.ANSWERED, BatchState.CLOSED}
    states = [state for state in BatchState if everything or state not in settled]
    with opened() as ctx, ctx.ledger.read() as tx:
        batches = tx.batches.in_states(states, endpoint=endpoint)
    if json:
        print_json(batches)
        return
    columns = ("BATCH", "KIND", "ENDPOINT", "POOL", "STATE", "WANTED", "DONE", "REFUSED", "AT", "BY", "ERROR")
    rows = [
        (b.id, b.kind, b.endpoint, b.pool, b.state, b.wanted, b.launched, b.refused, clock_time(b.created_at), b.actor,
         b.error_text) for b in batches
    ]  # fmt: skip
    console.print(table("", columns, rows))
