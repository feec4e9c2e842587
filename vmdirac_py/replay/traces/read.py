"""Read a trace, whatever it is written in."""

from __future__ import annotations

from pathlib import Path
from typing import TextIO

from vmdirac_py.base.errors import BadInput
from vmdirac_py.replay.api import Trace

from . import swf, table
from .files import opened, plain_name
from .gathering import Gathering

FORMATS = ("swf", "csv")


def read(path: str | Path, *, format: str | None = None, sites: bool = False) -> Trace:  # noqa: A002 - what everybody calls it
    """Return the trace in a file, plain or packed (gzip, xz, bzip2).

    Args:
        path: the file.
        format: `swf` or `csv`; None: told by its name, else by its first line.
        sites: let the partition of an SWF job be its site, the only one it may run at.

    Raises:
        BadInput: it cannot be read, a row is wrong (the error names line and column), or it holds no job.
    """
    path = Path(path)
    kind = format or _by_name(path) or _by_content(path)
    gathering = Gathering(path, plain_name(path).partition(".")[0])
    with opened(path) as stream:
        _gather(kind, stream, gathering, sites=sites)
    return gathering.trace()


def _gather(kind: str, stream: TextIO, gathering: Gathering, *, sites: bool) -> None:
    if kind == "swf":
        swf.read(stream, gathering, sites=sites)
    elif kind == "csv":
        table.read(stream, gathering)
    else:
        raise BadInput(f"no such format: {kind!r}", where="format", mend="one of " + ", ".join(FORMATS))


def _by_name(path: Path) -> str:
    suffix = Path(plain_name(path)).suffix.lower().removeprefix(".")
    return suffix if suffix in FORMATS else ""


def _by_content(path: Path) -> str:
    """Tell by the first line that is not empty: a comment or 18 words is SWF, a known column's name CSV."""
    with opened(path) as stream:
        first = next((line for line in stream if line.strip()), "")
    if first.startswith(";") or len(first.split()) == swf.FIELDS:
        return "swf"
    if any(cell.strip() in table.COLUMNS for cell in first.split(",")):
        return "csv"
    raise BadInput("neither SWF nor CSV", where=str(path), mend="name it .swf or .csv, or say its format")
