"""An installation's own past as a trace: its finished jobs as the CSV a replay reads. Jobs are only read."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TextIO

from vmdirac_py.base.errors import BadInput
from vmdirac_py.base.ids import new_token
from vmdirac_py.model.job import FINAL_JOB_STATES, Job
from vmdirac_py.replay.api import TraceJob
from vmdirac_py.replay.traces.record import Recorder

from .api import Context

CHUNK = 500
PSEUDONYM_KEY = "history.pseudonym_key"
"""Where the ledger keeps the secret that pseudonyms are made with, so that nobody can try names."""


@dataclass(frozen=True, slots=True)
class Export:
    """How many jobs were written, and how many finished ones never ran and so have no run time."""

    written: int
    never_ran: int


def export(ctx: Context, stream: TextIO, *, names: bool = False, vo: str = "") -> Export:
    """Write all finished jobs (of a VO, or of all) to a text stream, some hundreds at a time.

    Owners get pseudonyms, the same in every export of this installation, unless `names`.
    """
    named = str if names else pseudonyms(ctx)
    recorder, written, never_ran = Recorder(stream), 0, 0
    for job in _finished(ctx, vo):
        if job.started_at:
            recorder.write(_traced(job, named))
            written += 1
        else:
            never_ran += 1
    return Export(written, never_ran)


def export_file(ctx: Context, path: Path, *, names: bool = False, vo: str = "") -> Export:
    """Write the export to a file, which is there whole or not at all.

    Raises:
        BadInput: the file cannot be written.
    """
    partial = path.with_name(path.name + ".part")
    try:
        with partial.open("w", encoding="utf-8", newline="") as stream:
            told = export(ctx, stream, names=names, vo=vo)
        partial.replace(path)
    except OSError as error:
        raise BadInput(f"cannot be written: {error.strerror}", where=str(path), mend="name another file") from error
    finally:
        _remove(partial)
    return told


def _remove(partial: Path) -> None:
    if partial.is_file():
        partial.unlink()


def _finished(ctx: Context, vo: str) -> Iterator[Job]:
    """Yield finished jobs by number; a transaction for each few hundred, or a long export would hold up the rest."""
    with ctx.ledger.read() as tx:
        newest = tx.jobs.find(limit=1)
    last = newest[0].id if newest else 0
    for start in range(1, last + 1, CHUNK):
        with ctx.ledger.read() as tx:
            jobs = tx.jobs.find(states=FINAL_JOB_STATES, vo=vo, ids=range(start, start + CHUNK))
        yield from jobs


def _traced(job: Job, named: Callable[[str], str]) -> TraceJob:
    spec = job.spec
    return TraceJob(
        id=job.id,
        at=job.submitted_at,
        vo=spec.vo,
        owner=named(spec.owner),
        group=spec.group,
        shape=spec.shape,
        seconds=max(0.0, job.ended_at - job.started_at),
        priority=spec.priority,
    )


def pseudonyms(ctx: Context) -> Callable[[str], str]:
    """Return what gives each name its pseudonym, the same in everything this installation tells of its past."""
    key = _key(ctx).encode()
    return lambda owner: "u-" + hmac.new(key, owner.encode(), hashlib.sha256).hexdigest()[:12]


def _key(ctx: Context) -> str:
    """Return the secret of the pseudonyms, made at the first export."""
    with ctx.ledger.write() as tx:
        key = tx.meta.get(PSEUDONYM_KEY) or new_token()
        tx.meta.set(PSEUDONYM_KEY, key)
    return key
