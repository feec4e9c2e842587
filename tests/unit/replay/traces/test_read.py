"""Which reader reads a file, and how it is unpacked."""

from __future__ import annotations

import bz2
import gzip
import lzma
from collections.abc import Callable
from pathlib import Path

import pytest

from vmdirac_py.base.errors import BadInput, UnknownThing
from vmdirac_py.replay.traces.read import read

CSV = "submit,vo,run_seconds\n1,a,5\n"
SWF = "; SWF\n1 0 -1 60 1 -1 -1 1 -1 -1 -1 1 1 -1 -1 1 -1 -1\n"


@pytest.mark.parametrize("pack", [gzip.compress, lzma.compress, bz2.compress])
def test_packed_files_are_unpacked(tmp_path: Path, pack: Callable[[bytes], bytes]) -> None:
    """How a file is packed is told by its content, not by its name."""
    path = tmp_path / "a.swf.gz"
    path.write_bytes(pack(SWF.encode()))
    trace = read(path)
    assert (trace.name, len(trace.jobs)) == ("a", 1)


@pytest.mark.parametrize(("text", "vo"), [(CSV, "a"), (SWF, "vo1"), (SWF.partition("\n")[2], "vo1")])
def test_formats_are_told_by_content(tmp_path: Path, text: str, vo: str) -> None:
    """A name that tells nothing leaves it to the first line."""
    (tmp_path / "trace").write_text("\n" + text)
    assert read(tmp_path / "trace").jobs[0].vo == vo


def test_a_given_format_counts(tmp_path: Path) -> None:
    """Who says the format is believed, whatever the name."""
    (tmp_path / "a.swf").write_text(CSV)
    assert read(tmp_path / "a.swf", format="csv").jobs[0].vo == "a"
    with pytest.raises(BadInput, match=r"no such format: 'xml'.*swf, csv"):
        read(tmp_path / "a.swf", format="xml")


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"hello\n", "neither SWF nor CSV"),
        (b"\xff\xfe\xfa", "not a text in UTF-8"),
        (gzip.compress(SWF.encode(), mtime=0)[:-9], "cannot be read"),
        (b"\x1f\x8bno gzip at all", "cannot be read"),
        (b"\xfd7zXZ\0 nor xz", "cannot be read"),
    ],
)
def test_what_is_no_trace_is_refused(tmp_path: Path, content: bytes, told: str) -> None:
    """Files cut off, packed wrongly or of another kind are bad input, by name."""
    (tmp_path / "thing").write_bytes(content)
    with pytest.raises(BadInput, match=rf"thing: {told}"):
        read(tmp_path / "thing")


def test_files_that_are_not_there_are_named(tmp_path: Path) -> None:
    """No such file, and a folder, are told as such."""
    with pytest.raises(UnknownThing, match="there is no such file"):
        read(tmp_path / "nothing.swf")
    with pytest.raises(BadInput, match="directory"):
        read(tmp_path)
