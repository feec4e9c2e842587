"""The worker's log: one line for each thing that happens, in UTC, on stderr and in a file that is kept short."""

import contextlib
import sys
import threading
import time
from pathlib import Path
from typing import Optional

LONGEST = 1_000_000  # bytes of the file before it becomes FILE.1 and a new one begins


class _File:
    def __init__(self) -> None:
        self._lock = threading.Lock()
        self.path: Optional[Path] = None

    def write(self, line: str) -> None:
        with self._lock, contextlib.suppress(OSError):  # a full disk must not end the worker
            if self.path is None:
                return
            if self.path.exists() and self.path.stat().st_size > LONGEST:
                self.path.replace(older(self.path))
            with self.path.open("a", encoding="utf-8") as file:
                file.write(line)


_FILE = _File()


def keep_in(path: Path) -> None:
    """Write every line into this file too, from now on."""
    _FILE.path = path


def older(path: Path) -> Path:
    """Return where the lines before those of `path` are."""
    return path.with_name(path.name + ".1")


def say(text: str) -> None:
    """Write one line; line breaks in `text` are folded, so that a line stays a line."""
    at = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
    line = f"{at} {' '.join(text.split())}\n"
    sys.stderr.write(line)
    sys.stderr.flush()
    _FILE.write(line)
