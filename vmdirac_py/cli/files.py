"""Files that commands read and write; `-` is standard input or output."""

from __future__ import annotations

import sys
from pathlib import Path

from vmdirac_py.base.errors import BadInput, UnknownThing

STANDARD = Path("-")


def read(path: Path) -> bytes:
    """Return what is in a file, or comes on standard input.

    Raises:
        UnknownThing: there is no such file.
        BadInput: it cannot be read.
    """
    if path == STANDARD:
        return sys.stdin.buffer.read()
    try:
        return path.read_bytes()
    except FileNotFoundError as error:
        raise UnknownThing("there is no such file", where=str(path), mend="name another file") from error
    except OSError as error:
        raise BadInput(f"cannot be read: {error.strerror}", where=str(path), mend="name another file") from error


def write(path: Path, content: bytes) -> None:
    """Write a file, which is there whole or not at all, closed to others; or standard output.

    Raises:
        BadInput: it cannot be written.
    """
    if path == STANDARD:
        sys.stdout.buffer.write(content)
        sys.stdout.flush()
        return
    partial = path.with_name(path.name + ".part")
    try:
        partial.touch(mode=0o600)
        partial.write_bytes(content)
        partial.replace(path)
    except OSError as error:
        raise BadInput(f"cannot be written: {error.strerror}", where=str(path), mend="name another file") from error
    finally:
        if partial.is_file():
            partial.unlink()
