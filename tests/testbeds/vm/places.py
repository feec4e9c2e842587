"""Where the tree and the beds' own files lie."""

from __future__ import annotations

import os
from pathlib import Path

CACHE_VARIABLE = "VMDIRAC_VM_CACHE"


def cache() -> Path:
    """Return the folder of trees: `$VMDIRAC_VM_CACHE`, else one in the user's cache; made when it is missing."""
    given = os.environ.get(CACHE_VARIABLE)
    folder = Path(given or Path.home() / ".cache/vmdirac_py/vm").expanduser().resolve()
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    return folder


def hand() -> Path:
    """Return the folder of the bed that is brought up by hand."""
    return cache() / "hand"
