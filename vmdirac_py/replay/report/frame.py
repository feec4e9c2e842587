"""The frame of a picture: two axes with marks, and a legend."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from . import svg
from .svg import Box
from .ticks import Axis

ENTRY = 18
"""Height of one line of a legend."""
LONGEST = 22
"""Letters of a name that a legend has room for."""


class Frame(NamedTuple):
    """Where values are drawn: `box` in the picture, an axis each way."""

    box: Box
    across: Axis
    up: Axis

    def x(self, value: float) -> float:
        """Return where a value is across."""
        share = (value - self.across.low) / (self.across.high - self.across.low)
        return self.box.left + share * (self.box.right - self.box.left)

    def y(self, value: float) -> float:
        """Return where a value is upwards."""
        share = (value - self.up.low) / (self.up.high - self.up.low)
        return self.box.bottom - share * (self.box.bottom - self.box.top)


def drawn(frame: Frame, *, across: str, up: str) -> list[str]:
    """Return the axes with their words."""
    box = frame.box
    titles = [
        svg.text((box.left + box.right) / 2, box.bottom + 38, across, anchor="middle"),
        svg.text(box.left - 52, (box.top + box.bottom) / 2, up, anchor="middle", turn=True),
    ]
    return [*_up(frame), *_across(frame), *titles]


def _up(frame: Frame) -> Iterator[str]:
    box = frame.box
    for mark in frame.up.marks:
        y = frame.y(mark)
        yield svg.line(box.left, y, box.right, y, "v-grid")
        yield svg.text(box.left - 8, y + 4, frame.up.label(mark), anchor="end", kind="v-small")
    yield svg.line(box.left, box.top, box.left, box.bottom, "v-axis")


def _across(frame: Frame) -> Iterator[str]:
    box = frame.box
    for mark in frame.across.marks:
        x = frame.x(mark)
        yield svg.line(x, box.bottom, x, box.bottom + 5, "v-axis")
        yield svg.text(x, box.bottom + 19, frame.across.label(mark), anchor="middle", kind="v-small")
    yield svg.line(box.left, box.bottom, box.right, box.bottom, "v-axis")


def legend(x: float, y: float, entries: Sequence[tuple[str, str]], *, longest: int = LONGEST) -> list[str]:
    """Return names beside their colours, one below the other."""
    parts = []
    for place, (name, colour) in enumerate(entries):
        top = y + place * ENTRY
        parts += [svg.bar(Box(x, top, x + 12, top + 12), colour), svg.text(x + 18, top + 10, svg.short(name, longest))]
    return parts
