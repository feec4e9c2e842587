"""Files that come with the program: beside the package in a checkout, inside it when installed."""

from __future__ import annotations

from pathlib import Path

from .errors import Unusable

PACKAGE = Path(__file__).resolve().parent.parent


def shared(relative: str) -> Path:
    """Return where a shipped file or folder lies (`inventories/quickstart`, `examples/jobs` ...).

    Raises:
        Unusable: the program was installed without it.
    """
    for root in (PACKAGE / "share", PACKAGE.parent):
        if (root / relative).exists():
            return root / relative
    raise Unusable("this file is missing from the installed program", where=relative, mend="install it again")
