"""DIRAC's job description language into job specifications."""

# mypy: allow-untyped-calls
# (DIRACCommon has no types)

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path, PurePosixPath

from DIRACCommon.Core.Utilities.ClassAd.ClassAdLight import ClassAd
from DIRACCommon.WorkloadManagementSystem.Utilities.ParametricJob import generateParametricJobs

from vmdirac_py.model.job import JobSpec

from .jdl_payload import input_files, payload, unsent_executable
from .jdl_shape import shape
from .jdl_syntax import BadJdl, attribute_lines
from .jdl_values import Attributes, read

MOST_JOBS = 10_000
MOST_PRIORITY = 10.0  # DIRAC's own bounds are 0 and 10
PARAMETERS = ("Parameters", "ParameterStart", "ParameterStep", "ParameterFactor", "Parameter", "ParameterNumber")
QUOTED = re.compile(r'"([^"]*)"')
USED = (
    "Executable", "Arguments", "StdOutput", "StdError", "InputSandbox", "OutputSandbox", "JobName", "CPUTime",
    "NumberOfProcessors", "MinNumberOfProcessors", "MaxNumberOfProcessors", "WholeNode", "Tags", "Tag", "MinRAM",
    "MaxRAM", "DiskSpace", "Site", "Sites", "BannedSites", "BannedSite", "Platform", "Priority", "Owner", "OwnerGroup",
    "VirtualOrganization", "ExecutionEnvironment", "Environment", "ContainerImage",
    *PARAMETERS,
)  # fmt: skip
OF_DIRAC = (
    "GridCE", "InputData", "InputDataPolicy", "JobConfigArgs", "JobType", "JobGroup", "LogLevel", "OutputData",
    "OutputPath", "OutputSE",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Parsed:
    """The jobs of one JDL (several when it has parameters), the files they all take along, and what was ignored."""

    specs: tuple[JobSpec, ...]
    input_files: tuple[Path, ...] = ()
    warnings: tuple[str, ...] = ()


def parse(text: str, *, folder: Path | None, where: str, owner: str = "", group: str = "", vo: str = "") -> Parsed:
    """Read a JDL.

    Args:
        text: the JDL.
        folder: where files of its input sandbox are looked for; None when it came without files.
        where: what to call it in complaints.
        owner: who submits; empty: as the JDL says.
        group: the DIRAC group submitted under; empty: as the JDL says.
        vo: the VO submitted for; empty: as the JDL says.

    Raises:
        BadJdl: syntax, absurd or contradicting numbers, missing files, or an owner other than the submitter.
    """
    lines = attribute_lines(text, where)
    jobs = [(part, read(part, lines, where)) for part in _expand(text, lines, where)]
    first = jobs[0][1]
    identity = _identity(first, {"Owner": owner, "OwnerGroup": group, "VirtualOrganization": vo})
    files = tuple(dict.fromkeys(file for _, job in jobs for file in input_files(job, folder)))
    return Parsed(
        specs=tuple(_spec(part, job, identity) for part, job in jobs),
        input_files=files,
        warnings=tuple(_warnings(first, lines, files, folder)),
    )


def _expand(text: str, lines: Mapping[str, int], where: str) -> list[str]:
    """Return one JDL for each parameter value; most have none and stay as they are."""
    if "Parameters" not in lines:
        return [text]
    at = f"{where}:{lines['Parameters']}"
    if any(set(quoted) & set(";[]") for quoted in QUOTED.findall(text)):  # where DIRAC's own expansion goes astray
        raise BadJdl("a parametric job with ; or [ or ] inside quotes", where=at, mend="move that text into a script")
    body = text.strip()
    job = ClassAd(body if body.startswith("[") else f"[{body}]")
    counts = {_count(job, name) for name in lines if name.startswith("Parameters")}
    if not all(1 <= count <= MOST_JOBS for count in counts):
        raise BadJdl(f"Parameters must be a list or a number of 1 to {MOST_JOBS} jobs", where=at)
    if len(counts) > 1:
        raise BadJdl("the lists of parameters differ in length", where=at, mend="give each as many values")
    try:
        result = generateParametricJobs(job)
    except (ArithmeticError, ValueError, TypeError) as error:  # numbers that grow without end
        raise BadJdl(f"the parameters cannot be made: {error}", where=at, mend="mend start, step or factor") from error
    if not result["OK"]:
        raise BadJdl(str(result["Message"]), where=at, mend="mend the parameters")
    return [str(part) for part in result["Value"]]


def _count(job: ClassAd, name: str) -> int:
    return len(job.getListFromExpression(name)) if job.isAttributeList(name) else job.getAttributeInt(name) or 0


def _identity(job: Attributes, given: Mapping[str, str]) -> dict[str, str]:
    """Return owner, group and VO; a JDL cannot speak for somebody else than the submitter."""
    for attribute, value in given.items():
        said = job.text(attribute)
        if said and value and said != value:
            job.refuse(
                attribute, f"says {said[:80]}, but it is submitted as {value}", "remove it, or submit as that one"
            )
    return {attribute: value or job.text(attribute) for attribute, value in given.items()}


def _spec(text: str, job: Attributes, identity: Mapping[str, str]) -> JobSpec:
    runs = payload(job)
    return JobSpec(
        name=job.text("JobName") or PurePosixPath(runs.executable).name,
        vo=identity["VirtualOrganization"],
        owner=identity["Owner"],
        group=identity["OwnerGroup"],
        shape=shape(job),
        payload=runs,
        priority=job.number("Priority", 1.0, least=0.0, most=MOST_PRIORITY),
        jdl=text,
    )


def _warnings(job: Attributes, lines: Mapping[str, int], files: tuple[Path, ...], folder: Path | None) -> Iterator[str]:
    for name, line in lines.items():
        if name.partition(".")[0] not in USED:
            yield f"{job.where}:{line}: {_ignored(name)}"
    if unsent_executable(job, files, folder):
        yield f"{job.where}: {job.text('Executable')} lies beside the JDL but is not in its InputSandbox"


def _ignored(name: str) -> str:
    if name in OF_DIRAC:
        return f"{name} is not used by this queue"
    near = get_close_matches(name, (*USED, *OF_DIRAC), 1)
    return f"unknown attribute {name} is ignored" + (f"; did you mean {near[0]}?" if near else "")
