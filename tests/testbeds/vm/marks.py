"""Processes of beds: marked with the bed's folder and its owner, found again by that, ended with all they hold.

Guests and switches live in namespaces that end with their first process, and mounts and links end with the namespaces:
to kill the marked processes is to clean up.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path

from vmdirac_py.base.processes import kill_marked, own_name, patience, surely_dead, variables

BED, OWNER = "VMDIRAC_VM_BED", "VMDIRAC_VM_OWNER"
HELD = "held by hand"
SECONDS = 20.0


def of(folder: Path, *, held: bool = False) -> dict[str, str]:
    """Return the marks of a process of a bed; unless it is held, it belongs to this process."""
    return {BED: str(folder), OWNER: HELD if held else own_name("bed")}


def end(folder: Path) -> bool:
    """End all processes of a bed; say whether none is left."""
    return kill_marked(f"{BED}={folder}", seconds=SECONDS)


def sweep() -> list[Path]:
    """End what beds left whose owners were killed; return their folders."""
    left = sorted({folder for folder, owner in _living() if surely_dead(owner)})
    for folder in left:
        end(folder)
    return left


def _living() -> Iterator[tuple[Path, str]]:
    until = patience()
    for entry in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            found = _marks(entry, until)
            if BED in found and int(entry.name) != os.getpid():
                yield Path(found[BED]), found.get(OWNER, HELD)


def _marks(process: Path, until: float) -> dict[str, str]:
    pairs = [pair.decode(errors="replace") for pair in variables(process, until)]
    return dict(pair.split("=", 1) for pair in pairs if pair.startswith((f"{BED}=", f"{OWNER}=")))
