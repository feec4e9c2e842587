"""Traces as CSV."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vmdirac_py.base.errors import BadInput
from vmdirac_py.model.queue import CPU_SEGMENTS, Shape
from vmdirac_py.replay.api import TraceJob
from vmdirac_py.replay.traces.read import read
from vmdirac_py.replay.traces.record import Recorder

Write = Callable[[str, str], Path]
HEAD = "submit,vo,run_seconds"
NAMES = st.text(st.characters(codec="utf-8", exclude_characters=","), min_size=1, max_size=12).map(str.strip)
NAME = NAMES.filter(bool)
SECONDS = st.floats(0, 1e7, allow_nan=False)
LISTS = st.lists(NAME, max_size=3).map(lambda names: tuple(sorted(set(names))))


@st.composite
def shapes(draw: st.DrawFn) -> Shape:
    """Any shape a trace can tell."""
    cores = draw(st.integers(1, 64))
    return Shape(
        min_cores=cores,
        max_cores=draw(st.integers(cores, 128)),
        whole_node=draw(st.booleans()),
        ram_mb=draw(st.integers(0, 10**6)),
        gpus=draw(st.integers(0, 8)),
        cpu_seconds=draw(st.sampled_from(CPU_SEGMENTS)),
        tags=draw(LISTS),
        sites=draw(LISTS),
        banned_sites=draw(LISTS),
        platforms=draw(LISTS),
    )


@st.composite
def jobs(draw: st.DrawFn) -> list[TraceJob]:
    """Jobs by submission, the first at 0.0."""
    times = [0.0, *sorted(draw(st.lists(SECONDS, max_size=5)))]
    return [
        TraceJob(
            number, at, draw(NAME), draw(NAME), draw(NAME), draw(shapes()),
            seconds=draw(st.floats(0.001, 1e7)), priority=draw(st.floats(0, 100)),
        )
        for number, at in enumerate(times, 1)
    ]  # fmt: skip


@given(jobs())
def test_what_is_recorded_is_read_back(tmp_path_factory: pytest.TempPathFactory, recorded: list[TraceJob]) -> None:
    """Recorded jobs come back as they were, whatever their names."""
    path = tmp_path_factory.mktemp("csv") / "mine.csv"
    with path.open("w", encoding="utf-8", newline="") as stream:
        recorder = Recorder(stream)
        for job in recorded:
            recorder.write(job)
    assert list(read(path).jobs) == recorded


def test_few_columns_are_enough(write: Write) -> None:
    """Time, VO and run time make a job of one core, of an owner and group named like the VO."""
    (job,) = read(write("a.csv", f"{HEAD}\n5,astro,60\n")).jobs
    assert job == TraceJob(1, 0.0, "astro", "astro", "astro", Shape(), 60.0)


def test_times_may_be_dates(write: Write) -> None:
    """ISO times count as UTC where they name no zone; `start` serves where there is no `submit`."""
    text = "start,vo,run_seconds\n2005-11-20T00:00:05Z,a,1\n2005-11-20 00:01:05,a,1\n2005-11-20T01:02:05+01:00,a,1\n"
    assert [job.at for job in read(write("a.csv", text)).jobs] == [0.0, 60.0, 120.0]


def test_missing_run_times_are_counted(write: Write) -> None:
    """A row without run time, of one of zero, is left out and counted; empty lines are nothing."""
    trace = read(write("a.csv", f"{HEAD}\n1,a,\n\n1,a,0\n,a,5\n1,a,5\n"))
    assert trace.dropped == {"no_run_time": 1, "zero_run_time": 1, "no_submit_time": 1}


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("submit,vo,run_second\n", "'run_second': no such column .*nearest is 'run_seconds'"),
        ("submit,vo\n", "line 1: there is no column 'run_seconds'"),
        ("submit,vo,vo,run_seconds\n", "line 1, vo: this column is there twice"),
        ("vo,run_seconds\n", "the time of a job must be told once"),
        ("submit,start,vo,run_seconds\n", "the time of a job must be told once"),
        (f"{HEAD}\n1,a\n", "line 2: 2 columns, the header has 3"),
        (f"{HEAD}\n1,,5\n", "line 2, column vo: no VO is given"),
        (f"{HEAD}\n1,a,-5\n", r"line 2, column run_seconds: cannot be '-5' \(write a number, 0 or more\)"),
        (f"{HEAD}\n1,a,long\n", "column run_seconds: cannot be 'long'"),
        (f"{HEAD}\nyesterday,a,5\n", "column submit: cannot be 'yesterday' .*2005-11-20"),
        (f"{HEAD},cores\n1,a,5,0\n", "column cores: cannot be 0"),
        (f"{HEAD},cores\n1,a,5,1.5\n", "column cores: cannot be '1.5'"),
        (f"{HEAD},cores,max_cores\n1,a,5,4,2\n", "column max_cores: cannot be 2"),
        (f"{HEAD},whole_node\n1,a,5,perhaps\n", "column whole_node: cannot be 'perhaps'"),
        (f'{HEAD}\n1,"a"b,5\n', "line 2: not CSV"),
        (f"{HEAD}\n2005-11-20T00:00:05Z,a,1\n5,a,1\n", "line 3, column submit: the clock jumps"),
        (f"{HEAD}\n", "holds no job"),
        ("", "holds no job"),
    ],
)
def test_wrong_files_are_refused(write: Write, text: str, told: str) -> None:
    """What cannot be right is refused with file, line and column, and what to mend."""
    with pytest.raises(BadInput, match=told):
        read(write("a.csv", text))


@given(st.lists(st.text(st.characters(codec="utf-8"), max_size=60), max_size=6), st.booleans())
def test_garbage_is_refused(tmp_path_factory: pytest.TempPathFactory, lines: list[str], head: bool) -> None:  # noqa: FBT001 - hypothesis gives it
    """Any text, below a right header or not, is a trace or refused as bad input."""
    path = tmp_path_factory.mktemp("csv") / "garbage.csv"
    path.write_text("\n".join([HEAD] * head + lines), encoding="utf-8", newline="")
    try:
        assert read(path).jobs
    except BadInput as error:
        assert error.mend  # noqa: PT017 - both outcomes are right; only this one has words


def test_the_header_comes_first() -> None:
    """A recorder without jobs leaves a header, so that an empty history tells it is one."""
    stream = io.StringIO()
    Recorder(stream)
    assert stream.getvalue().startswith("submit,vo,owner,group,run_seconds")
