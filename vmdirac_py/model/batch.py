"""A batch: one request to a cloud, sent at most once."""

from __future__ import annotations

from enum import StrEnum

from .value import Count, Seconds, Value


class BatchKind(StrEnum):
    """What a batch asks a cloud for."""

    LAUNCH = "launch"
    RETIRE = "retire"


class BatchState(StrEnum):
    """Written → Claimed → Answered | Unknown → Closed."""

    WRITTEN = "Written"
    CLAIMED = "Claimed"
    ANSWERED = "Answered"
    UNKNOWN = "Unknown"
    CLOSED = "Closed"


class ErrorClass(StrEnum):
    """Why a cloud did not give what was asked; says what the scheduler does next."""

    QUOTA = "quota"  # wait for use to drop
    NO_CAPACITY = "no_capacity"  # another pool, back off
    AUTH = "auth"  # stop this endpoint, tell a person
    BAD_REQUEST = "bad_request"  # this pool is misconfigured
    THROTTLED = "throttled"  # slow down
    UNAVAILABLE = "unavailable"  # retry with backoff
    LOST = "lost"  # the answer never came; the listing will tell
    STILLBORN = "stillborn"  # the cloud gave VMs that never ran: this pool is misconfigured
    NO_MATCH = "no_match"  # its VMs ran and got no payload: not another one for these jobs


class Batch(Value, frozen=True):
    """N alike VMs to be launched, or a set of VMs to be retired, on one endpoint.

    `deadline` (epoch) means: while Written, when it is given up unsent; while Claimed or Unknown, when a lost
    answer is settled by the listing; `token_deadline` until when its enrolment token is valid. `shapes` are
    those of the waiting jobs its VMs were launched for (`Decision.shapes`).
    """

    id: str
    kind: BatchKind
    endpoint: str
    pool: str
    vo: str
    wanted: Count
    plan: str
    actor: str
    created_at: Seconds
    deadline: Seconds
    state: BatchState = BatchState.WRITTEN
    claimed_by: str = ""
    token_hash: str = ""
    token_deadline: Seconds = 0.0
    launched: Count = 0
    refused: Count = 0
    error_class: ErrorClass | None = None
    error_text: str = ""
    updated_at: Seconds = 0.0
    shapes: tuple[str, ...] = ()
