"""The few shapes our pictures need, as SVG: readable in light and dark, with words for screen readers."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import NamedTuple
from xml.sax.saxutils import escape, quoteattr

COLOURS = ("#0072b2", "#e69f00", "#009e73", "#cc79a7", "#56b4e9", "#d55e00", "#8a6d3b", "#7f7f7f")
"""Told apart by colour-blind people as well, on white and on black (after Okabe and Ito, 2008)."""

STYLE = """<style>
.v-text{font:12px system-ui,"DejaVu Sans",sans-serif;fill:#333}.v-title{font-size:14px;font-weight:600}
.v-small{font-size:11px}.v-axis{stroke:#888;stroke-width:1}.v-grid{stroke:#ddd;stroke-width:1}.v-back{fill:#fff}
.v-dot{stroke:#fff;stroke-width:1}
@media (prefers-color-scheme:dark){.v-text{fill:#ddd}.v-axis{stroke:#999}.v-grid{stroke:#3a3a3a}.v-back{fill:#161616}
.v-dot{stroke:#161616}}
</style>"""
# Characters XML 1.0 has no way to write.
FORBIDDEN = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


LONGEST_TITLE = 100
"""Letters a picture is wide enough for."""


class Box(NamedTuple):
    """A rectangle in a picture."""

    left: float
    top: float
    right: float
    bottom: float


def clean(text: str) -> str:
    """Return a text as XML can hold it."""
    return escape(FORBIDDEN.sub("�", text))


def short(words: str, longest: int) -> str:
    """Return words that fit, their end left off when it must."""
    return words if len(words) <= longest else words[: longest - 1] + "…"


def text(x: float, y: float, words: str, *, anchor: str = "start", kind: str = "", turn: bool = False) -> str:
    """Return words that start, end or have their middle at a point; `turn` lets them run upwards."""
    turned = f' transform="rotate(-90 {x:.1f} {y:.1f})"' if turn else ""
    classes = f"v-text {kind}".strip()
    return f'<text class="{classes}" x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}"{turned}>{clean(words)}</text>'


def line(x1: float, y1: float, x2: float, y2: float, kind: str) -> str:
    """Return a straight line of the axis or the grid."""
    return f'<line class="{kind}" x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}"/>'


def curve(points: Iterable[tuple[float, float]], colour: str, *, dashes: str = "") -> str:
    """Return a line through points."""
    dashed = f' stroke-dasharray="{dashes}"' if dashes else ""
    return f'<polyline fill="none" stroke="{colour}" stroke-width="1.6"{dashed} points="{_points(points)}"/>'


def area(points: Iterable[tuple[float, float]], colour: str, *, opacity: float = 0.85) -> str:
    """Return a filled shape."""
    return f'<polygon fill="{colour}" fill-opacity="{opacity}" points="{_points(points)}"/>'


def bar(box: Box, colour: str, *, opacity: float = 1.0, told: str = "") -> str:
    """Return a filled rectangle; `told` is shown to who points at it."""
    width, height = max(0.0, box.right - box.left), box.bottom - box.top
    place = f'x="{box.left:.1f}" y="{box.top:.1f}" width="{width:.1f}" height="{height:.1f}"'
    return f'<rect fill="{colour}" fill-opacity="{opacity}" {place}>{_title(told)}</rect>'


def dot(x: float, y: float, colour: str, *, told: str = "") -> str:
    """Return a point; `told` is shown to who points at it."""
    return f'<circle class="v-dot" fill="{colour}" cx="{x:.1f}" cy="{y:.1f}" r="5">{_title(told)}</circle>'


def _title(told: str) -> str:
    return f"<title>{clean(told)}</title>" if told else ""


def _points(points: Iterable[tuple[float, float]]) -> str:
    return " ".join(f"{x:.1f},{y:.1f}" for x, y in points)


def picture(width: int, height: int, parts: Sequence[str], *, name: str, title: str, told: str) -> str:
    """Return a whole picture. `name` makes its ids differ from those of others on a page; `told` says it in words."""
    about = f'role="img" aria-labelledby={quoteattr(f"{name}-title {name}-told")}'
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" {about}>',
        f'<title id="{name}-title">{clean(title)}</title><desc id="{name}-told">{clean(told)}</desc>{STYLE}',
        f'<rect class="v-back" width="{width}" height="{height}"/>',
        text(16, 24, short(title, LONGEST_TITLE), kind="v-title"),
    )
    return "\n".join([*head, *parts, "</svg>\n"])
