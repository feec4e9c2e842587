"""Jobs of the embedded queue: submit, kill, reschedule."""

from __future__ import annotations

import gzip
import io
import tarfile
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from msgspec.structs import replace

from vmdirac_py.base.errors import BadInput, Conflict, UnknownThing
from vmdirac_py.credentials.owners import Owned, Owners
from vmdirac_py.ledger.api import Transaction
from vmdirac_py.model.inner_ce import allows_image
from vmdirac_py.model.inventory import Inventory
from vmdirac_py.model.job import FINAL_JOB_STATES, Job, JobSpec, JobState
from vmdirac_py.queues import jdl

from .api import Context

MAX_COUNT = 10_000
MAX_ID = 2**63 - 1  # what the ledger's integers hold


@dataclass(frozen=True, slots=True)
class Source:
    """A JDL text, the folder its sandbox files lie in (None: it came without files), and what to call it."""

    text: str
    folder: Path | None
    where: str


@dataclass(frozen=True, slots=True)
class Submitter:
    """Who submits: `actor`, and owner, group and VO where given; they must agree with what the JDL says.

    The VO may also follow from the group. `warn` is told of each attribute that has no effect. `credential` is what
    the owner's payloads get.
    """

    actor: str
    owner: str = ""
    group: str = ""
    vo: str = ""
    warn: Callable[[str], None] | None = None
    credential: Owned | None = None


def submit(
    ctx: Context, text: str, *, folder: Path | None, where: str, actor: str, count: int = 1, **given: Any
) -> list[Job]:
    """Submit the jobs of one JDL text `count` times; `given` are the other fields of `Submitter`.

    Raises:
        BadInput: the JDL cannot be used, or names no VO of the inventory; nothing was submitted.
    """
    return submit_all(ctx, [Source(text, folder, where)], Submitter(actor, **given), count=count)


def submit_all(ctx: Context, sources: Sequence[Source], by: Submitter, *, count: int = 1) -> list[Job]:
    """Submit the jobs of all these JDL texts `count` times each, or none of them.

    Raises:
        BadInput: one of them cannot be used, or names no VO of the inventory; nothing was submitted.
    """
    prepared = _prepare(ctx, sources, by, count)
    specs = [spec for one in prepared for spec in one.stored(ctx)]
    owners = Owners(ctx.home.owner_credentials)
    with ctx.ledger.write() as tx:
        jobs = tx.jobs.insert(specs * count, at=ctx.clock.now())
        if by.credential:
            for job in jobs:
                owners.put(job.id, by.credential)
        tx.events.append("job.submitted", subject=f"job:{jobs[0].id}", actor=by.actor, data={"jobs": len(jobs)})
    return jobs


def check(ctx: Context, sources: Sequence[Source], by: Submitter, *, count: int = 1) -> list[JobSpec]:
    """Return the jobs that `submit_all` would submit, without their sandboxes; nothing is stored.

    Raises:
        BadInput: as `submit_all`.
    """
    return [spec for one in _prepare(ctx, sources, by, count) for spec in one.specs] * count


@dataclass(frozen=True, slots=True)
class _Prepared:
    """The jobs of one JDL, and their packed input sandbox (empty: there is none)."""

    specs: Sequence[JobSpec]
    sandbox: bytes

    def stored(self, ctx: Context) -> list[JobSpec]:
        """Store the sandbox, and return the jobs with its name."""
        name = ctx.blobs.put(self.sandbox) if self.sandbox else ""
        return [replace(spec, payload=replace(spec.payload, input_sandbox=name)) for spec in self.specs]


def _prepare(ctx: Context, sources: Sequence[Source], by: Submitter, count: int) -> list[_Prepared]:
    if not 1 <= count <= MAX_COUNT:
        raise BadInput(f"cannot submit {count} copies", mend=f"ask for 1 to {MAX_COUNT}")
    return [_prepared(ctx, source, by) for source in sources]


def _prepared(ctx: Context, source: Source, by: Submitter) -> _Prepared:
    """Read one JDL and pack its input sandbox."""
    parsed = jdl.parse(
        source.text,
        folder=source.folder,
        where=source.where,
        owner=by.owner or by.actor.removeprefix("unix:"),
        group=by.group,
        vo=by.vo,
    )
    if by.warn:
        for warning in parsed.warnings:
            by.warn(warning)
    specs = [_with_vo(spec, ctx.inventory(), source.where) for spec in parsed.specs]
    specs = [replace(spec, payload=replace(spec.payload, credential=by.credential is not None)) for spec in specs]
    return _Prepared(specs, pack(parsed.input_files) if parsed.input_files else b"")


def pack(files: Sequence[Path]) -> bytes:
    """Return files, and folders with all files in them, as a tar.gz; equal input gives equal bytes.

    Raises:
        BadInput: one cannot be read.
    """
    buffer = io.BytesIO()
    # Without a time in the header, or equal files would be blobs of their own each second.
    zipped = gzip.GzipFile(fileobj=buffer, mode="wb", compresslevel=6, mtime=0)
    with zipped, tarfile.open(fileobj=zipped, mode="w") as archive:
        for path, name in _members(files):
            _add(archive, path, name)
    return buffer.getvalue()


def _members(files: Sequence[Path]) -> Iterator[tuple[Path, str]]:
    """Yield every file with its name inside the sandbox: folders keep theirs, what is around them is left off."""
    for top in sorted(files):
        inside = sorted(path for path in top.rglob("*") if path.is_file()) if top.is_dir() else [top]
        yield from ((path, str(path.relative_to(top.parent))) for path in inside)


def _add(archive: tarfile.TarFile, path: Path, name: str) -> None:
    info = tarfile.TarInfo(name)
    try:
        data = path.read_bytes()
        info.size, info.mode = len(data), path.stat().st_mode & 0o755
    except OSError as error:
        raise BadInput(f"cannot be read: {error.strerror}", where=str(path), mend="mend its rights") from error
    archive.addfile(info, io.BytesIO(data))


def _with_vo(spec: JobSpec, inventory: Inventory, where: str) -> JobSpec:
    vo = spec.vo or inventory.vo_of_group(spec.group) or ""
    known = ", ".join(sorted(inventory.vos)) or "none"
    if not vo:
        raise BadInput("no VO given", where=where, mend=f"say --vo, or a group of one of: {known}")
    if vo not in inventory.vos:
        raise BadInput(f"unknown VO {vo!r}", where=where, mend=f"the inventory knows: {known}")
    groups = inventory.vos[vo].groups
    if spec.group and groups and spec.group not in groups:
        raise BadInput(f"group {spec.group!r} is not of VO {vo!r}", where=where, mend=f"one of: {', '.join(groups)}")
    _allowed_image(spec.payload.image, vo, inventory, where)
    return replace(spec, vo=vo, group=spec.group or (groups[0] if groups else vo))


def _allowed_image(image: str, vo: str, inventory: Inventory, where: str) -> None:
    pools = [pool for pool in inventory.pools.values() if pool.vo == vo]
    if not any(allows_image(pool, image) for pool in pools) and image:
        what = f"ContainerImage {image[:80]!r} is allowed in no pool of VO {vo!r}"
        raise BadInput(what, where=where, mend="choose another, or name it in user_images of pool_inner_ce_options")


def kill(ctx: Context, job_ids: Collection[int], *, actor: str) -> list[int]:
    """Kill waiting jobs, and tell the VMs of running ones; return the ids that changed.

    Raises:
        UnknownThing: no such job; nothing was changed.
        BadInput: none was named.
    """
    at = ctx.clock.now()
    with ctx.ledger.write() as tx:
        jobs = [job for job in _known(tx, job_ids) if job.state not in FINAL_JOB_STATES]
        for job in jobs:
            tx.jobs.move(job.id, (job.state,), JobState.KILLED, at=at, minor=f"killed by {actor}")
            tx.events.append("job.killed", subject=f"job:{job.id}", actor=actor, data={"vm": job.vm})
    for job in jobs:
        Owners(ctx.home.owner_credentials).forget(job.id)
    return [job.id for job in jobs]


def reschedule(ctx: Context, job_ids: Collection[int], *, actor: str) -> list[int]:
    """Let Failed or Killed jobs run again; return their ids.

    Raises:
        UnknownThing: no such job; nothing was changed.
        Conflict: a job is Waiting, running or Done, or its credential was destroyed with its end; nothing was changed.
    """
    at = ctx.clock.now()
    with ctx.ledger.write() as tx:
        jobs = _known(tx, job_ids)
        settled = {JobState.FAILED, JobState.KILLED}
        if others := [f"{job.id} is {job.state}" for job in jobs if job.state not in settled]:
            raise Conflict("only Failed or Killed jobs can be rescheduled", where=", ".join(others))
        _need_credentials(ctx, jobs)
        for job in jobs:
            tx.jobs.requeue(job.id, at=at, minor=f"rescheduled by {actor}")
        tx.events.append("job.submitted", actor=actor, data={"jobs": len(jobs)})
    return [job.id for job in jobs]


def _need_credentials(ctx: Context, jobs: Collection[Job]) -> None:
    owners = Owners(ctx.home.owner_credentials)
    if bare := [str(job.id) for job in jobs if job.spec.payload.credential and not owners.has(job.id)]:
        mend = f"give it a new one first: vmdirac job credential {bare[0]} FILE; or submit it anew"
        raise Conflict("its credential went with its end", where=f"job {', '.join(bare)}", mend=mend)


def _known(tx: Transaction, job_ids: Collection[int]) -> list[Job]:
    if not job_ids:
        raise BadInput("no job was named", where="jobs", mend="name one at least; see `vmdirac job list`")
    found = {job_id: tx.jobs.get(job_id) if 0 < job_id <= MAX_ID else None for job_id in sorted(set(job_ids))}
    if missing := [job_id for job_id, job in found.items() if job is None]:
        raise UnknownThing("no such job", where=", ".join(map(str, missing)), mend="see `vmdirac job list`")
    return [job for job in found.values() if job]
