"""The newest heartbeat of each VM, waiting to be written."""

from __future__ import annotations

from vmdirac_py.ledger.api import Heartbeat
from vmdirac_py.operations.api import Context
from vmdirac_py.operations.presence import flush


class Beats:
    """A buffer where the last heartbeat of a VM wins; used from the event loop alone."""

    def __init__(self) -> None:
        self._waiting: dict[str, Heartbeat] = {}

    def note(self, beat: Heartbeat) -> None:
        """Keep a heartbeat for the next flush."""
        self._waiting[beat.vm] = beat

    def take(self) -> list[Heartbeat]:
        """Return what waits, and wait for more."""
        taken, self._waiting = self._waiting, {}
        return list(taken.values())

    def put_back(self, beats: list[Heartbeat]) -> None:
        """Keep beats that could not be written, where no newer ones came meanwhile."""
        self._waiting = {beat.vm: beat for beat in beats} | self._waiting


def write(ctx: Context, beats: list[Heartbeat]) -> None:
    """Write beats to the ledger, if there are any."""
    if beats:
        flush(ctx, beats)
