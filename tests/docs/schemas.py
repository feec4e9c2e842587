"""The JSON schemas in `docs/schemas/` are those of the code."""

from __future__ import annotations

import json

from vmdirac_py.planner.schema import schema

from .pages import ROOT

FOLDER = ROOT / "docs/schemas"


def problems() -> list[str]:
    """Return every schema that is not what the code says, or is missing."""
    told = "a schema is not what the code says; run `python -m tests.docs --write`"
    return [f"docs/schemas/{name}: {told}" for name, text in _texts().items() if _present(name) != text]


def write() -> None:
    """Make every schema anew."""
    FOLDER.mkdir(exist_ok=True)
    for name, text in _texts().items():
        (FOLDER / name).write_text(text)


def _texts() -> dict[str, str]:
    return {f"{name}.json": json.dumps(made, indent=2) + "\n" for name, made in schema().items()}


def _present(name: str) -> str:
    path = FOLDER / name
    return path.read_text() if path.exists() else ""
