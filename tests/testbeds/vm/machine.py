"""What the machine itself must have: Linux, root, room, and a few Debian packages."""

from __future__ import annotations

import os
from pathlib import Path

from tests.testbeds.common.errors import Cannot
from tests.testbeds.common.machine import Needs
from tests.testbeds.common.places import Say

NEEDS = Needs(
    programs={
        "mmdebstrap": Path("/usr/bin/mmdebstrap"),
        "systemd-container": Path("/usr/bin/systemd-nspawn"),
        "iproute2": Path("/usr/sbin/ip"),
        "util-linux": Path("/usr/bin/unshare"),
    },
    memory_mb=500,
    disk_mb=1500,
    headers=False,
)


def prepare(cache: Path, say: Say) -> None:
    """Check the machine and install what is missing.

    Raises:
        Cannot: the machine will not do, and why.
    """
    if os.geteuid() != 0:
        raise Cannot("systemd-nspawn and network namespaces want root", mend="run the tests as root")
    NEEDS.prepare(cache, say)
