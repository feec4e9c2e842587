"""A network and the guests on it, of one process or held by hand."""

from __future__ import annotations

import contextlib
import shutil
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

from tests.testbeds.common.errors import Broke
from tests.testbeds.common.places import Say

from . import marks, tree
from .guest import Guest, Start, start
from .network import Network, network


class Bed:
    """A context manager: at its end, or at the start of the next bed when its process was killed, nothing is left.

    Args:
        folder: for what guests write.
        say: told what takes long.
        layers: what lies over the tree, beneath what each guest writes; the first is the uppermost.
    """

    def __init__(self, folder: Path, say: Say, *, layers: Sequence[Path] = ()) -> None:
        self.folder, self._say = folder, say
        self.layers = list(layers)
        self._kept = contextlib.ExitStack()
        self.marks = marks.of(folder)
        """What its processes bear."""
        self.network: Network
        self.guests: dict[str, Guest] = {}

    def __enter__(self) -> Self:
        marks.sweep()
        self.layers.append(tree.made(self._say))
        self.folder.mkdir(parents=True, exist_ok=True)
        try:
            self.network = self._kept.enter_context(network(self.folder, self.marks))
        except BaseException:
            self._close()
            raise
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._close()

    def boot(self, name: str, given: Start) -> Guest:
        """Start a guest; nothing of an earlier one of this name is left in it."""
        folder = self.folder / name
        shutil.rmtree(folder, ignore_errors=True)
        self.guests[name] = start(folder, self.layers, self.network, name, given, self.marks)
        return self.guests[name]

    def _close(self) -> None:
        try:
            for guest in self.guests.values():
                guest.kill()
        finally:
            self._kept.close()
            ended = marks.end(self.folder)
        if not ended:
            raise Broke("processes of this bed do not end", where=str(self.folder))
