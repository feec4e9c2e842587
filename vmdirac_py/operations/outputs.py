"""A job's output on its way back to the user."""

from __future__ import annotations

import codecs
import gzip
import os
import tarfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath

from vmdirac_py.base.errors import BadInput, UnknownThing
from vmdirac_py.model.job import Job

from . import archives
from .api import Context
from .jobs import MAX_ID

MOST_FILES, MOST_BYTES = 1_000_000, 4_000_000_000
"""Of one job's output, unpacked; a worker packs no more than half of the bytes."""


def fetch(ctx: Context, job_id: int, folder: Path) -> list[str]:
    """Unpack a job's output into `folder`; return the file names.

    Raises:
        UnknownThing: no such job, or it has no output (yet).
        BadInput: what the VM sent is no archive, or one that reaches out of its folder; or `folder` cannot be written.
    """
    job = _with_output(ctx, job_id)
    with _opened(ctx, job) as archive, _writing(folder):
        folder.mkdir(parents=True, exist_ok=True)
        members = _plain_members(archive)
        archive.extractall(folder, members)  # noqa: S202 - each member was checked
        return sorted(member.name for member in members)


def standard_output(ctx: Context, job_id: int) -> Iterator[str]:
    """Yield what the job wrote to its standard output, piece by piece: it may be large.

    Raises:
        UnknownThing: no such job, or it has no output (yet).
        BadInput: what the VM sent is no archive.
    """
    job = _with_output(ctx, job_id)
    with _opened(ctx, job) as archive:
        found = (member for member in _members(archive) if member.name == job.spec.payload.stdout and member.isreg())
        file = next((archive.extractfile(member) for member in found), None)
        if file:
            yield from codecs.iterdecode(archives.pieces(file), "utf-8", errors="replace")


def _members(archive: tarfile.TarFile) -> Iterator[tarfile.TarInfo]:
    return archives.members(archive, count=MOST_FILES, size=MOST_BYTES)


def _plain_members(archive: tarfile.TarFile) -> list[tarfile.TarInfo]:
    """Return the files and folders of an archive, tamed; links and devices are left out.

    Done by hand, because Python's own filter came only with 3.11.4 (PEP 706).

    Raises:
        TarError: a name reaches out of the folder it is unpacked in, or there is too much in it.
    """
    members = [member for member in _members(archive) if member.isfile() or member.isdir()]
    for member in members:
        path = PurePosixPath(member.name)
        if path.is_absolute() or ".." in path.parts:
            raise tarfile.TarError(f"{member.name} reaches out of its folder")
        member.mode = (member.mode & 0o777) | (0o700 if member.isdir() else 0o600)
        member.uid = member.gid = os.getuid()
        member.uname = member.gname = ""
    return members


@contextmanager
def _opened(ctx: Context, job: Job) -> Iterator[tarfile.TarFile]:
    where = f"job {job.id}"
    try:
        with archives.opened(ctx.blobs.path(job.output)) as archive:
            yield archive
    except FileNotFoundError:
        raise UnknownThing("its output is lost", where=where, mend="reschedule the job") from None
    except (tarfile.TarError, gzip.BadGzipFile, EOFError, zlib.error) as error:
        raise BadInput(f"its output cannot be unpacked: {error}", where=where) from error


@contextmanager
def _writing(folder: Path) -> Iterator[None]:
    try:
        yield
    except gzip.BadGzipFile:  # an OSError as well, but the archive's fault
        raise
    except OSError as error:
        what = f"the output cannot be written here: {error.strerror}"
        raise BadInput(what, where=str(folder), mend="choose another --folder") from error


def _with_output(ctx: Context, job_id: int) -> Job:
    with ctx.ledger.read() as tx:
        job = tx.jobs.get(job_id) if 0 < job_id <= MAX_ID else None
    if job is None:
        raise UnknownThing("no such job", where=str(job_id), mend="see `vmdirac job list`")
    if not job.output:
        raise UnknownThing(f"no output yet, it is {job.state}", where=f"job {job_id}")
    return job
