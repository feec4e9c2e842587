"""What a bed is made of, as one word: kept data of another recipe is not used again."""

from __future__ import annotations

import hashlib
from pathlib import Path

from . import wanted
from .environment import environment

CHARACTERS = 12
HERE = Path(__file__).parent
MADE_FROM = ("schemas.py", "inside/seed.py")


def word() -> str:
    """Return the word of this checkout: it changes with the versions and with what is laid into the databases."""
    parts = [environment().place.name, repr(wanted.PROJECTS), repr(wanted.CONTENT)]
    parts += [(HERE / name).read_text() for name in MADE_FROM]
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:CHARACTERS]
