"""Users' jobs in other shapes and priorities."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Sequence
from functools import cache
from typing import Annotated

from msgspec import Meta, Struct
from msgspec.structs import replace

from vmdirac_py.model.queue import CPU_SEGMENTS, Shape

from .api import TraceJob
from .users import drawn, user_of, work

Share = Annotated[float, Meta(ge=0, le=1)]


class ShapeMix(Struct, frozen=True, forbid_unknown_fields=True):
    """Users that do `share` of the trace's core-seconds get jobs of this shape.

    A job keeps its core-seconds: on more cores it runs, and asks for, less time. `ram_mb` is per core (0: as it was).
    With `whole_node` a job wants a machine for itself, of `cores` cores at least, and runs as if it had just those.
    """

    share: Share
    cores: Annotated[int, Meta(ge=1, le=1024)] = 1
    ram_mb: Annotated[int, Meta(ge=0, le=16 * 1024 * 1024)] = 0
    gpus: Annotated[int, Meta(ge=0, le=64)] = 0
    whole_node: bool = False
    tags: tuple[str, ...] = ()


class PriorityMix(Struct, frozen=True, forbid_unknown_fields=True):
    """Users that do `share` of the trace's core-seconds get this priority."""

    share: Share
    priority: Annotated[float, Meta(gt=0, le=1_000_000)]


def mixed(
    jobs: Sequence[TraceJob], *, shapes: Sequence[ShapeMix], priorities: Sequence[PriorityMix], seed: int
) -> tuple[TraceJob, ...]:
    """Return the jobs with shapes and priorities drawn, one independently of the other."""
    of_shape = drawn(jobs, [mix.share for mix in shapes], seed, "shapes")
    of_priority = drawn(jobs, [mix.share for mix in priorities], seed, "priorities")
    shape_in = cache(_shape_in)

    def changed(job: TraceJob) -> TraceJob:
        shape, priority = of_shape.get(user_of(job)), of_priority.get(user_of(job))
        if shape is not None:
            job = _in_shape(job, shapes[shape], shape_in)
        return job if priority is None else replace(job, priority=priorities[priority].priority)

    return tuple(map(changed, jobs))


def _in_shape(job: TraceJob, mix: ShapeMix, shape_in: Callable[[Shape, ShapeMix], Shape]) -> TraceJob:
    return replace(job, shape=shape_in(job.shape, mix), seconds=work(job) / mix.cores)


def _shape_in(shape: Shape, mix: ShapeMix) -> Shape:
    per_core = mix.ram_mb or -(-shape.ram_mb // shape.min_cores)
    return replace(
        shape,
        min_cores=mix.cores,
        max_cores=mix.cores,
        whole_node=mix.whole_node,
        ram_mb=per_core * mix.cores,
        gpus=mix.gpus or shape.gpus,
        cpu_seconds=_segment(shape.cpu_seconds * shape.min_cores / mix.cores),
        tags=tuple(sorted({*shape.tags, *mix.tags})),
    )


def _segment(seconds: float) -> int:
    return CPU_SEGMENTS[min(bisect_left(CPU_SEGMENTS, seconds), len(CPU_SEGMENTS) - 1)]
