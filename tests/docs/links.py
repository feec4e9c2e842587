"""Links and named files lead somewhere."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from .pages import FENCE, INLINE, ROOT, anchors, name_of, pages

LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
ELSEWHERE = ("http://", "https://", "mailto:")
FOLDERS = ("vmdirac_py", "tests", "docs", "examples", "inventories", "playbooks", "roles", "collections", "changelog.d")
FILE = re.compile(rf"(?:{'|'.join(map(re.escape, FOLDERS))})/[a-z0-9_./-]*")


def problems() -> list[str]:
    """Return every link, and every file named in code, that leads nowhere."""
    return [f"{name_of(page)}: {problem}" for page in pages() for problem in _problems(page)]


def _problems(page: Path) -> Iterator[str]:
    text = FENCE.sub("", page.read_text())
    for target in LINK.findall(text):
        if not target.startswith(ELSEWHERE) and not _leads_somewhere(page, target):
            yield f"the link {target} leads nowhere"
    for span in INLINE.findall(text):
        if FILE.fullmatch(span) and not (ROOT / span).exists():
            yield f"there is no {span}"


def _leads_somewhere(page: Path, target: str) -> bool:
    file, _, anchor = target.partition("#")
    there = (page.parent / file).resolve() if file else page
    if not there.exists():
        return False
    return not anchor or (there.is_file() and anchor in anchors(there.read_text()))
