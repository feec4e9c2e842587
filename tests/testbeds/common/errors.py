"""How a bed fails."""

from __future__ import annotations

from vmdirac_py.base.errors import Unusable, VmdiracError


class Cannot(Unusable):
    """This machine lacks what a bed needs; a test that wants one is skipped, loudly."""


class Broke(VmdiracError):
    """The machine has all that is needed, and something failed all the same: a test that wants the bed fails."""
