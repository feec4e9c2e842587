"""The pages of this repository, and what stands in them."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
FENCE = re.compile(r"^```.*?^```", re.MULTILINE | re.DOTALL)
INDENTED = re.compile(r"(?:^    .*\n?)+", re.MULTILINE)
INLINE = re.compile(r"`([^`\n]+)`")
HEADING = re.compile(r"^#+ +(.+?) *$", re.MULTILINE)


def pages() -> list[Path]:
    """Return every page that is in git, or is about to be."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "*.md"]
    listed = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    return sorted(ROOT / line for line in set(listed.splitlines()) if (ROOT / line).is_file() and not _fragment(line))


def _fragment(name: str) -> bool:
    return name.startswith("changelog.d/")


def name_of(page: Path) -> str:
    """Return how a page is called in complaints."""
    return str(page.relative_to(ROOT))


def code(text: str) -> Iterator[str]:
    """Yield every piece of code of a page, line by line and span by span."""
    for block in (*FENCE.finditer(text), *INDENTED.finditer(FENCE.sub("", text))):
        yield from block[0].splitlines()
    yield from INLINE.findall(FENCE.sub("", text))


def anchors(text: str) -> set[str]:
    """Return what a link into this page may name, as GitHub makes it of its headings."""
    plain = (re.sub(r"[^\w\- ]", "", heading.lower()) for heading in HEADING.findall(FENCE.sub("", text)))
    return {heading.strip().replace(" ", "-") for heading in plain}
