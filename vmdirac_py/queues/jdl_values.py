"""One job's attributes, read by name and type; a complaint names file, line and attribute."""

# mypy: allow-untyped-calls
# (DIRACCommon has no types)

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import NoReturn

from DIRACCommon.Core.Utilities.JDL import loadJDLAsCFG
from DIRACCommon.Core.Utilities.List import fromChar

from .jdl_syntax import BadJdl

YES = {"true", "yes", "1"}


@dataclass(frozen=True, slots=True)
class Attributes:
    """The attributes of one job, as DIRAC's parser understands them."""

    values: Mapping[str, str]
    lines: Mapping[str, int]
    where: str

    def refuse(self, name: str, what: str, mend: str = "") -> NoReturn:
        """Raise BadJdl at the line of an attribute."""
        line = self.lines.get(name)
        raise BadJdl(f"{name} {what}", where=f"{self.where}:{line}" if line else self.where, mend=mend)

    def has(self, name: str) -> bool:
        """Tell whether the attribute is there."""
        return name in self.values

    def text(self, name: str, default: str = "") -> str:
        """Return a text."""
        return self.values.get(name, default).strip()

    def texts(self, *names: str) -> tuple[str, ...]:
        """Return a list, of one entry for a plain text, under the first of these names that is there."""
        found = next((self.values[name] for name in names if name in self.values), "")
        return tuple(dict.fromkeys(fromChar(found)))

    def whole(self, name: str, default: int, *, least: int, most: int) -> int:
        """Return a whole number between `least` and `most`."""
        text = self.text(name, str(default))
        try:
            value = int(text)
        except ValueError:
            self.refuse(name, f"wants a whole number, has {text[:40]!r}", f"{least} to {most}")
        if not least <= value <= most:
            self.refuse(name, f"must be between {least} and {most}, not {text[:40]}")
        return value

    def number(self, name: str, default: float, *, least: float, most: float) -> float:
        """Return a number between `least` and `most`."""
        text = self.text(name, str(default))
        try:
            value = float(text)
        except ValueError:
            value = math.nan
        if not least <= value <= most:
            self.refuse(name, f"must be a number between {least:g} and {most:g}, not {text[:40]!r}")
        return value

    def flag(self, name: str) -> bool:
        """Tell whether the attribute says yes."""
        return self.text(name).lower() in YES


def read(text: str, lines: Mapping[str, int], where: str) -> Attributes:
    """Return the attributes of a job whose syntax is already known to be good.

    Raises:
        BadJdl: DIRAC's parser still refuses it.
    """
    result = loadJDLAsCFG(text.strip())
    if not result["OK"]:
        raise BadJdl(str(result["Message"]), where=where)
    config = result["Value"][0]
    return Attributes({name: str(config.getOption(name, "")) for name in config.listOptions()}, lines, where)
