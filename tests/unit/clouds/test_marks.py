"""Our mark as labels."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vmdirac_py.clouds.api import Mark
from vmdirac_py.clouds.marks import BATCH, INSTALLATION, from_labels, to_labels

MARK = Mark("i-1", "b-1", "astro", "astro-8", "vm-1")
texts = st.text(min_size=1, max_size=20)


@given(st.builds(Mark, texts, texts, texts, texts, st.text(max_size=20)), st.dictionaries(texts, texts))
def test_there_and_back(mark: Mark, others: dict[str, str]) -> None:
    """A mark comes back from its labels, whatever other labels the cloud or a person added."""
    assert from_labels({**others, **to_labels(mark)}) == mark


def test_the_names_of_labels() -> None:
    """Labels bear our prefix, and the two that drivers filter by have names of their own."""
    labels = to_labels(MARK)
    assert set(labels) == {f"vmdirac_{part}" for part in ("installation", "batch", "vo", "pool", "vm")}
    assert (labels[INSTALLATION], labels[BATCH]) == ("i-1", "b-1")


def test_no_label_is_empty() -> None:
    """A mark without a VM makes no label for it: some clouds refuse empty values."""
    assert "vmdirac_vm" not in to_labels(replace(MARK, vm=""))


@pytest.mark.parametrize("missing", ["installation", "batch", "vo", "pool"])
def test_a_part_of_a_mark_is_none(missing: str) -> None:
    """Labels that hold only a part of a mark are not ours."""
    labels = to_labels(MARK)
    del labels[f"vmdirac_{missing}"]
    assert from_labels(labels) is None


def test_foreign_labels_are_no_mark() -> None:
    """Labels of others hold no mark."""
    assert from_labels({"installation": "i-1", "batch": "b-1", "vo": "astro", "pool": "p"}) is None
    assert from_labels({}) is None
