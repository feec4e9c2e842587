"""Jobs of the embedded queue: submit, kill, reschedule, fetch."""

from __future__ import annotations

import io
import os
import tarfile
from pathlib import Path

import pytest

from tests.doubles.cloud import ScriptedCloud
from tests.support.acting import give_job, launched
from tests.support.context import TestContext, job_of, make_context, make_inventory, make_pool, submit
from vmdirac_py.base.errors import BadInput, Conflict, UnknownThing
from vmdirac_py.model.job import JobState
from vmdirac_py.operations import jobs, outputs

JDL = 'Executable = "/bin/echo"; Arguments = "hello";'
HUGE = 10**30


def put(ctx: TestContext, text: str = JDL, **options: str) -> list[jobs.Job]:
    """Submit a JDL text."""
    return jobs.submit(ctx, text, folder=None, where="test.jdl", actor="jane", **options)  # type: ignore[arg-type]


def archive(*members: tarfile.TarInfo) -> bytes:
    """Return a tar.gz of empty or zero-filled members."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as tar:
        for member in members:
            tar.addfile(member, io.BytesIO(bytes(member.size)))
    return buffer.getvalue()


def with_output(ctx: TestContext, data: bytes) -> int:
    """Return a finished job whose VM sent these bytes."""
    job = submit(ctx)
    blob = ctx.blobs.put(data)
    with ctx.ledger.write() as tx:
        tx.jobs.move(job.id, (JobState.WAITING,), JobState.DONE, at=ctx.clock.now(), output=blob)
    return job.id


def test_the_vo_follows_from_the_group(ctx: TestContext) -> None:
    """A group names its VO, and a VO its first group."""
    assert [job.spec.vo for job in put(ctx, group="bio_user")] == ["bio"]
    assert [job.spec.group for job in put(ctx, vo="astro")] == ["astro_user"]


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({}, "no VO given.*astro, bio"),
        ({"vo": "chem"}, "unknown VO 'chem'.*astro, bio"),
        ({"vo": "astro", "group": "bio_user"}, "'bio_user' is not of VO 'astro'.*astro_user"),
        ({"group": "nobody"}, "no VO given"),
    ],
)
def test_unknown_vos_and_groups_are_refused(ctx: TestContext, options: dict[str, str], told: str) -> None:
    """The error names what there is instead, and nothing is submitted."""
    with pytest.raises(BadInput, match=told):
        put(ctx, **options)
    with ctx.ledger.read() as tx:
        assert tx.jobs.counts() == {}


@pytest.mark.parametrize("count", [0, -3, 10_001])
def test_a_count_that_cannot_be(ctx: TestContext, count: int) -> None:
    """It says how many can be asked for."""
    with pytest.raises(BadInput, match="1 to 10000"):
        jobs.submit(ctx, JDL, folder=None, where="x", actor="jane", vo="astro", count=count)


def test_copies_are_jobs_of_their_own(ctx: TestContext) -> None:
    """A count of three makes three jobs in one queue."""
    made = jobs.submit(ctx, JDL, folder=None, where="x", actor="jane", vo="astro", count=3)
    assert len({job.id for job in made}) == 3
    assert len({job.queue for job in made}) == 1


def test_equal_files_are_one_sandbox(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The same files give the same bytes, whenever they are packed."""
    file = tmp_path / "run.sh"
    file.write_text("true")
    first = jobs.pack([file])
    os.utime(file, (0, 0))
    monkeypatch.setattr("time.time", lambda: 1.0)
    with tarfile.open(fileobj=io.BytesIO(first)) as packed:
        assert packed.getnames() == ["run.sh"]
    assert jobs.pack([file]) == first


def test_a_folder_travels_with_all_its_files(tmp_path: Path) -> None:
    """Under its own name, however deep; a file that cannot be read is named."""
    (tmp_path / "inputs" / "deep").mkdir(parents=True)
    (tmp_path / "inputs" / "deep" / "data").write_text("1")
    with tarfile.open(fileobj=io.BytesIO(jobs.pack([tmp_path / "inputs"]))) as packed:
        assert packed.getnames() == ["inputs/deep/data"]
    with pytest.raises(BadInput, match="gone"):
        jobs.pack([tmp_path / "gone"])


def test_waiting_and_running_jobs_can_be_killed(ctx: TestContext, cloud: ScriptedCloud) -> None:
    """Final ones stay as they are and are not reported as changed."""
    running, waiting = give_job(ctx, launched(ctx, cloud)), submit(ctx).id
    assert jobs.kill(ctx, [waiting, running], actor="ann") == [running, waiting]
    assert jobs.kill(ctx, [waiting, running], actor="ann") == []
    assert {job_of(ctx, job).state for job in (waiting, running)} == {JobState.KILLED}


def test_only_failed_and_killed_jobs_run_again(ctx: TestContext) -> None:
    """One job that cannot saves all that were named."""
    killed, waiting = submit(ctx).id, submit(ctx).id
    jobs.kill(ctx, [killed], actor="ann")
    with pytest.raises(Conflict, match=f"{waiting} is Waiting"):
        jobs.reschedule(ctx, [killed, waiting], actor="ann")
    assert job_of(ctx, killed).state is JobState.KILLED
    assert jobs.reschedule(ctx, [killed], actor="ann") == [killed]
    assert (job_of(ctx, killed).state, job_of(ctx, killed).attempt) == (JobState.WAITING, 2)


@pytest.mark.parametrize("verb", [jobs.kill, jobs.reschedule])
@pytest.mark.parametrize("number", [4711, -1, HUGE])
def test_unknown_jobs_are_named(ctx: TestContext, verb: object, number: int) -> None:
    """Numbers of no job, however big, are repeated in the error; known ones beside them are let be."""
    known = submit(ctx).id
    with pytest.raises(UnknownThing, match=str(number)):
        verb(ctx, [known, number], actor="ann")  # type: ignore[operator]
    assert job_of(ctx, known).state is JobState.WAITING


def test_no_job_named(ctx: TestContext) -> None:
    """An empty list is a mistake, not a success."""
    with pytest.raises(BadInput, match="no job was named"):
        jobs.kill(ctx, [], actor="ann")


def test_output_is_unpacked(ctx: TestContext, tmp_path: Path) -> None:
    """What the job wrote comes back under its names."""
    member = tarfile.TarInfo("std.out")
    member.size = 3
    job = with_output(ctx, archive(member))
    assert outputs.fetch(ctx, job, tmp_path / "out") == ["std.out"]
    assert (tmp_path / "out/std.out").read_bytes() == bytes(3)
    assert "".join(outputs.standard_output(ctx, job)) == "\0\0\0"


def test_a_job_that_wrote_nothing_has_an_empty_output(ctx: TestContext) -> None:
    """An archive without a standard output is no error."""
    assert "".join(outputs.standard_output(ctx, with_output(ctx, archive()))) == ""


def test_links_in_an_output_are_left_out(ctx: TestContext, tmp_path: Path) -> None:
    """A link could lead anywhere: the files beside it come, it does not."""
    link, plain = tarfile.TarInfo("link"), tarfile.TarInfo("std.out")
    link.type, link.linkname = tarfile.SYMTYPE, "/etc"
    assert outputs.fetch(ctx, with_output(ctx, archive(link, plain)), tmp_path) == ["std.out"]
    assert not (tmp_path / "link").is_symlink()


@pytest.mark.parametrize("data", [b"no archive", archive(tarfile.TarInfo("../../escaped"))], ids=["junk", "escape"])
def test_an_archive_from_a_vm_is_not_trusted(ctx: TestContext, tmp_path: Path, data: bytes) -> None:
    """Junk, or names that reach out of the folder, are an error that names the job; nothing is written outside."""
    job = with_output(ctx, data)
    with pytest.raises(BadInput, match=f"job {job}"):
        outputs.fetch(ctx, job, tmp_path / "a/b")
    assert not list(tmp_path.rglob("escaped"))


def test_an_output_without_end_is_not_unpacked(
    ctx: TestContext, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """More bytes or files than any worker packs, or a header without end, are an error before anything is written."""
    monkeypatch.setattr(outputs, "MOST_FILES", 2)
    big, long = tarfile.TarInfo("big"), tarfile.TarInfo("long")
    big.size, long.type, long.size = outputs.MOST_BYTES + 1, tarfile.GNUTYPE_LONGNAME, 10**9
    many = [tarfile.TarInfo(name) for name in "abc"]
    for data in (archive(big), archive(long), archive(*many)):
        with pytest.raises(BadInput, match="too"):
            outputs.fetch(ctx, with_output(ctx, data), tmp_path / "out")
        with pytest.raises(BadInput, match="too"):
            list(outputs.standard_output(ctx, with_output(ctx, data)))
    assert not list((tmp_path / "out").iterdir())


@pytest.mark.parametrize("folder", ["taken", "taken/below", "whole"])
def test_a_folder_that_cannot_be_written_is_named(ctx: TestContext, tmp_path: Path, folder: str) -> None:
    """A file where the folder should be, or a folder where a file should be, is an error, and neither is touched."""
    (tmp_path / "taken").write_text("mine")
    (tmp_path / "whole/std.out/mine").mkdir(parents=True)
    job = with_output(ctx, archive(tarfile.TarInfo("std.out")))
    with pytest.raises(BadInput, match=f"{folder}: .*--folder"):
        outputs.fetch(ctx, job, tmp_path / folder)
    assert (tmp_path / "taken").read_text() == "mine"
    assert (tmp_path / "whole/std.out/mine").is_dir()


def test_lost_and_missing_outputs_are_told(ctx: TestContext) -> None:
    """No job, no output yet, and a blob that is gone are three clear errors."""
    waiting, lost = submit(ctx).id, with_output(ctx, b"x")
    ctx.blobs.path(job_of(ctx, lost).output).unlink()
    for job, told in ((HUGE, "no such job"), (waiting, "no output yet"), (lost, "output is lost")):
        with pytest.raises(UnknownThing, match=told):
            list(outputs.standard_output(ctx, job))


def test_what_has_no_effect_is_told(ctx: TestContext) -> None:
    """An attribute that is not understood is named to whoever submits; the job is submitted all the same."""
    told: list[str] = []
    text = f'{JDL} Colour = "red";'
    assert jobs.submit(ctx, text, folder=None, where="x.jdl", actor="jane", vo="astro", warn=told.append)
    assert told == ["x.jdl:1: unknown attribute Colour is ignored"]


def test_several_files_are_submitted_all_or_none(ctx: TestContext) -> None:
    """One wrong JDL among good ones leaves the queue as it was."""
    good, bad = jobs.Source(JDL, None, "good.jdl"), jobs.Source("Executable = ;", None, "bad.jdl")
    with pytest.raises(BadInput, match=r"bad\.jdl"):
        jobs.submit_all(ctx, [good, bad], jobs.Submitter("jane", vo="astro"))
    with ctx.ledger.read() as tx:
        assert tx.jobs.find() == []
    assert len(jobs.submit_all(ctx, [good, good], jobs.Submitter("jane", vo="astro"), count=2)) == 4


def test_an_image_needs_a_pool_that_allows_it(ctx: TestContext, tmp_path: Path) -> None:
    """A container image is accepted when a pool of the VO allows it; else the refusal says what to mend."""
    text = f'{JDL} ContainerImage = "/cvmfs/images.example.org/mine";'
    with pytest.raises(BadInput, match=r"allowed in no pool of VO 'astro'.*user_images"):
        put(ctx, text, vo="astro")
    options = {"user_images": ["/cvmfs/images.example.org/*"]}
    pool = make_pool("astro-8", "astro", inner_ce="Pool/Singularity", inner_ce_options=options)
    open_to_it = make_context(tmp_path / "other", inventory=make_inventory(pool))
    (job,) = put(open_to_it, text, vo="astro")
    assert job.spec.payload.image == "/cvmfs/images.example.org/mine"
    with pytest.raises(BadInput, match="allowed in no pool"):
        put(open_to_it, text.replace("example", "elsewhere"), vo="astro")
    open_to_it.ledger.close()
