"""A file of a trace as text, whatever it is packed with."""

from __future__ import annotations

import bz2
import gzip
import lzma
import zlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TextIO

from vmdirac_py.base.errors import BadInput, UnknownThing

PACKED: Mapping[bytes, Callable[..., Any]] = {b"\x1f\x8b": gzip.open, b"\xfd7zXZ\0": lzma.open, b"BZh": bz2.open}
"""First bytes → what opens such a file; a name may lie."""
SUFFIXES = (".gz", ".xz", ".bz2")


@contextmanager
def opened(path: Path) -> Iterator[TextIO]:
    """Open a plain or packed text.

    Raises:
        UnknownThing: there is no such file.
        BadInput: it cannot be read, unpacked, or is no text in UTF-8; also while it is being read.
    """
    try:
        with _opener(path)(path, "rt", encoding="utf-8-sig", newline="") as stream:
            yield stream
    except FileNotFoundError as error:
        raise UnknownThing("there is no such file", where=str(path), mend="name a trace") from error
    except UnicodeDecodeError as error:
        raise BadInput("not a text in UTF-8", where=str(path), mend="name a trace, or convert it") from error
    except (OSError, EOFError, zlib.error, lzma.LZMAError) as error:
        raise BadInput(f"cannot be read: {error}", where=str(path), mend="mend its rights, or fetch it anew") from error


def _opener(path: Path) -> Callable[..., Any]:
    with path.open("rb") as stream:
        first = stream.read(6)
    return next((opener for magic, opener in PACKED.items() if first.startswith(magic)), open)


def plain_name(path: Path) -> str:
    """Return the file's name without what tells its packing."""
    return path.stem if path.suffix.lower() in SUFFIXES else path.name
