"""What a job runs and which files go in and out, from its JDL."""

from __future__ import annotations

import re
from pathlib import Path, PurePosixPath

from vmdirac_py.model.job import Payload

from .jdl_values import Attributes

VARIABLE = re.compile(r"([A-Za-z_][A-Za-z0-9_]*)=(.*)", re.DOTALL)
STORED = ("LFN:", "SB:")


def payload(job: Attributes) -> Payload:
    """Return what runs; the input sandbox is filled in by whoever packs it."""
    executable = job.text("Executable")
    if not executable:
        job.refuse("Executable", "is missing", 'write Executable = "...";')
    return Payload(
        executable=executable,
        arguments=job.text("Arguments"),
        stdout=_plain_name(job, "StdOutput", "std.out"),
        stderr=_plain_name(job, "StdError", "std.err"),
        output_sandbox=tuple(_inside(job, name) for name in job.texts("OutputSandbox")),
        environment=tuple(sorted(_environment(job).items())),
        image=job.text("ContainerImage"),
    )


def input_files(job: Attributes, folder: Path | None) -> tuple[Path, ...]:
    """Return the files and folders of the input sandbox; relative names start at `folder`.

    Raises:
        BadJdl: one is missing, two would overwrite each other, or there is no folder to take them from.
    """
    names = job.texts("InputSandbox")
    for name in names:
        if name.startswith(STORED):
            job.refuse("InputSandbox", f"names a stored file: {name}", "only local files can be sent")
    if names and folder is None:
        job.refuse("InputSandbox", "names files, but this job came without its folder", "submit it where the files are")
    files = tuple((folder or Path()) / name for name in names)
    _check_files(job, files)
    return files


def unsent_executable(job: Attributes, files: tuple[Path, ...], folder: Path | None) -> bool:
    """Tell whether the executable is a file beside the JDL that the input sandbox leaves behind."""
    name = PurePosixPath(job.text("Executable"))
    beside = folder is not None and not name.is_absolute() and (folder / name).is_file()
    return beside and all(file.name != name.name for file in files)


def _check_files(job: Attributes, files: tuple[Path, ...]) -> None:
    taken: set[str] = set()
    for file in files:
        if not file.exists():
            job.refuse("InputSandbox", f"names a file that is not there: {file}", "add it, or mend the name")
        if file.name in taken:
            job.refuse(
                "InputSandbox", f"has two files named {file.name}", "they would overwrite each other: rename one"
            )
        taken.add(file.name)


def _plain_name(job: Attributes, attribute: str, default: str) -> str:
    name = job.text(attribute, default)
    if PurePosixPath(name).name != name:
        job.refuse(attribute, f"must be a plain file name, not {name[:80]!r}")
    return name


def _inside(job: Attributes, name: str) -> str:
    path = PurePosixPath(name)
    if path.is_absolute() or ".." in path.parts or not path.parts or name.startswith(STORED):
        job.refuse("OutputSandbox", f"must stay inside the job's folder: {name[:80]!r}", "name files relative to it")
    return name


def _environment(job: Attributes) -> dict[str, str]:
    found = {}
    for entry in job.texts("ExecutionEnvironment", "Environment"):
        match = VARIABLE.fullmatch(entry)
        if match is None:
            job.refuse("ExecutionEnvironment", f"wants NAME=value, has {entry[:40]!r}")
        found[match[1]] = match[2]
    return found
