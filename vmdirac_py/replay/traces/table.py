"""Traces as CSV: a header that names the columns, then one job a row; an installation records itself so.

A name or number that is not known is left empty. `tags`, `sites`, `banned_sites` and `platforms` are lists with commas.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator, Mapping, Sequence
from difflib import get_close_matches
from typing import Any, TextIO

from vmdirac_py.model.queue import Shape
from vmdirac_py.replay.api import TraceJob

from .cells import flag, moment, name, names, number, whole
from .gathering import Gathering, shown

COLUMNS = {
    "submit": moment,
    "start": moment,
    "vo": name,
    "owner": name,
    "group": name,
    "run_seconds": number,
    "requested_seconds": number,
    "cores": whole,
    "max_cores": whole,
    "whole_node": flag,
    "ram_mb": whole,
    "gpus": whole,
    "tags": names,
    "sites": names,
    "banned_sites": names,
    "platforms": names,
    "priority": number,
}
"""Column → what makes a value of its text."""
TIMES = ("submit", "start")
NEEDED = ("vo", "run_seconds")


def read(stream: TextIO, into: Gathering) -> None:
    """Gather the jobs of a text.

    Raises:
        BadInput: a column nobody knows, one that is missing, or a row that is wrong.
    """
    reader = csv.reader(stream, strict=True)
    rows = _rows(reader, into)
    header = [cell.strip() for cell in next(rows, [])]
    if not header:
        return
    _check_header(header, reader.line_num, into)
    for row in rows:
        _gather(_values(header, row, reader.line_num, into), reader.line_num, into)


def _rows(reader: Any, into: Gathering) -> Iterator[list[str]]:
    """Yield the rows that are not empty; the csv module's complaints become ours."""
    try:
        yield from (row for row in reader if any(cell.strip() for cell in row))
    except csv.Error as error:
        into.refuse(reader.line_num, "", f"not CSV: {error}", "mend the quotes of this line")


def _check_header(header: Sequence[str], line: int, into: Gathering) -> None:
    for column in header:
        if column not in COLUMNS:
            near = get_close_matches(column, COLUMNS, n=1, cutoff=0.0)[0]
            into.refuse(line, shown(column), "no such column", f"the nearest is {near!r}; mend or remove it")
        if header.count(column) > 1:
            into.refuse(line, column, "this column is there twice", "remove one")
    for column in NEEDED:
        if column not in header:
            into.refuse(line, "", f"there is no column {column!r}", "add it")
    if sum(time in header for time in TIMES) != 1:
        into.refuse(line, "", "the time of a job must be told once", "give column 'submit', or 'start' for want of it")


def _values(header: Sequence[str], row: Sequence[str], line: int, into: Gathering) -> dict[str, Any]:
    """Return what a row tells, by column; empty cells are left out."""
    if len(row) != len(header):
        into.refuse(line, "", f"{len(row)} columns, the header has {len(header)}", "mend the row")
    values = {}
    for column, cell in zip(header, row, strict=True):
        if text := cell.strip():
            try:
                values[column] = COLUMNS[column](text)
            except ValueError as error:
                into.refuse(line, f"column {column}", f"cannot be {shown(text)}", f"write {error}")
    return values


def _gather(values: Mapping[str, Any], line: int, into: Gathering) -> None:
    """Keep or drop one job."""
    column = next((time for time in TIMES if time in values), "")
    if cause := _unusable(values, column):
        into.dropped[cause] += 1
        return
    vo = values.get("vo") or into.refuse(line, "column vo", "no VO is given", "write the VO")
    into.add(
        TraceJob(
            id=len(into.jobs) + 1,
            at=values[column],
            vo=vo,
            owner=values.get("owner", vo),
            group=values.get("group", vo),
            shape=_shape(values, line, into),
            seconds=values["run_seconds"],
            priority=values.get("priority", 1.0),
        ),
        line,
        f"column {column}",
    )


def _unusable(values: Mapping[str, Any], column: str) -> str:
    if not column:
        return "no_submit_time"
    if "run_seconds" not in values:
        return "no_run_time"
    return "" if values["run_seconds"] else "zero_run_time"


def _shape(values: Mapping[str, Any], line: int, into: Gathering) -> Shape:
    cores = values.get("cores", 1)
    most = values.get("max_cores", cores)
    if not 1 <= cores <= most:
        column = "cores" if cores < 1 else "max_cores"
        into.refuse(line, f"column {column}", f"cannot be {values[column]}", "write 1 <= cores <= max_cores")
    return Shape(
        min_cores=cores,
        max_cores=most,
        whole_node=values.get("whole_node", False),
        ram_mb=values.get("ram_mb", 0),
        gpus=values.get("gpus", 0),
        cpu_seconds=into.segment(values.get("requested_seconds", 0.0)),
        tags=values.get("tags", ()),
        sites=values.get("sites", ()),
        banned_sites=values.get("banned_sites", ()),
        platforms=values.get("platforms", ()),
    )
