"""An installation's past as a trace."""

from __future__ import annotations

import io
from pathlib import Path

import pytest

from tests.support.context import TestContext, submit, submit_many
from vmdirac_py.base.errors import BadInput
from vmdirac_py.model.job import JobState
from vmdirac_py.operations import history, jobs
from vmdirac_py.replay.traces.read import read


def ran(ctx: TestContext, seconds: float = 60.0, vo: str = "astro") -> None:
    """Let a job of jane's run to its end."""
    job = submit(ctx, vo=vo)
    with ctx.ledger.write() as tx:
        assert tx.jobs.take(job.queue, "vm-1", 1, at=ctx.clock.now())
        assert tx.jobs.move(job.id, (JobState.MATCHED,), JobState.RUNNING, at=ctx.clock.now())
    ctx.clock.advance(seconds)
    with ctx.ledger.write() as tx:
        assert tx.jobs.move(job.id, (JobState.RUNNING,), JobState.DONE, at=ctx.clock.now())


def exported(ctx: TestContext, **options: object) -> str:
    """Return the export as text."""
    stream = io.StringIO()
    history.export(ctx, stream, **options)  # type: ignore[arg-type]
    return stream.getvalue()


def test_what_ran_is_read_back_as_a_trace(ctx: TestContext, tmp_path: Path) -> None:
    """Finished jobs are in it with shape, run time and submission; waiting ones and those that never ran are not."""
    ran(ctx, 60.0)
    ran(ctx, 90.0, vo="bio")
    (killed, _) = submit_many(ctx, 2)
    jobs.kill(ctx, [killed.id], actor="test")
    path = tmp_path / "past.csv"
    assert history.export_file(ctx, path, names=True) == history.Export(written=2, never_ran=1)
    first, second = read(path).jobs
    assert (first.vo, first.owner, first.group, first.seconds) == ("astro", "jane", "astro_user", 60.0)
    assert (second.vo, second.seconds, second.at, second.shape.cpu_seconds) == ("bio", 90.0, 60.0, 3600)


def test_owners_have_pseudonyms(ctx: TestContext) -> None:
    """No name is told unless asked for; a pseudonym is the same in every export."""
    ran(ctx)
    text = exported(ctx)
    assert "jane" not in text
    assert exported(ctx) == text
    assert "jane" in exported(ctx, names=True)


def test_one_vo_can_be_chosen(ctx: TestContext) -> None:
    """Jobs of other VOs are left out on request."""
    ran(ctx)
    ran(ctx, vo="bio")
    assert exported(ctx, vo="bio").count("\n") == 2


def test_long_pasts_are_whole(ctx: TestContext, monkeypatch: pytest.MonkeyPatch) -> None:
    """A past of more jobs than are read at a time comes out whole, each job once."""
    monkeypatch.setattr(history, "CHUNK", 2)
    for _ in range(5):
        ran(ctx)
    assert exported(ctx).count("astro_user") == 5


def test_a_file_that_cannot_be_written_is_told(ctx: TestContext, tmp_path: Path) -> None:
    """A folder that is not there is bad input; nothing is left behind."""
    with pytest.raises(BadInput, match="cannot be written"):
        history.export_file(ctx, tmp_path / "nowhere" / "past.csv")
    assert not (tmp_path / "nowhere").exists()
