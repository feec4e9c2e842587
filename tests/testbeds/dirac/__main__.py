"""`python -m tests.testbeds.dirac up|down|status|wipe [--home DIR] [--json]`: a real DIRAC on loopback."""

from __future__ import annotations

import sys

from tests.testbeds.common.command import Command

from .bed import Bed
from .life import LIFE


def _told(bed: Bed) -> str:
    exports = [f"export {name}={value}" for name, value in bed.environment("dirac_admin").items()]
    return "\n".join([f"configuration {bed.configuration}", *exports, ""])


if __name__ == "__main__":
    sys.exit(Command("tests.testbeds.dirac", "A real DIRAC on loopback.", LIFE, _told).main())
