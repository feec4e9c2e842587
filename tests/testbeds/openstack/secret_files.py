"""A bed's secrets: random, one a file, made once."""

from __future__ import annotations

from secrets import token_urlsafe

from tests.testbeds.common.places import write_private

from . import wanted
from .places import Places

BYTES = 18


def kept(places: Places) -> dict[str, str]:
    """Return every secret by its name, made first where it is missing."""
    return {name: _kept(places, name) for name in wanted.secrets()}


def _kept(places: Places, name: str) -> str:
    file = places.secrets / name
    if not file.exists():
        write_private(file, token_urlsafe(BYTES))
    return file.read_text()
