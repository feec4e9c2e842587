"""The Standard Workload Format."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vmdirac_py.base.errors import BadInput
from vmdirac_py.model.queue import Shape
from vmdirac_py.replay.traces.gathering import CAUSES, MENDS, notes
from vmdirac_py.replay.traces.read import read

Write = Callable[[str, str], Path]
FIELDS = 18


def row(**known: object) -> str:
    """Return a line in which all but these is unknown."""
    places = {"submit": 1, "run": 3, "given": 4, "wanted": 7, "asked": 8, "ram": 9, "user": 11, "group": 12, "part": 15}
    cells = ["-1"] * FIELDS
    for name, value in {"submit": 0, "run": 100, "given": 1, "user": 7, "group": 3, **known}.items():
        cells[places[name]] = str(value)
    return " ".join(cells) + "\n"


def test_a_line_becomes_a_job(write: Write) -> None:
    """Group is VO, user is owner, processors are cores, memory is by core, requested time stays as it is."""
    trace = read(write("a.swf", "; a header\n\n" + row(run=50.5, given=2, wanted=4, asked=400, ram=2000)))
    (job,) = trace.jobs
    assert (trace.name, job.vo, job.group, job.owner, job.seconds) == ("a", "vo3", "vo3", "user7", 50.5)
    assert job.shape == Shape(4, 4, ram_mb=8, cpu_seconds=400)


def test_unknown_numbers_get_defaults(write: Write) -> None:
    """Without a request the given processors count, and DIRAC's day of CPU time; without names, `unknown`."""
    (job,) = read(write("a.swf", row(given=2, user=-1, group=-1))).jobs
    assert job.shape == Shape(2, 2)
    assert (job.vo, job.owner) == ("unknown", "unknown")


def test_partitions_are_sites_on_request_only(write: Write) -> None:
    """A partition becomes a site, by the header's name for it, when that is asked for."""
    path = write("a.swf", "; Partition:  2 lancs.ac.uk  \n" + row(part=2) + row(part=9))
    assert [job.shape.sites for job in read(path).jobs] == [(), ()]
    assert [job.shape.sites for job in read(path, sites=True).jobs] == [("lancs.ac.uk",), ("site9",)]


@pytest.mark.parametrize(
    ("known", "cause"),
    [
        ({"run": -1}, "no_run_time"),
        ({"run": 0}, "zero_run_time"),
        ({"submit": -1}, "no_submit_time"),
        ({"given": -1}, "no_cores"),
    ],
)
def test_rows_that_cannot_be_replayed_are_counted(write: Write, known: dict[str, int], cause: str) -> None:
    """A row that misses what a replay needs is left out and counted by its cause."""
    trace = read(write("a.swf", row() + row(**known)))
    assert (len(trace.jobs), trace.dropped) == (1, {cause: 1})
    assert notes(trace) == [f"left out: 1 {CAUSES[cause]}"]


def test_rows_out_of_order_are_sorted_and_counted(write: Write) -> None:
    """Jobs come out by submission from 0.0 on, however they stood; ids stay different."""
    trace = read(write("a.swf", row(submit=30) + row(submit=10) + row(submit=20) + row(submit=30)))
    assert [job.at for job in trace.jobs] == [0.0, 10.0, 20.0, 20.0]
    assert trace.mended == {"out_of_order": 2}
    assert len({job.id for job in trace.jobs}) == 4


def test_the_longest_request_is_cut(write: Write) -> None:
    """Who asks for more than DIRAC's longest segment gets that, and is counted."""
    trace = read(write("a.swf", row(asked=2_000_000)))
    assert (trace.jobs[0].shape.cpu_seconds, trace.mended) == (1_080_000, {"requested_time_cut": 1})
    assert notes(trace) == [f"mended: 1 {MENDS['requested_time_cut']}"]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (row() + row(run="soon"), r"a\.swf, line 2, column 4 \(run time\): cannot be 'soon' .*-1"),
        (row(run=-5), r"line 1, column 4 \(run time\): cannot be '-5'"),
        (row(run="nan"), r"column 4 \(run time\): cannot be 'nan'"),
        (row(asked="1e400"), r"column 9 \(requested time\)"),
        (row(submit=-0.5), r"column 2 \(submit time\)"),
        ("1 2 3\n", "line 1: 3 columns, the format has 18"),
        (row() + row(submit=40_000_000), r"line 2, submit time: the clock jumps from 0 to 40000000"),
        ("; only a header\n", "holds no job"),
        (row(run=-1), r"holds no job that ran \(no_run_time: 1\)"),
    ],
)
def test_wrong_files_are_refused(write: Write, text: str, told: str) -> None:
    """What cannot be right is refused with file, line and column, and what to mend."""
    with pytest.raises(BadInput, match=told):
        read(write("a.swf", text))


@given(st.lists(st.text(st.characters(codec="utf-8"), max_size=80), max_size=8))
def test_garbage_is_refused(tmp_path_factory: pytest.TempPathFactory, lines: list[str]) -> None:
    """Any text is a trace or refused as bad input."""
    path = tmp_path_factory.mktemp("swf") / "garbage.swf"
    path.write_text("\n".join(lines), encoding="utf-8", newline="")
    try:
        assert read(path).jobs
    except BadInput as error:
        assert error.mend  # noqa: PT017 - both outcomes are right; only this one has words


@given(
    st.lists(
        st.lists(st.sampled_from(["-1", "0", "1", "7.5", "-3", "x", "nan", "inf", "9e99"]), min_size=18, max_size=18)
    )
)
def test_any_row_of_the_right_width_is_taken_or_refused(
    tmp_path_factory: pytest.TempPathFactory, rows: list[list[str]]
) -> None:
    """Whatever numbers stand in rows, jobs that come out ran for some time on some cores, and no row gets lost."""
    path = tmp_path_factory.mktemp("swf") / "rows.swf"
    path.write_text("".join(" ".join(cells) + "\n" for cells in rows))
    try:
        trace = read(path)
    except BadInput:
        return
    assert len(trace.jobs) + sum(trace.dropped.values()) == len(rows)
    assert all(job.seconds > 0 and job.shape.min_cores >= 1 and job.at >= 0 for job in trace.jobs)
