"""The inventory's way into the ledger."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.context import TestContext, events
from vmdirac_py.base.errors import BadInput, Unusable
from vmdirac_py.ledger.revisions import SqlRevisions
from vmdirac_py.model.inventory import Inventory
from vmdirac_py.operations import revisions


@pytest.fixture
def tree(ctx: TestContext, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the inventory file of the installation; its reader takes `good NAME` for an inventory of that name."""
    file = ctx.home.root / "inventory"
    file.write_text("good one\n")

    def load(path: Path) -> Inventory:
        word, _, name = path.read_text().strip().partition(" ") if path.exists() else ("gone", "", "")
        if word == "lacking":
            raise Unusable("the inventory reader failed", where=str(path))
        if word != "good":
            raise BadInput(f"{word}: not an inventory", where=str(path))
        return Inventory(revisions.fingerprint(path), {}, {}, {}, commit=name)

    monkeypatch.setattr(revisions, "load", load)
    return file


def test_what_changed_becomes_active(ctx: TestContext, tree: Path) -> None:
    """A sound tree is active from now on; the same tree again changes nothing."""
    assert revisions.refresh(ctx).changed
    assert ctx.inventory().commit == "one"
    assert not revisions.refresh(ctx).changed
    tree.write_text("good two\n")
    assert revisions.refresh(ctx).changed
    assert ctx.inventory().commit == "two"


@pytest.mark.parametrize("content", ["broken", "lacking", None])
def test_a_broken_tree_keeps_the_last_good_one_and_says_so_once(
    ctx: TestContext, tree: Path, content: str | None
) -> None:
    """Broken, unreadable or gone: one alarm, however many cycles pass; whoever asks is told each time."""
    revisions.refresh(ctx)
    if content is None:
        tree.unlink()
    else:
        tree.write_text(content)
    refreshed = [revisions.refresh(ctx) for _ in range(4)]
    told = [one.error for one in refreshed]
    assert str(tree) in told[0]
    assert told[1:] == ["", "", ""]
    assert {one.standing_error for one in refreshed} == {told[0]}, "it never reads as fine"
    assert len(events(ctx, "alarm.inventory")) == 1
    assert ctx.inventory().commit == "one"


def test_what_breaks_again_is_told_again(ctx: TestContext, tree: Path) -> None:
    """Mended in between, the same mistake is news."""
    revisions.refresh(ctx)
    for content in ("broken", "good one\n", "broken"):
        tree.write_text(content)
        revisions.refresh(ctx)
    assert len(events(ctx, "alarm.inventory")) == 2


@pytest.mark.usefixtures("tree")
def test_what_the_machine_lacked_is_tried_again(ctx: TestContext, monkeypatch: pytest.MonkeyPatch) -> None:
    """A reader that failed for other reasons than the tree reads the same tree when it can."""
    sound = revisions.load

    def failing(_path: Path) -> Inventory:
        raise Unusable("no ansible here")

    monkeypatch.setattr(revisions, "load", failing)
    assert revisions.refresh(ctx).error
    monkeypatch.setattr(revisions, "load", sound)
    assert revisions.refresh(ctx).changed


def test_without_any_good_revision_it_is_an_error(
    ctx: TestContext, tree: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The very first inventory must be sound."""
    tree.write_text("broken")
    monkeypatch.setattr(SqlRevisions, "active", lambda _self: None)
    with pytest.raises(BadInput, match="broken"):
        revisions.refresh(ctx)
