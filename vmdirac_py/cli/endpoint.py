"""`vmdirac endpoint ...`: the clouds of the inventory, as the ledger knows them and as they answer now."""

from __future__ import annotations

import signal
from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, NoReturn

import typer

from .common import Json, actor, opened
from .output import clock_time, console, errors, print_json, table

if TYPE_CHECKING:
    from vmdirac_py.clouds.api import Finding
    from vmdirac_py.operations.endpoints import EndpointState

app = typer.Typer(no_args_is_help=True, help="Endpoints: tenants of clouds.")
COLUMNS = ("ENDPOINT", "KIND", "SITE", "POOLS", "VMS", "CLOUD", "OTHERS", "STATE", "LISTED")


@app.command("list")
def list_endpoints(json: Json = False) -> None:
    """List endpoints with their pools, VMs, limits, and whether they may be asked for VMs now."""
    from vmdirac_py.operations import endpoints

    with opened() as ctx:
        states = endpoints.overview(ctx)
    if json:
        print_json(states)
        return
    console.print(table("", COLUMNS, [_row(one) for one in states]))
    for warning in (warning for one in states for warning in one.warnings):
        console.print(f"warning: {warning}", markup=False)


def _row(one: EndpointState) -> tuple[object, ...]:
    return (
        one.name,
        one.kind,
        one.site,
        ", ".join(one.pools),
        _of(one.vms, one.max_vms),
        one.cloud.max_vms,
        one.cloud.foreign_vms,
        _state(one),
        clock_time(one.listing.complete_at),
    )


def _of(used: int, most: int | None) -> str:
    return str(used) if most is None else f"{used} of {most}"


def _state(one: EndpointState) -> str:
    details = {
        "blocked": f" until {clock_time(one.blocked_until)}: {one.blocked_by}",
        "probing": f", {one.allowance} at once",
        "unlisted": f": {one.listing.error}" if one.listing.error else "",
    }
    return f"{one.state}{details.get(one.state, '')}"


@app.command()
def check(
    name: Annotated[str, typer.Argument(help="An endpoint's name.")],
    launch: Annotated[bool, typer.Option("--launch", help="Start one VM as well, look at it, and end it.")] = False,
    pool: Annotated[str, typer.Option(help="The pool of that VM [default: the endpoint's first].")] = "",
    seconds: Annotated[float, typer.Option(help="How long that VM is waited for.")] = 300.0,
    json: Json = False,
) -> None:
    """Ask a cloud whether its endpoint and pools would work, and say what to mend; exit code 1 when something is."""
    from vmdirac_py.operations import canaries, endpoints

    with opened() as ctx:
        findings = endpoints.check(ctx, name)
        if launch and all(finding.ok for finding in findings if finding.about == "login"):
            signal.signal(signal.SIGTERM, _interrupt)
            findings += canaries.canary(ctx, name, pool=pool, seconds=seconds, actor=actor(), say=_say)
    if json:
        print_json({"endpoint": name, "ok": all(one.ok for one in findings), "findings": findings})
    else:
        _show(findings)
    if not all(finding.ok for finding in findings):
        raise typer.Exit(1)


def _interrupt(_number: int, _frame: object) -> NoReturn:
    """Let a polite end be like Ctrl-C: what was started is ended first."""
    raise KeyboardInterrupt


def _say(words: str) -> None:
    """Tell progress where it does not disturb what programs read."""
    errors.print(words, markup=False, highlight=False)


def _show(findings: Sequence[Finding]) -> None:
    rows = [("ok" if one.ok else "FAILED", one.about, one.text, one.mend) for one in findings]
    console.print(table("", ("", "ABOUT", "FOUND", "MEND"), rows))
