"""Who is to blame for what keeps a payload from its start: its job, which then fails, or the machine it came to."""

import contextlib
import errno
from typing import Iterator

from .payload import CannotHere, CannotRun

_OF_MACHINES = frozenset(
    {errno.EAGAIN, errno.EDQUOT, errno.EIO, errno.EMFILE, errno.ENFILE, errno.ENOMEM, errno.ENOSPC, errno.EROFS}
)


@contextlib.contextmanager
def machine() -> Iterator[None]:
    """Blame the machine for every OSError, and for a thread it has no place for. Raises CannotHere."""
    try:
        yield
    except (OSError, RuntimeError) as error:
        raise CannotHere(f"Its VM cannot begin: {_words(error)}") from None


@contextlib.contextmanager
def job(what: str) -> Iterator[None]:
    """Blame the job for an OSError, unless it says that the machine has no room. Raises CannotHere, CannotRun."""
    try:
        yield
    except OSError as error:
        if error.errno in _OF_MACHINES:
            raise CannotHere(f"Its VM cannot begin: {_words(error)}") from None
        raise CannotRun(f"{what}: {_words(error)}") from None


def _words(error: Exception) -> str:
    return getattr(error, "strerror", None) or str(error)
