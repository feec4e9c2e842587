"""A job: what a user asked to run, and what became of it."""

from __future__ import annotations

from enum import StrEnum

from .queue import Shape
from .value import Count, Seconds, Value


class JobState(StrEnum):
    """DIRAC's job states, as far as the embedded queue uses them."""

    WAITING = "Waiting"
    MATCHED = "Matched"
    RUNNING = "Running"
    DONE = "Done"
    FAILED = "Failed"
    KILLED = "Killed"


FINAL_JOB_STATES = frozenset({JobState.DONE, JobState.FAILED, JobState.KILLED})
BUSY_JOB_STATES = frozenset({JobState.MATCHED, JobState.RUNNING})


class Payload(Value, frozen=True):
    """What runs on the VM; `input_sandbox` is the blob of a tar.gz or empty; `output_sandbox` are file names.

    `image` is the container image its user wants, if any; `credential` tells whether its owner's is kept for it.
    """

    executable: str
    arguments: str = ""
    stdout: str = "std.out"
    stderr: str = "std.err"
    input_sandbox: str = ""
    output_sandbox: tuple[str, ...] = ()
    environment: tuple[tuple[str, str], ...] = ()
    image: str = ""
    credential: bool = False


class JobSpec(Value, frozen=True):
    """A job as submitted; `jdl` is the text it came from."""

    name: str
    vo: str
    owner: str
    group: str
    shape: Shape
    payload: Payload
    priority: float = 1.0
    jdl: str = ""


class Used(Value, frozen=True):
    """What all processes of a payload took: CPU seconds, and the most RAM at a time in MiB; 0 where not known."""

    cpu_seconds: Seconds = 0.0
    peak_ram_mb: Count = 0


class Job(Value, frozen=True):
    """A job in the embedded queue; times in epoch seconds, 0.0 where not reached. `attempt` counts from 1."""

    id: Count
    spec: JobSpec
    queue: str
    state: JobState
    submitted_at: Seconds
    attempt: Count = 1
    vm: str = ""
    cores: Count = 0
    matched_at: Seconds = 0.0
    started_at: Seconds = 0.0
    ended_at: Seconds = 0.0
    exit_code: int | None = None
    minor: str = ""
    output: str = ""
    used: Used = Used()
