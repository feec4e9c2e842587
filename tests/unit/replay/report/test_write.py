"""The report: its files, what they show, and that they stand alone."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from xml.etree import ElementTree as ET

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rich.console import Console

from vmdirac_py.base.errors import BadInput
from vmdirac_py.replay.api import Result, Series
from vmdirac_py.replay.report import compared, curves
from vmdirac_py.replay.report.write import summary, write

from .conftest import RESULT, SERIES, VOS

Make = Callable[..., Result]
SVG = "{http://www.w3.org/2000/svg}"


def words(picture: str) -> list[str]:
    """Return all words drawn in a picture."""
    return [element.text or "" for element in ET.fromstring(picture).iter(f"{SVG}text")]


def test_a_report_is_page_results_and_pictures(result: Make, tmp_path: Path) -> None:
    """Each result has three pictures; several have one that compares them; the page comes first."""
    one, two = result(), result(rule="static (20 VMs)")
    assert len(write([one], tmp_path / "one")) == 5
    paths = write([one, two], tmp_path / "two")
    assert [path.name for path in paths[:3]] == ["report.html", "result.json", "pay-against-wait.svg"]
    assert paths[6].name == "02-static-20-vms-fleet.svg"
    assert all(path.is_file() for path in paths)


def test_results_can_be_read_back(result: Make, tmp_path: Path) -> None:
    """`result.json` holds the results, whole."""
    results = [result(), result(seed=2)]
    write(results, tmp_path)
    assert msgspec.json.decode((tmp_path / "result.json").read_bytes(), type=list[Result]) == results


def test_the_page_stands_alone(result: Make, tmp_path: Path) -> None:
    """The page fetches nothing, runs nothing, and no id in it is there twice."""
    write([result(), result(seed=2)], tmp_path)
    page = (tmp_path / "report.html").read_text()
    assert not re.search(r"<script|<link|src=|url\(|@import", page)
    assert set(re.findall(r"https?://[^\"]*", page)) == {"http://www.w3.org/2000/svg"}
    ids = re.findall(r' id="([^"]*)"', page)
    assert len(ids) == len(set(ids)) == 2 * (2 * 3 + 1)


def test_the_page_tells_the_figures(result: Make, tmp_path: Path) -> None:
    """Pay, wait, VOs, calls and reasons in words are on it."""
    write([result()], tmp_path)
    page = (tmp_path / "report.html").read_text()
    for told in ("1.667", "20 s (astro)", "5 of 50", "launch.demand", "no job of VO {vo} waits", "<td>300</td>"):
        assert told in page


def test_names_cannot_break_out(result: Make, tmp_path: Path) -> None:
    """Rules, traces and VOs are shown as they are written, as text, even what XML cannot hold."""
    evil = "<script>\x00&\"'"
    series = msgspec.structs.replace(SERIES, waiting={evil: (1, 2, 3)})
    vos = (msgspec.structs.replace(VOS[0], vo=evil),)
    made = result(rule=evil, trace=evil, worst_vo=evil, vos=vos, series=series)
    paths = write([made, made], tmp_path)
    assert "<script" not in paths[0].read_text()
    assert all(ET.parse(path) for path in paths if path.suffix == ".svg")


def test_a_picture_can_be_read_and_heard(result: Make) -> None:
    """Axes have words and marks with units, curves a legend, the whole a title and a description."""
    picture = curves.fleet(result(), "fleet")
    shown = words(picture)
    for told in ("hours since the first submission", "cores", "paid for", "used by jobs", "wanted", "0", "3", "30"):
        assert told in shown
    root = ET.fromstring(picture)
    by_id = {element.get("id"): element.text for element in root}
    title, told = (by_id[name] for name in (root.get("aria-labelledby") or "").split())
    assert title == "Fleet against demand: production on small"
    assert told is not None
    assert "40 core-hours were paid for and 24 used" in told


def test_waiting_jobs_are_piled_by_vo(result: Make) -> None:
    """Every VO has its colour and name, the last eighth and more share one; the axis holds the whole pile."""
    waiting = {f"vo{n:02}": (100 - n, 100, 0) for n in range(20)}
    shown = words(curves.waiting(result(series=msgspec.structs.replace(SERIES, waiting=waiting)), "w"))
    assert [name for name in shown if "vo" in name.lower() and "by VO" not in name] == [
        "13 other VOs", *(f"vo{n:02}" for n in range(6, -1, -1))
    ]  # fmt: skip
    assert "2000" in shown


def test_bars_tell_what_was_paid_for_a_used_hour(result: Make) -> None:
    """VOs stand by what they pay, each with paid per used; many small ones are put together."""
    shown = words(compared.of_vos(result(), "vos"))
    assert shown.index("astro") < shown.index("bio")
    assert {"1.30 paid per used", "3.50 paid per used", "core-hours"} <= set(shown)
    many = tuple(msgspec.structs.replace(VOS[1], vo=f"vo{n}") for n in range(30))
    assert "15 other VOs" in words(compared.of_vos(result(vos=many), "vos"))


@given(st.lists(st.tuples(st.floats(0, 1e6), st.floats(0, 50)), min_size=1, max_size=30))
@settings(deadline=None, max_examples=30)
def test_numbers_of_points_never_overlap(points: list[tuple[float, float]]) -> None:
    """However results lie together, each number can be read: on no point and no other number."""
    made = [msgspec.structs.replace(RESULT, excess_mean=x, paid_core_seconds=y * 86400) for x, y in points]
    root = ET.fromstring(compared.pay_against_wait(made, "pay"))
    dots = [(float(dot.get("cx", "")), float(dot.get("cy", ""))) for dot in root.iter(f"{SVG}circle")]
    numbers = [
        (float(text.get("x", "")), float(text.get("y", "")) - 4)
        for text in list(root.iter(f"{SVG}text"))
        if text.get("text-anchor") == "middle" and (text.text or "").isdigit() and float(text.get("y", "")) < 356
    ]
    assert len(dots) == len(points)
    for place, (x, y) in enumerate(numbers):
        others = [*numbers[:place], *numbers[place + 1 :], *dots]
        assert all(abs(x - x2) >= 12 or abs(y - y2) >= 9 for x2, y2 in others)


def test_an_empty_result_has_pictures_too(result: Make, tmp_path: Path) -> None:
    """A result of nothing, without a VO and without a curve, is still shown."""
    nothing = Series(at=(), wanted=(), used=(), paid=(), waiting={})
    empty = result(vos=(), series=nothing, seconds=0.0, used_core_seconds=0.0, paid_core_seconds=0.0, excess_mean=0.0)
    assert all(ET.parse(path) for path in write([empty, empty], tmp_path) if path.suffix == ".svg")


def test_a_folder_that_cannot_be_written_is_told(result: Make, tmp_path: Path) -> None:
    """A file in the folder's place is bad input, as is a report of no result."""
    (tmp_path / "file").write_text("")
    with pytest.raises(BadInput, match="cannot be written"):
        write([result()], tmp_path / "file")
    with pytest.raises(BadInput, match="no result"):
        write([], tmp_path)


def test_the_terminal_shows_a_row_a_result(result: Make) -> None:
    """The table for the terminal has pay and wait of every result."""
    console = Console(width=240)
    with console.capture() as capture:
        console.print(summary([result(), result(rule="static")]))
    head, first, second = capture.get().splitlines()
    assert "paid / used" in head
    assert first.startswith("production")
    assert "1.667" in second
