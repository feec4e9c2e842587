"""From a machine's first process to its payload's first instruction: a bare tree, and one the roles were baked into.

Machines are systemd-nspawn's over the test bed's Debian, with its cloud-init and its ansible-core. They share the
host's kernel and processor: wall-clock times hold for cores as busy as these were. Processor time is that of all
processes of the machine up to the payload. The roles set up a site's mirror, a package from it, accounts, the metadata
cut-off and the worker's service.
"""

from __future__ import annotations

import json
import shutil
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from tests.support.baking import bake
from tests.support.booted import PATIENCE_SECONDS, Booted, booted_on
from tests.support.chroot import Machine
from tests.support.debs import repository
from tests.support.moto_account import moto_account
from tests.support.stand_ins import PACKAGES
from tests.support.there import There
from tests.testbeds.vm import tree
from tests.testbeds.vm.sources import nocloud

from .figures import Numbers
from .machine import ROOT

RUNS = 3
MIRROR = "/srv/mirror"
CONTEXT = {
    "profile": {
        "mirrors": [{"name": "site", "url": f"file:{MIRROR}", "suite": "./", "trusted": True}],
        "packages": ["vo-tools"],
    },
    "worker": {"payload_users": 8},
}
PAYLOAD = """date +%s.%N
cat /proc/[0-9]*/stat 2>/dev/null | sed 's/.*) //' | awk '{ t += $12 + $13 + $14 + $15 } END { print t / 100 }'"""
"""Prints its own start, and the processor seconds of all processes of its machine, dead children included."""


def measure(*, quick: bool) -> Numbers:
    """Return, for a bare and a baked tree, wall-clock and processor seconds to the payload."""
    del quick
    scratch = ROOT / ".vmdirac"
    scratch.mkdir(exist_ok=True)
    folder = Path(tempfile.mkdtemp(prefix="boot-", dir=scratch))
    try:
        mirror = _layer(folder / "mirror")
        bare, variables = _life(folder / "bare", [mirror / "upper"])
        baked = _layer(folder / "baked")
        done = bake(baked, tree.place(), variables)
        assert done.returncode == 0, done.stdout
        ready, _ = _life(folder / "ready", [baked / "upper"])
        return {
            f"{kind}_{name}": value for kind, life in (("bare", bare), ("baked", ready)) for name, value in life.items()
        }
    finally:
        shutil.rmtree(folder)


def _layer(folder: Path) -> Path:
    """Return a layer that has the mirror."""
    Machine.over(Path(), folder)
    repository(folder / "upper" / MIRROR.lstrip("/"), PACKAGES)
    return folder


def _life(folder: Path, layers: Sequence[Path]) -> tuple[dict[str, float], dict[str, object]]:
    """Return what a machine's way to its payload took, and what the roles were given."""
    folder.mkdir()
    with (
        moto_account(folder) as cloud,
        booted_on(folder, cloud, nocloud, _say, layers=layers, pool_context=CONTEXT) as there,
    ):
        (job,) = there.submit(PAYLOAD)
        there.until_done([job], seconds=PATIENCE_SECONDS)
        at, seconds = map(float, there.vmdirac("job", "output", str(job), "--print").stdout.split())
        variables = json.loads(there.vmdirac("image", "variables", "alpha-2core").stdout)
        return {"wall_s": at - _started(there), "cpu_s": seconds}, variables


def _started(there: There) -> float:
    assert isinstance(there.filling, Booted)
    (guest,) = there.filling.bed.guests.values()
    return guest.started_at


def _say(words: str) -> None:
    sys.stderr.write(f"{words}\n")
