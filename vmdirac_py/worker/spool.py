"""What a program says, kept in a file of bounded size."""

import contextlib
import os
import threading
from pathlib import Path
from typing import IO

LONGEST = 5_000_000  # bytes of the file before it becomes FILE.1 and a new one begins
_PIECE = 65536


class Spool:
    """Copies a pipe into a file until the pipe ends: a payload that prints a gigabyte fills no disk.

    Args:
        path: the file; what it holds already is kept as FILE.1.
    """

    def __init__(self, path: Path, longest: int = LONGEST) -> None:
        self.path, self._longest = path, longest
        self._turn()

    def follow(self, pipe: IO[bytes]) -> threading.Thread:
        """Copy in a thread of its own, and return that."""
        thread = threading.Thread(target=self._copy, args=(pipe,), name="spool", daemon=True)
        thread.start()
        return thread

    def tail(self, size: int) -> str:
        """Return the end of what was said."""
        with contextlib.suppress(OSError):
            return self.path.read_bytes()[-size:].decode("utf-8", "replace")
        return ""

    def _copy(self, pipe: IO[bytes]) -> None:
        with pipe:
            for piece in iter(lambda: os.read(pipe.fileno(), _PIECE), b""):
                # A full disk must not end the program: what cannot be kept is dropped.
                with contextlib.suppress(OSError):
                    self._keep(piece)

    def _keep(self, piece: bytes) -> None:
        with self.path.open("ab") as file:
            file.write(piece)
            full = file.tell() > self._longest
        if full:
            self._turn()

    def _turn(self) -> None:
        with contextlib.suppress(FileNotFoundError):
            self.path.replace(self.path.with_name(self.path.name + ".1"))
