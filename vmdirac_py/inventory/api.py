"""What this room gives, and how it complains.

load.load(path) -> Inventory              reads and checks a tree; raises BadInventory with every problem at once
load.fingerprint(path) -> str             changes when any file of the tree changes
load.commit(path) -> str                  the git commit of the tree, if any
validate.validate(raw, ...) -> Inventory | tuple[Problem, ...]     the same checks, pure
keys.KEYS                                 every key an inventory may set, with type, default and meaning
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from vmdirac_py.base.errors import BadInput


@dataclass(frozen=True, slots=True, order=True)
class Problem:
    """One thing to mend: where it stands (`line` 0: the whole file), which key, what is wrong, what to do."""

    file: str
    line: int
    key: str
    what: str
    mend: str = ""

    def __str__(self) -> str:
        """Render as `file:line: key: what (mend)`, leaving out what is not known."""
        place = f"{self.file}:{self.line}" if self.line else self.file
        text = ": ".join(part for part in (place, self.key, self.what) if part)
        return f"{text} ({self.mend})" if self.mend else text


class BadInventory(BadInput):
    """The tree cannot be used; `problems` are all of them, in the order of files and lines.

    Args:
        problems: at least one.
        where: the tree.
    """

    def __init__(self, problems: Sequence[Problem], *, where: str) -> None:
        count = f"{len(problems)} problem" + ("s" if len(problems) > 1 else "")
        lines = "".join(f"\n  {problem}" for problem in problems)
        super().__init__(f"{count} in the inventory{lines}", where=where)
        self.problems = tuple(problems)
