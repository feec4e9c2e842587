"""One small tree of errors; each says what happened, where, and how to mend it.

    VmdiracError
    ├── BadInput            what a person or a peer gave cannot be used; nothing was changed
    │   ├── UnknownThing    a name or id that does not exist here
    │   └── NotAllowed      the caller may not do this
    ├── Conflict            the world moved, or somebody else holds it; nothing was changed
    │   └── TryAgain        only bad luck in timing: the same once more may well work
    └── Unusable            this machine or installation lacks something (port, disk, schema, program)

Cloud errors (`vmdirac_py.clouds.api`) hang below `VmdiracError` as well.
"""

from __future__ import annotations


class VmdiracError(Exception):
    """Root of every error this project raises on purpose.

    Args:
        what: what is wrong, one sentence without a final stop.
        where: file, key, VM, endpoint ... the thing it is wrong in.
        mend: what the reader can do about it.
    """

    def __init__(self, what: str, *, where: str = "", mend: str = "") -> None:
        super().__init__(what)
        self.what = what
        self.where = where
        self.mend = mend

    def __str__(self) -> str:
        """Render as `where: what (mend)`, leaving out what is not known."""
        text = f"{self.where}: {self.what}" if self.where else self.what
        return f"{text} ({self.mend})" if self.mend else text


class BadInput(VmdiracError):
    """What a person or a peer gave cannot be used; nothing was changed."""


class UnknownThing(BadInput):
    """A name or id that does not exist here."""


class NotAllowed(BadInput):
    """The caller may not do this."""


class Conflict(VmdiracError):
    """The world moved meanwhile, or somebody else holds the thing; nothing was changed."""


class TryAgain(Conflict):
    """Somebody else was faster or kept the ledger busy; the same once more may well work."""


class Unusable(VmdiracError):
    """This machine or installation lacks something it needs."""
