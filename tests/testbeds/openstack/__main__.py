"""`python -m tests.testbeds.openstack up|down|status|wipe [--home DIR] [--json]`: a real OpenStack on loopback."""

from __future__ import annotations

import sys

from tests.testbeds.common.command import Command

from .bed import Bed
from .life import LIFE


def _told(bed: Bed) -> str:
    clouds = f"export OS_CLIENT_CONFIG_FILE={bed.clouds_file}"
    return f"auth_url {bed.auth_url}\nprojects {' '.join(bed.projects)}\n{clouds}\n"


if __name__ == "__main__":
    sys.exit(Command("tests.testbeds.openstack", "A real OpenStack on loopback.", LIFE, _told).main())
