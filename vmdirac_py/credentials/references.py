"""Secrets are named, never written down: a reference says where the secret lies, and is resolved when it is used.

env:NAME      the environment variable NAME of the acting process
file:PATH     the text of a file nobody else may read, without its final line end
"""

from __future__ import annotations

import os
import stat
from collections.abc import Callable
from pathlib import Path

from vmdirac_py.base.errors import BadInput, Unusable

MAX_SECRET = 65_536  # bytes


def resolve(reference: str) -> str:
    """Return the secret a reference names. No error ever shows the secret, nor a text that may be one.

    Raises:
        BadInput: it is no reference.
        Unusable: there is no such variable or file, or everybody may read the file.
    """
    scheme, _, rest = reference.partition(":")
    source = _SOURCES.get(scheme)
    if source is None or not rest:
        raise BadInput(
            "not a reference to a secret",
            where="credentials",
            mend="write env:NAME or file:PATH, never the secret itself",
        )
    return source(rest)


def _from_environment(name: str) -> str:
    secret = os.environ.get(name, "")
    if not secret:
        raise Unusable("the environment variable is not set", where=f"env:{name}", mend="set it for this process")
    return secret


def _from_file(path: str) -> str:
    where = f"file:{path}"
    try:
        with Path(path).expanduser().open("rb") as file:
            mode = os.fstat(file.fileno()).st_mode
            content = file.read(MAX_SECRET + 1)
    except OSError as error:
        raise Unusable(f"cannot read the file: {error.strerror}", where=where) from None
    if mode & (stat.S_IROTH | stat.S_IWOTH):
        raise Unusable("everybody on this machine may read or write this secret", where=where, mend=f"chmod 600 {path}")
    return _text(content, where)


def _text(content: bytes, where: str) -> str:
    try:
        secret = content.decode().rstrip("\r\n")
    except UnicodeDecodeError:
        secret = ""
    if not secret or len(content) > MAX_SECRET:
        raise Unusable("the file holds no secret (empty, too big or not text)", where=where)
    return secret


_SOURCES: dict[str, Callable[[str], str]] = {"env": _from_environment, "file": _from_file}
