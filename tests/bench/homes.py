"""Installations on the project's disk, made for one run of a figure and removed after it."""

from __future__ import annotations

import contextlib
import shutil
import socket
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

from vmdirac_py.base.settings import Home, Settings
from vmdirac_py.cli.stack import Service, Stack
from vmdirac_py.clouds.local import start_server, stop_server
from vmdirac_py.installation import Installation, init, open_installation

from .machine import ROOT

ENDPOINT = {
    "endpoint_kind": "local",
    "endpoint_site": "CLOUD.Bench.here",
    "endpoint_max_vms": 10_000,
    "endpoint_ramp": 200,
    "endpoint_options": {"state": "localcloud"},
}
POOL = {"pool_flavor": "local", "pool_image": "host", "pool_max_vms": 10_000}
CLOUD = "localcloud"


@contextlib.contextmanager
def installation(*, cores: int, **pool: Any) -> Iterator[Installation]:
    """Make and open an installation with one VO `bench` and one pool `bench` on one embedded cloud."""
    scratch = ROOT / ".vmdirac"
    scratch.mkdir(exist_ok=True)
    folder = Path(tempfile.mkdtemp(prefix="bench-", dir=scratch))
    try:
        home = _made(folder, {**POOL, "pool_cores": cores, "pool_ram_mb": 1000 * cores, **pool})
        with open_installation(home) as ctx:
            yield ctx
    finally:
        shutil.rmtree(folder)


def _made(folder: Path, pool: dict[str, Any]) -> Home:
    children = {
        "endpoint_local": {"hosts": {"bench": pool}, "vars": ENDPOINT},
        "vo_bench": {"hosts": {"bench": {}}, "vars": {"vo_groups": ["bench_user"]}},
    }
    inventory = folder / "inventory.yml"
    inventory.write_text(yaml.safe_dump({"all": {"children": children}}))
    home = Home(folder / "home")
    init(home, Settings(inventory=str(inventory), vm_port=_free_port(), people_port=_free_port()))
    return home


def acting(ctx: Installation) -> bool:
    """Tell whether the scheduler plans and acts: it holds the plan's lease and the endpoint's."""
    with ctx.ledger.read() as tx:
        return len(tx.leases.holders()) > 1


def up(ctx: Installation) -> bool:
    """Tell whether scheduler and manager are ready."""
    return acting(ctx) and _listens(ctx.settings.vm_port)


def _listens(port: int) -> bool:
    with socket.socket() as one:
        return one.connect_ex(("127.0.0.1", port)) == 0


def _free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        port: int = one.getsockname()[1]
        return port


@contextlib.contextmanager
def cloud(ctx: Installation) -> Iterator[Path]:
    """Run the installation's embedded cloud; at the end its VMs are gone."""
    state = ctx.home.root / CLOUD
    start_server(state, max_vms=10_000, hidden=[ctx.home.root])
    try:
        yield state
    finally:
        stop_server(state, terminate=True)


@contextlib.contextmanager
def services(ctx: Installation, *names: str) -> Iterator[Stack]:
    """Run `serve` (the manager), `run` (the scheduler) or both, as `vmdirac up` does."""
    command = [sys.executable, "-m", "vmdirac_py.cli", "--home", str(ctx.home.root)]
    stack = Stack(ctx.home, [Service(name, [*command, name]) for name in names])
    try:
        stack.start()
        yield stack
    finally:
        stack.stop()
