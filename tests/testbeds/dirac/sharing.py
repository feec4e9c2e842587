"""The DIRAC that tests share."""

from __future__ import annotations

from tests.testbeds.common.places import Say
from tests.testbeds.common.sharing import Shared

from . import life
from .bed import Bed
from .places import Places, default_home


def shared(say: Say) -> Bed:
    """Return the bed that tests share, up; this process is one of its users until it ends.

    Raises:
        Cannot: the machine cannot, and why; it is found out once.
        Broke: something failed.
    """
    places = Places(default_home())
    return Shared(places, life.bring_up, lambda: life.stop(places)).get(say)
