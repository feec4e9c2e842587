"""Overlays: what a trace of single-core jobs lacks, put over it by a seed, and the part of a trace that is wanted.

All jobs of a user are changed alike, so that a user's jobs still look alike. Same overlay, same trace: same result.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated

import msgspec
import yaml
from msgspec import Meta, Struct

from vmdirac_py.base.errors import BadInput, UnknownThing

from .api import Trace
from .cutting import cut, stretched
from .mixing import PriorityMix, ShapeMix, mixed

Factor = Annotated[float, Meta(ge=0.001, le=1000)]
Moment = Annotated[float, Meta(ge=0)]


class Overlay(Struct, frozen=True, forbid_unknown_fields=True):
    """What is put over a trace, in this order: the cut, the stretch, the mixes.

    Kept are jobs submitted from `since` until before `until` (seconds since the trace began; None: its end), of every
    `users`-th user. The time between submissions is multiplied by `stretch`; run times stay. A user gets at most one
    shape and one priority, drawn independently.
    """

    seed: int = 0
    since: Moment = 0.0
    until: Moment | None = None
    users: Annotated[int, Meta(ge=1)] = 1
    stretch: Factor = 1.0
    shapes: tuple[ShapeMix, ...] = ()
    priorities: tuple[PriorityMix, ...] = ()


def read(path: str | Path) -> Overlay:
    """Return the overlay in a YAML or JSON file.

    Raises:
        UnknownThing: there is no such file.
        BadInput: it cannot be read, or says what no overlay can.
    """
    try:
        written = yaml.safe_load(Path(path).read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise UnknownThing("there is no such file", where=str(path), mend="name an overlay") from error
    except (OSError, UnicodeDecodeError, yaml.YAMLError, ValueError, RecursionError) as error:
        told = " ".join(str(error).split())
        raise BadInput(f"cannot be read: {told}", where=str(path), mend="write it as YAML or JSON") from error
    return overlay(written if written is not None else {}, where=str(path))


def overlay(written: Mapping[str, object], *, where: str = "overlay") -> Overlay:
    """Return an overlay of plain values, as YAML and JSON give them.

    Raises:
        BadInput: it says what no overlay can.
    """
    try:
        made = msgspec.convert(written, Overlay)
    except msgspec.ValidationError as error:
        raise BadInput(str(error), where=where, mend="see docs/replay.md, Overlays") from error
    for name, mixes in (("shapes", made.shapes), ("priorities", made.priorities)):
        if (total := sum(mix.share for mix in mixes)) > 1 + 1e-9:
            raise BadInput(f"the shares add up to {total:g}", where=f"{where}: {name}", mend="make it 1 at most")
    if made.until is not None and made.until <= made.since:
        raise BadInput("ends before it begins", where=f"{where}: until", mend="make it later than since")
    return made


def apply(trace: Trace, over: Overlay) -> Trace:
    """Return the trace with the overlay put over it; its name stays, its jobs keep their ids.

    Raises:
        BadInput: no job is left.
    """
    kept = cut(trace.jobs, since=over.since, until=over.until, users=over.users, seed=over.seed)
    if not kept:
        raise BadInput("no job is left of it", where=trace.name, mend="cut less of it off")
    jobs = mixed(stretched(kept, over.stretch), shapes=over.shapes, priorities=over.priorities, seed=over.seed)
    return msgspec.structs.replace(trace, jobs=jobs)
