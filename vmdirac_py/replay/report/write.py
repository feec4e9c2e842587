"""Write a report: pictures, one page that holds them all, and the results as JSON."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import msgspec
from jinja2 import Environment, PackageLoader, StrictUndefined
from rich.table import Table

from vmdirac_py.base.errors import BadInput
from vmdirac_py.replay.api import Result

from . import compared, curves, lines

PAGE, RESULTS = "report.html", "result.json"


class Picture(NamedTuple):
    """A picture and the file it stands in."""

    file: str
    svg: str


class Section(NamedTuple):
    """What the page shows of one result."""

    place: int
    result: Result
    pictures: tuple[Picture, ...]


def write(results: Sequence[Result], folder: str | Path) -> tuple[Path, ...]:
    """Write `report.html`, `result.json` (a list of results) and the pictures; return their paths, the page first.

    Raises:
        BadInput: there is no result, or the folder cannot be written to.
    """
    if not results:
        raise BadInput("there is no result to report", where=str(folder), mend="replay a trace first")
    sections, shared = [_section(place, result) for place, result in enumerate(results, 1)], list(_shared(results))
    files = {
        PAGE: page(sections, shared),
        RESULTS: msgspec.json.format(msgspec.json.encode(results), indent=1).decode(),
    }
    files |= {
        picture.file: picture.svg for picture in (*shared, *(drawn for one in sections for drawn in one.pictures))
    }
    return tuple(_written(Path(folder), files))


def _written(folder: Path, files: dict[str, str]) -> Iterator[Path]:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name, content in files.items():
            (folder / name).write_text(content, encoding="utf-8")
            yield folder / name
    except OSError as error:
        what = f"the report cannot be written: {error.strerror}"
        raise BadInput(what, where=str(folder), mend="name another folder") from error


def _shared(results: Sequence[Result]) -> Iterator[Picture]:
    if len(results) > 1:
        yield Picture("pay-against-wait.svg", compared.pay_against_wait(results, "pay"))


def _section(place: int, result: Result) -> Section:
    file = f"{place:02}-{re.sub('[^a-z0-9]+', '-', result.rule.lower()).strip('-')[:40]}"
    return Section(
        place,
        result,
        (
            Picture(f"{file}-fleet.svg", curves.fleet(result, f"fleet-{place}")),
            Picture(f"{file}-waiting.svg", curves.waiting(result, f"waiting-{place}")),
            Picture(f"{file}-vos.svg", compared.of_vos(result, f"vos-{place}")),
        ),
    )


def page(sections: Sequence[Section], shared: Sequence[Picture]) -> str:
    """Return the page: everything within it, nothing fetched, no script."""
    environment = Environment(
        loader=PackageLoader("vmdirac_py.replay.report", "."),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return environment.get_template("report.html.j2").render(sections=sections, shared=shared, lines=lines)


def summary(results: Sequence[Result]) -> Table:
    """Return the results as a table for the terminal."""
    made = Table(header_style="bold", box=None, pad_edge=False)
    for column in lines.COLUMNS:
        made.add_column(column, overflow="fold", justify="left" if column in {"rule", "trace"} else "right")
    for result in results:
        made.add_row(*(told(result) for told in lines.COLUMNS.values()))
    return made
