"""The example pipelines run commands that exist, and both the same."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import yaml

from tests.docs import commands
from tests.docs.pages import ROOT

FOLDER = ROOT / "examples/gitops"
FILES = (".gitlab-ci.yml", ".github/workflows/inventory.yml")


def texts(plain: Any) -> Iterator[str]:
    """Yield every text in a document."""
    if isinstance(plain, dict):
        for one in plain.values():
            yield from texts(one)
    elif isinstance(plain, list):
        for one in plain:
            yield from texts(one)
    elif isinstance(plain, str):
        yield plain


def calls(name: str) -> list[str]:
    """Return the commands of ours that a pipeline runs, in order."""
    plain = yaml.safe_load((FOLDER / name).read_text())
    return [" ".join(text.split()) for text in texts(plain) if text.startswith("vmdirac ")]


@pytest.mark.parametrize("name", FILES)
def test_pipelines_run_what_there_is(name: str) -> None:
    """Every command exists with its options."""
    assert len(calls(name)) == 3
    assert commands.problems_in("".join(f"    {call}\n" for call in calls(name))) == []


def test_both_judge_alike() -> None:
    """The same commands in the same order."""
    assert calls(FILES[0]) == calls(FILES[1])
