"""What watches over a worker speaks through."""

from typing import NamedTuple

from .any_pilot import AnyPilot
from .draining import DrainFile
from .line import Line
from .outbox import Outbox
from .parting import Logs
from .vitals import Vitals


class Parts(NamedTuple):
    """The parts of a worker that its monitor watches, and those it speaks through."""

    line: Line
    pilot: AnyPilot
    outbox: Outbox
    vitals: Vitals
    drain_file: DrainFile
    logs: Logs

    def hand_over_logs(self) -> None:
        """Do so before the last word: whoever knows that nothing runs here any more may end this machine at once."""
        if self.line.heard:
            self.logs.hand_over()
